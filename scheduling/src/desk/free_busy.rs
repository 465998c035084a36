//! When somebody is busy (RFC 4791 §7.10): told to whoever may know that, also without a right to read.

use calendar::{
    Budget, TimeRange, Zone,
    free_busy::{BusyPeriod, BusyType, Owner, busy_periods, merge},
    recurrence::DEFAULT_WORK,
};
use storage::{
    Found, Resolution, ResourcePath,
    access::Privilege,
    model::{Collection, CollectionKind, Member, Object, Principal},
};

use super::{
    Desk,
    members::{Members, Observed, Walk},
    people::url_path,
    refuse::read_failed,
    standing::Standing,
};
use crate::{
    Actor, Refusal,
    calendar_view::{Candidate, Row},
    engine, parse_stored,
    projection::{ObjectProjection, Occupation},
};

/// The fewest steps that are left for an object in which others took all of theirs.
const LEAST_WORK: u32 = 5_000;
/// Objects read at once, of which all are looked into.
const READ_ROWS: usize = 100;

/// What is asked.
pub struct BusyQuery<'a> {
    /// A collection.
    pub path: ResourcePath,
    /// The calendars below the collection too, at any depth.
    pub deep: bool,
    /// From when to when.
    pub window: TimeRange,
    /// The zone in which floating times of a calendar are read.
    pub floating: &'a (dyn Fn(&Collection) -> Zone + Sync),
    /// The UID of a meeting whose own time does not count.
    pub masked_uid: Option<&'a str>,
}

/// What a question found so far.
struct Gathered {
    periods: Vec<BusyPeriod>,
    /// The steps for the next object: each that takes all of its leaves the next ones half, so that a question is
    /// answered in bounded time whatever somebody was invited to.
    work: u32,
}

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered {
            periods: Vec::new(),
            work: DEFAULT_WORK,
        }
    }
}

/// A collection whose busy times somebody asks for.
struct Asked<'a> {
    standing: &'a Standing<'a>,
    resolution: &'a Resolution,
}

impl Asked<'_> {
    /// Whether the actor may know of the time of an object that may have entries of its own (RFC 4791
    /// §6.1.1).
    fn counts(&self, object: &Object) -> bool {
        if object.access.is_empty() {
            return true;
        }
        let mut links = self.resolution.chain();
        links.push(object.link(self.resolution.site()));
        self.standing.evaluate(&links).has(Privilege::ReadFreeBusy)
    }
}

impl Desk {
    /// The busy periods of calendars that count for their owner's busy time (RFC 6638 §9.1), merged and in order.
    ///
    /// Errors: `NotFound` where the actor may not know, so that nobody finds out what exists
    /// (RFC 4791 §7.10).
    pub async fn busy_periods(
        &self,
        actor: &Actor,
        query: &BusyQuery<'_>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let mut gathered = Gathered::default();
        let mut open = vec![query.path.clone()];
        let mut known = None;
        while let Some(path) = open.pop() {
            let opened = match self
                .open_for(actor, &path, &[Privilege::ReadFreeBusy])
                .await
            {
                Ok(opened) => opened,
                Err(Refusal::Forbidden { .. }) if path == query.path => {
                    return Err(Refusal::NotFound);
                }
                Err(Refusal::Forbidden { .. } | Refusal::NotFound) if path != query.path => {
                    continue;
                }
                Err(refusal) => return Err(refusal),
            };
            let resolution = opened.resolution;
            if !matches!(resolution.found, Found::Collection) {
                return Err(Refusal::Prohibited("busy times are those of a collection"));
            }
            let collection = resolution.collection();
            if collection.kind == CollectionKind::Calendar && !self.counts(collection) {
                continue;
            }
            let owner = resolution.owner.id;
            let asked = Asked {
                standing: self.standing_again(&mut known, actor, owner).await?,
                resolution: &resolution,
            };
            let below = self.add_periods(&asked, query, &mut gathered).await?;
            if query.deep {
                open.extend(below.into_iter().map(|name| path.child(&name)));
            }
        }
        Ok(merge(self.shown_periods(gathered.periods)))
    }

