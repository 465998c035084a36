//! A collection's view for queries and listings: what must be known of each member to pass over it, or to
//! list it, without reading it. Pure.
//!
//! A view is folded from the members' rows, kept in memory, and brought up to date from the collection's
//! change log since its token (`desk::views`), hence right on several nodes. It is a hint that is always
//! checked: whoever reads a member compares its revision with the one that the view told of, and asks the
//! object itself where they differ.

mod cache;
mod kept;
mod spans;
mod tag;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use calendar::TimeRange;
use storage::{
    Revision, Stored,
    model::{Object, SyncToken},
};

#[cfg(test)]
pub(crate) use self::cache::QUESTIONS_WITHOUT;
pub(crate) use self::cache::Views;
pub use self::cache::{Shown, ViewBounds};
pub(crate) use self::kept::{KeepingView, KeptView};
use self::spans::{Span, Spans};
pub use self::tag::{EntityTag, TagText};
use crate::projection::{ObjectProjection, Verdict};

/// A member that is an object.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name in the collection.
    pub name: Arc<str>,
    /// The commit that wrote it.
    pub revision: Revision,
    /// Its entity tag.
    pub entity_tag: EntityTag,
    /// Its media type.
    pub content_type: Arc<String>,
    /// Clients stored properties or access control entries with it, which only reading it tells.
    pub is_special: bool,
    /// What is known of a calendar object; `None` of other files.
    pub projection: Option<ObjectProjection>,
    /// Its instances were looked for in vain.
    is_complicated: bool,
}

/// A row that may match a query.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The member's name.
    pub name: Arc<str>,
    /// The state of it that was judged.
    pub revision: Revision,
    /// It matches for certain, in that state.
    pub is_certain: bool,
    /// More about its instances may be remembered once it was read.
    pub is_learnable: bool,
}

/// All members of a collection as of one moment.
#[derive(Debug, Default)]
pub struct CalendarView {
    /// `None` before anything was read.
    token: Option<SyncToken>,
    rows: Vec<Option<Row>>,
    vacant: Vec<u32>,
    names: BTreeMap<Arc<str>, u32>,
    collections: BTreeSet<String>,
    content_types: Vec<Arc<String>>,
    spans: Spans,
    octets: usize,
    /// How many members were put in and taken out that the view which was kept, if any was, does not know.
    changes_not_kept: usize,
}

/// Members in the order in which a view is made of them.
#[derive(Debug, Default)]
pub(crate) struct Folding {
    rows: Vec<Row>,
    collections: BTreeSet<String>,
    content_types: Vec<Arc<String>>,
    octets: usize,
}

/// Media types that are kept once for all objects which have them; more than anybody uses.
const SHARED_CONTENT_TYPES: usize = 64;
/// Memory of a row beside what it points to: in the list, among the names, and as a span.
const ROW_OCTETS: usize = size_of::<Option<Row>>() + 28 + size_of::<Span>();
/// What an allocation takes beyond its octets: the counts of a shared one, and what is rounded up.
const ALLOCATION_OCTETS: usize = 20;

impl Candidate {
    /// A row that must be asked.
    pub fn of(row: &Row) -> Candidate {
        Candidate {
            name: Arc::clone(&row.name),
            revision: row.revision,
            is_certain: false,
            is_learnable: !row.is_complicated,
        }
    }
}

impl Row {
    fn of(
        name: &str,
        object: &Stored<Object>,
        projection: Option<ObjectProjection>,
        content_types: &mut Vec<Arc<String>>,
    ) -> Row {
        Row {
            name: name.into(),
            revision: object.revision,
            entity_tag: EntityTag::of(&object.etag),
            content_type: shared(content_types, &object.content_type),
            is_special: object.has_client_properties() || !object.access.is_empty(),
            projection,
            is_complicated: false,
        }
    }

    /// Where it stands in time; `None` where nowhere.
    fn span(&self, row: u32) -> Option<Span> {
        let (start, end) = self.projection.as_ref()?.bounds()?;
        Some(Span::new(start, end, row))
    }

    fn octets(&self) -> usize {
        let projection = self.projection.as_ref().map_or(0, ObjectProjection::octets);
        ROW_OCTETS + self.name.len() + ALLOCATION_OCTETS + self.entity_tag.octets() + projection
    }
}

fn shared(content_types: &mut Vec<Arc<String>>, wanted: &str) -> Arc<String> {
    if let Some(known) = content_types
        .iter()
        .find(|known| *known.as_str() == *wanted)
    {
        return Arc::clone(known);
    }
    let new = Arc::new(wanted.to_owned());
    if content_types.len() < SHARED_CONTENT_TYPES {
        content_types.push(Arc::clone(&new));
    }
    new
}

impl Folding {
    /// Adds a member, in the order of names; what is known of it is given beside it.
    pub fn add(
        &mut self,
        name: &str,
        object: &Stored<Object>,
        projection: Option<ObjectProjection>,
    ) {
        let row = Row::of(name, object, projection, &mut self.content_types);
        self.octets += row.octets();
        self.rows.push(row);
    }

    /// Adds a member that is a collection.
    pub fn add_collection(&mut self, name: String) {
        self.collections.insert(name);
    }