    /// Whether a calendar counts for its owner's busy time (RFC 6638 §9.1).
    fn counts(&self, calendar: &Collection) -> bool {
        (self.settings.calendar_rules.counts)(calendar)
    }

    /// The busy periods of all calendars of somebody that count and whose busy time the actor may know,
    /// merged and in order; the collections that hold them need not be readable.
    ///
    /// Errors: as [`Desk::busy_periods`], but for `NotFound`.
    pub(super) async fn busy_periods_below(
        &self,
        actor: &Actor,
        query: &BusyQuery<'_>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let periods = self.gather_periods(actor, query, None).await?;
        Ok(merge(self.shown_periods(periods)))
    }

    /// What others are told: what was not answered is tentative, or free where the installation wants it so.
    fn shown_periods(&self, mut periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
        if self.settings.unanswered_is_free {
            periods.retain(|period| period.busy_type != BusyType::Unanswered);
        }
        for period in &mut periods {
            period.busy_type = period.busy_type.shown();
        }
        periods
    }

    /// The same as they are, neither merged nor in order. Each collection is noted in `observed` before it is looked
    /// into, so that a commit can depend upon none having changed since.
    pub(super) async fn gather_periods(
        &self,
        actor: &Actor,
        query: &BusyQuery<'_>,
        observed: Option<&mut Observed>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let mut gathered = Gathered::default();
        let mut walk = Walk::from(query.path.clone(), observed);
        let mut known = None;
        while let Some((path, resolution)) = self.next_collection(&mut walk).await? {
            let collection = resolution.collection();
            let owner = resolution.owner.id;
            let standing = self.standing_again(&mut known, actor, owner).await?;
            if collection.kind == CollectionKind::Calendar {
                let held = standing.privileges(&resolution);
                if !held.has(Privilege::ReadFreeBusy) || !self.counts(collection) {
                    continue;
                }
            }
            let asked = Asked {
                standing,
                resolution: &resolution,
            };
            let below = self.add_periods(&asked, query, &mut gathered).await?;
            walk.follow(&path, below);
        }
        Ok(gathered.periods)
    }

    /// Adds the periods of a calendar, and returns the names of the collections in it.
    async fn add_periods(
        &self,
        asked: &Asked<'_>,
        query: &BusyQuery<'_>,
        gathered: &mut Gathered,
    ) -> Result<Vec<String>, Refusal> {
        let collection = asked.resolution.collection();
        let floating = (query.floating)(collection);
        let is_calendar = collection.kind == CollectionKind::Calendar;
        let Some(shown) = self.shown(collection.id).await? else {
            return self.add_periods_of_all(asked, query, gathered).await;
        };
        let masked = self.masked_name(collection, query).await?;
        let is_bookable = asked.resolution.owner.kind.is_bookable();
        let periods = &mut gathered.periods;
        let (below, mut unknown) = shown.read(|view| {
            let below = view.collections().map(str::to_owned).collect();
            let mut unknown = Vec::new();
            for row in view.touching(&query.window).filter(|_| is_calendar) {
                if masked.as_deref() != Some(&*row.name)
                    && (row.is_special
                        || !add_known_periods(row, query, &floating, is_bookable, periods))
                {
                    unknown.push(Candidate::of(row));
                }
            }
            (below, unknown)
        });
        unknown.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for page in unknown.chunks(READ_ROWS) {
            for read in self.read_candidates(collection.id, page).await? {
                self.add_periods_of(&read.object, asked, query, &floating, gathered)
                    .await?;
            }
            tokio::task::yield_now().await;
        }
        Ok(below)
    }

    /// The name of the object whose own time does not count.
    async fn masked_name(
        &self,
        collection: &Collection,
        query: &BusyQuery<'_>,
    ) -> Result<Option<String>, Refusal> {
        let Some(uid) = query.masked_uid else {
            return Ok(None);
        };
        let places = self.store.find_uid_in(collection, uid).await;
        let place = places.map_err(read_failed)?.first().cloned();
        Ok(place.map(|place| place.name))
    }

    /// The same by reading every member, for collections that are too large to be remembered.
    async fn add_periods_of_all(
        &self,
        asked: &Asked<'_>,
        query: &BusyQuery<'_>,
        gathered: &mut Gathered,
    ) -> Result<Vec<String>, Refusal> {
        let collection = asked.resolution.collection();
        let floating = (query.floating)(collection);
        let is_calendar = collection.kind == CollectionKind::Calendar;
        let mut below = Vec::new();
        let mut members = Members::of(collection.id);
        while let Some(rows) = self.next_members(&mut members).await? {
            for row in rows {
                match row.member.value {
                    Member::Collection(_) => below.push(row.name),
                    Member::Object(object) if is_calendar => {
                        self.add_periods_of(&object, asked, query, &floating, gathered)
                            .await?;
                    }
                    Member::Object(_) => {}
                }
            }
        }
        Ok(below)
    }

    async fn add_periods_of(
        &self,
        object: &Object,
        asked: &Asked<'_>,
        query: &BusyQuery<'_>,
        floating: &Zone,
        gathered: &mut Gathered,
    ) -> Result<(), Refusal> {
        let owner = &asked.resolution.owner;
        let Some(facts) = &object.calendar else {
            return Ok(());
        };
        if query.masked_uid == Some(&facts.uid) {
            return Ok(());
        }
        let may_count = |projection: ObjectProjection| {
            let kinds = projection.kinds();
            (kinds.may_contain("VEVENT") || kinds.may_contain("VFREEBUSY"))
                && projection.may_overlap(&query.window)
        };
        if !ObjectProjection::decode(&facts.projection).is_none_or(may_count) {
            return Ok(());
        }
        if !asked.counts(object) {
            return Ok(());
        }
        let octets = self
            .store
            .content(&object.content)
            .await
            .map_err(read_failed)?;
        let Ok(object) = parse_stored(octets) else {
            return Ok(());
        };
        let owner = Owner {
            has_address: &|address: &str| self.is_address_of(owner, address),
            is_bookable: owner.kind.is_bookable(),
        };
        let mut budget = Budget::new(gathered.work);
        let found = busy_periods(&object, &query.window, floating, &owner, &mut budget);
        gathered.periods.extend(found);
        if budget.remaining() == 0 {
            gathered.work = (gathered.work / 2).max(LEAST_WORK);
        }
        Ok(())
    }

    fn is_address_of(&self, principal: &Principal, address: &str) -> bool {
        let form = engine::normalise(address);
        principal
            .addresses
            .iter()
            .any(|own| engine::normalise(own) == form)
            || url_path(address)
                .and_then(self.settings.principal_path_to_name)
                .as_ref()
                == Some(&principal.name)
    }
}

/// Adds the periods of an object in a window, if they are known without reading it; says whether they are.
fn add_known_periods(
    row: &Row,
    query: &BusyQuery<'_>,
    floating: &Zone,
    is_bookable: bool,
    periods: &mut Vec<BusyPeriod>,
) -> bool {
    let Some(projection) = &row.projection else {
        return true;
    };
    let kinds = projection.kinds();
    if kinds.may_contain("VFREEBUSY") {
        return false;
    }
    if !kinds.may_contain("VEVENT") {
        return true;
    }
    let window = &query.window;
    let before = periods.len();
    let mut depends_on_owner = false;
    let is_known = projection.visit_instances(window, floating, &mut |instance| {
        let busy_type = match instance.occupation {
            Occupation::Free if !is_bookable => return true,
            Occupation::Busy => BusyType::Busy,
            Occupation::Tentative => BusyType::Tentative,
            // What a room accepted may be transparent.
            Occupation::Free | Occupation::ByAttendance => {
                depends_on_owner = true;
                return false;
            }
        };
        periods.push(BusyPeriod {
            start: window
                .start
                .map_or(instance.start, |start| start.max(instance.start)),
            end: window.end.map_or(instance.end, |end| end.min(instance.end)),
            busy_type,
        });
        true
    });
    if !is_known || depends_on_owner {
        periods.truncate(before);
        return false;
    }
    true
}