    /// Adds members whose names come behind those of all that were added, each of these parts behind the one
    /// before it.
    pub fn append(&mut self, parts: Vec<Folding>) {
        let more = parts.iter().map(|part| part.rows.len()).sum();
        self.rows.reserve_exact(more);
        for part in parts {
            for mut row in part.rows {
                row.content_type = shared(&mut self.content_types, &row.content_type);
                self.rows.push(row);
            }
            self.collections.extend(part.collections);
            self.octets += part.octets;
        }
    }

    /// Memory that the view will take, roughly.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// The view; `token` is from before the first member was read.
    pub fn finish(self, token: SyncToken) -> CalendarView {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let numbered = || self.rows.iter().enumerate();
        let spans = numbered().filter_map(|(at, row)| row.span(number(at)));
        CalendarView {
            token: Some(token),
            spans: Spans::from_all(spans.collect()),
            names: numbered()
                .map(|(at, row)| (Arc::clone(&row.name), number(at)))
                .collect(),
            changes_not_kept: self.rows.len(),
            rows: self.rows.into_iter().map(Some).collect(),
            vacant: Vec::new(),
            collections: self.collections,
            content_types: self.content_types,
            octets: self.octets,
        }
    }
}

impl CalendarView {
    /// The position in the change log up to which everything is known.
    /// `None` where nothing is.
    pub fn token(&self) -> Option<SyncToken> {
        self.token
    }

    /// Notes that everything up to this position is known.
    pub(crate) fn advance(&mut self, token: SyncToken) {
        self.token = Some(token);
    }

    /// How many members were put in and taken out that a view which was kept does not know.
    pub(crate) fn changes_not_kept(&self) -> usize {
        self.changes_not_kept
    }

    /// Notes that a view was kept which knows so many of those.
    pub(crate) fn note_kept(&mut self, changes: usize) {
        self.changes_not_kept = self.changes_not_kept.saturating_sub(changes);
    }

    /// The object of this name.
    pub(crate) fn row_named(&self, name: &str) -> Option<&Row> {
        self.row(*self.names.get(name)?)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Memory it takes, roughly.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// The names of the members that are collections, in order.
    pub fn collections(&self) -> impl Iterator<Item = &str> {
        self.collections.iter().map(String::as_str)
    }

    /// The objects behind a name, in the order of names.
    pub fn rows_after(&self, name: Option<&str>) -> impl Iterator<Item = &Row> {
        let start = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.names
            .range::<str, _>((start, Bound::Unbounded))
            .filter_map(|(_, row)| self.row(*row))
    }

    /// The objects that `judge` does not exclude, in the order of names. Where a range is given, only those
    /// are shown to it that may be in it.
    pub fn select(
        &self,
        range: Option<&TimeRange>,
        mut judge: impl FnMut(&Row) -> Verdict,
    ) -> Vec<Candidate> {
        let mut found = Vec::new();
        let mut take = |row: &Row| {
            let verdict = judge(row);
            if verdict != Verdict::No {
                found.push(Candidate {
                    is_certain: verdict == Verdict::Yes,
                    ..Candidate::of(row)
                });
            }
        };
        match range {
            None => self.rows_after(None).for_each(take),
            Some(range) => {
                self.touching(range).for_each(&mut take);
                found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            }
        }
        found
    }

    /// The objects that may have to do with a range, in no order.
    pub fn touching(&self, range: &TimeRange) -> impl Iterator<Item = &Row> {
        let first = range.start.map_or(i64::MIN, |start| start.as_second());
        let last = range.end.map_or(i64::MAX, |end| end.as_second());
        self.spans
            .touching(first, last)
            .filter_map(|row| self.row(row))
    }

    /// Puts in a member as it is now, in place of what had its name.
    pub(crate) fn put(
        &mut self,
        name: &str,
        object: &Stored<Object>,
        projection: Option<ObjectProjection>,
    ) {
        self.remove(name);
        self.changes_not_kept += 1;
        let row = Row::of(name, object, projection, &mut self.content_types);
        self.octets += row.octets();
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(span) = row.span(number) {
            self.spans.insert(span);
        }
        self.names.insert(Arc::clone(&row.name), number);
        if let Some(place) = self.rows.get_mut(number as usize) {
            *place = Some(row);
        }
    }

    /// Puts in a member that is a collection, in place of what had its name.
    pub(crate) fn put_collection(&mut self, name: String) {
        self.remove(&name);
        self.changes_not_kept += 1;
        self.collections.insert(name);
    }

    /// Takes out what has this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.changes_not_kept += 1;
        self.collections.remove(name);
        let Some(number) = self.names.remove(name) else {
            return;
        };
        let Some(row) = self.rows.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        if let Some(span) = row.span(number) {
            self.spans.remove(span);
        }
        self.octets = self.octets.saturating_sub(row.octets());
        self.vacant.push(number);
    }

    /// Remembers more of an object than its row said, if it is still in the state that this is about.
    pub(crate) fn learn(&mut self, name: &str, revision: Revision, projection: ObjectProjection) {
        let number = self.names.get(name);
        let row = number.and_then(|number| self.rows.get_mut(*number as usize)?.as_mut());
        let Some(row) = row.filter(|row| row.revision == revision) else {
            return;
        };
        self.octets = self.octets.saturating_sub(row.octets());
        row.is_complicated = !projection.knows_instances();
        row.projection = Some(projection);
        self.octets += row.octets();
    }

    fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(number as usize)?.as_ref()
    }
}
