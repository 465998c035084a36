//! Views of collections, brought up to date before they are shown.

use std::{
    iter,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use calendar::{CalendarObject, TimeRange};
use storage::{
    Listed, Stored,
    model::{CollectionId, Member, Object, SyncToken},
};
use tokio::task::JoinSet;

use super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    calendar_view::{CalendarView, Candidate, Folding, Shown},
    parse_stored,
    projection::ObjectProjection,
};

/// Members read at once.
#[cfg(not(test))]
const PAGE_ROWS: usize = 256;
#[cfg(test)]
const PAGE_ROWS: usize = 10;
/// Ranges of names that are read at the same time where a view is made of many members.
const RANGES: usize = 4;
/// Where more than this has changed since a view was made, it is made anew.
const MOST_CHANGES: usize = 5_000;

/// A member that a view gave, read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its name.
    pub name: Arc<str>,
    /// As it is now.
    pub object: Stored<Object>,
    /// It matches for certain: it is in the state that was judged, and the judgement was certain.
    pub is_certain: bool,
    /// More about its instances may be remembered.
    pub is_learnable: bool,
}

impl Desk {
    /// The view of a collection, of the moment of this call or a later one; `None` where it would take more
    /// memory than all views may. Whether somebody may look at it is decided before
    /// (`Desk::open`), what they see of each object by [`crate::view`].
    ///
    /// Errors: the store cannot be read.
    pub async fn shown(&self, id: CollectionId) -> Result<Option<Arc<Shown>>, Refusal> {
        let shown = self.views.of(id);
        if shown.is_too_large() {
            return Ok(None);
        }
        if self.is_view_current(&shown) {
            return Ok(Some(shown));
        }
        let _alone = shown.work.lock().await;
        if self.is_view_current(&shown) {
            return Ok(Some(shown.clone()));
        }
        // Before the reads: what is written meanwhile is looked for again the next time.
        let through = self.store.revision();
        let is_there = self.renew_view(id, &shown).await?
            || self.take_up_kept_view(id, &shown).await?
            || self.fold_view(id, &shown).await?;
        // One that is brought up to date may have grown.
        let octets = shown.read(CalendarView::octets);
        if !is_there || octets > self.views.largest_octets() {
            self.views.note_too_large(id);
            return Ok(None);
        }
        shown.confirm(through);
        self.views.keep_within_bounds(id);
        Ok(Some(shown.clone()))
    }

    fn is_view_current(&self, shown: &Shown) -> bool {
        shown.read(|view| view.token().is_some())
            && self.store.are_members_unchanged_since(shown.through())
    }

    /// Brings a view up to date from the change log; `false` where it must be made anew.
    pub(super) async fn renew_view(
        &self,
        id: CollectionId,
        shown: &Shown,
    ) -> Result<bool, Refusal> {
        let Some(token) = shown.read(|view| view.token()) else {
            return Ok(false);
        };
        let newest = self.store.sync_token(id).await.map_err(read_failed)?;
        if newest == token {
            return Ok(true);
        }
        let changes = self.store.changes(id, token, MOST_CHANGES).await;
        let Some(changes) = changes.map_err(read_failed)?.filter(|it| !it.truncated) else {
            return Ok(false);
        };
        let names: Vec<String> = changes.changes.into_iter().map(|it| it.name).collect();
        for names in names.chunks(PAGE_ROWS) {
            self.refresh_view(id, shown, names).await?;
        }
        shown.change(|view| view.advance(changes.token));
        Ok(true)
    }

    /// Reads members again, whatever has become of them.
    async fn refresh_view(
        &self,
        id: CollectionId,
        shown: &Shown,
        names: &[String],
    ) -> Result<(), Refusal> {
        let members = self.store.members_named(id, names).await;
        let members = members.map_err(read_failed)?;
        let mut read = Vec::with_capacity(members.len());
        for (name, member) in names.iter().zip(members) {
            let object = match member.map(|member| (member.value, member.revision)) {
                None => None,
                Some((Member::Collection(_), _)) => {
                    shown.change(|view| view.put_collection(name.clone()));
                    continue;
                }
                Some((Member::Object(value), revision)) => {
                    let object = Stored { value, revision };
                    let projection = self.projection_of(&object).await?;
                    Some((object, projection))
                }
            };
            read.push((name, object));
        }
        shown.change(|view| {
            for (name, object) in read {
                match object {
                    Some((object, projection)) => view.put(name, &object, projection),
                    None => view.remove(name),
                }
            }
        });
        Ok(())
    }

    /// Makes a view from all members; `false` where it becomes too large. Where there are many, several ranges
    /// of names are read at the same time.
    async fn fold_view(&self, id: CollectionId, shown: &Shown) -> Result<bool, Refusal> {
        let token: SyncToken = self.store.sync_token(id).await.map_err(read_failed)?;
        let (mut folding, total) = (Folding::default(), Arc::new(AtomicUsize::new(0)));
        let page = self.store.members(id, None, PAGE_ROWS).await;
        let (rows, more) = page.map_err(read_failed)?;
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        self.fold(rows, &mut folding, &total).await?;
        if let (Some(first), true) = (names.last(), more) {
            let last = self.store.last_member(id).await.map_err(read_failed)?;
            let read: Vec<&str> = names.iter().map(String::as_str).collect();
            let borders = borders(&read, last.as_ref().unwrap_or(first));
            let starts = iter::once(first.clone()).chain(borders.iter().cloned());
            let ends = borders.iter().cloned().map(Some).chain([None]);
            let mut ranges = JoinSet::new();
            for (number, (after, until)) in starts.zip(ends).enumerate() {
                let (desk, total) = (self.clone(), Arc::clone(&total));
                ranges.spawn(async move {
                    let folded = desk.fold_range(id, after, until, &total).await?;
                    Ok::<_, Refusal>((number, folded))
                });
            }
            let mut folded = Vec::new();
            while let Some(range) = ranges.join_next().await {
                folded.push(range.map_err(Refusal::of_ended_task)??);
            }
            folded.sort_unstable_by_key(|(number, _)| *number);
            folding.append(folded.into_iter().map(|(_, range)| range).collect());
        }
        let is_small_enough = total.load(Ordering::Relaxed) <= self.views.largest_octets();
        if is_small_enough {
            shown.replace(folding.finish(token));
        }
        Ok(is_small_enough)
    }

    /// Takes up the members behind one name and up to another, as long as all ranges together, whose octets
    /// are counted in `total`, are not too large.
    async fn fold_range(
        &self,
        id: CollectionId,
        mut after: String,
        until: Option<String>,
        total: &AtomicUsize,
    ) -> Result<Folding, Refusal> {
        let mut folding = Folding::default();
        loop {
            let page = self.store.members(id, Some(&after), PAGE_ROWS).await;
            let (mut rows, more) = page.map_err(read_failed)?;
            let read = rows.len();
            if let Some(until) = &until {
                rows.truncate(rows.partition_point(|row| row.name <= *until));
            }
            let is_end = !more || rows.len() < read;
            let last = rows.last().map(|row| row.name.clone());
            self.fold(rows, &mut folding, total).await?;
            match last {
                Some(last)
                    if !is_end && total.load(Ordering::Relaxed) <= self.views.largest_octets() =>
                {
                    after = last;
                }
                _ => return Ok(folding),
            }
            tokio::task::yield_now().await;
        }
    }

    async fn fold(
        &self,
        rows: Vec<Listed>,
        folding: &mut Folding,
        total: &AtomicUsize,
    ) -> Result<(), Refusal> {
        let before = folding.octets();
        for row in rows {
            match row.member.value {
                Member::Collection(_) => folding.add_collection(row.name),
                Member::Object(value) => {
                    let object = Stored {
                        value,
                        revision: row.member.revision,
                    };
                    let projection = self.projection_of(&object).await?;
                    folding.add(&row.name, &object, projection);
                }
            }
        }
        total.fetch_add(folding.octets() - before, Ordering::Relaxed);
        Ok(())
    }

    /// What is known of an object: as its row says, or computed again where that was made by other rules.
    async fn projection_of(
        &self,
        object: &Stored<Object>,
    ) -> Result<Option<ObjectProjection>, Refusal> {
        let Some(facts) = &object.calendar else {
            return Ok(None);
        };
        if let Some(projection) = ObjectProjection::decode(&facts.projection) {
            return Ok(Some(projection));
        }
        let octets = self.store.content(&object.content).await;
        let parsed = parse_stored(octets.map_err(read_failed)?);
        // What is damaged matches nothing.
        Ok(parsed.ok().map(|parsed| ObjectProjection::of(&parsed)))
    }

    /// Reads what a view gave, in its order; what has gone meanwhile is left out.
    ///
    /// Errors: the store cannot be read.
    pub async fn read_candidates(
        &self,
        id: CollectionId,
        candidates: &[Candidate],
    ) -> Result<Vec<Read>, Refusal> {
        let names: Vec<&str> = candidates.iter().map(|it| &*it.name).collect();
        let objects = self.store.objects(id, &names).await;
        let objects = objects.map_err(read_failed)?;
        let read = |(candidate, object): (&Candidate, Option<Stored<Object>>)| {
            let object = object?;
            Some(Read {
                name: Arc::clone(&candidate.name),
                is_certain: candidate.is_certain && object.revision == candidate.revision,
                is_learnable: candidate.is_learnable,
                object,
            })
        };
        Ok(candidates.iter().zip(objects).filter_map(read).collect())
    }

    /// Remembers when an object is around a range, so that it need not be read for the next question.
    pub fn learn_instances(
        &self,
        shown: &Shown,
        read: &Read,
        object: &CalendarObject,
        range: &TimeRange,
    ) {
        let projection = ObjectProjection::of(object).with_instances_around(object, range);
        shown.change(|view| view.learn(&read.name, read.object.revision, projection));
    }
}

/// Texts between two of the `names`, which are some of many in their order, and the last of all, that part
/// the names between them in about equal ranges. As most are numbered or random, they are taken to be made of
/// the octets of these evenly. In order; fewer where the names are too close together.
fn borders(names: &[&str], last: &str) -> Vec<String> {
    let first = names.last().copied().unwrap_or_default();
    let pairs = first.bytes().zip(last.bytes());
    let common = pairs.take_while(|(one, other)| one == other).count();
    let varying = |name: &&str| name.as_bytes().get(common..).unwrap_or_default().to_vec();
    let mut octets: Vec<u8> = names.iter().chain([&last]).flat_map(varying).collect();
    octets.sort_unstable();
    octets.dedup();
    let number = |name: &str| {
        let place = |at: usize| {
            let octet = name.as_bytes().get(common + at);
            octet.map_or(0, |octet| octets.partition_point(|other| other < octet))
        };
        place(0) * octets.len() + place(1)
    };
    let (low, high) = (number(first), number(last));
    let border = |part: usize| {
        let between = low + high.saturating_sub(low) * part / RANGES;
        let mut text = first.as_bytes()[..common].to_vec();
        let places = [between / octets.len().max(1), between % octets.len().max(1)];
        text.extend(places.iter().filter_map(|place| octets.get(*place)));
        // What is no text ends where it is one no longer.
        String::from_utf8_lossy(&text)
            .split(char::REPLACEMENT_CHARACTER)
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut borders: Vec<String> = (1..RANGES).map(border).collect();
    borders.retain(|border| border.as_str() > first && border.as_str() < last);
    borders.sort_unstable();
    borders.dedup();
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_part_what_is_between_two_names() {
        let cases: [(&[&str], &str, &[&str]); 7] = [
            (
                &["event-00123", "event-00456", "event-00789"],
                "event-49999",
                &["event-12", "event-24", "event-36"],
            ),
            // As UUIDs are: nothing lies between 9 and a.
            (
                &["00123456-789.ics", "0abcdef0.ics"],
                "fff.ics",
                &["46", "82", "c-"],
            ),
            (&["0"], "f", &["00", "0f"]),
            (&["a"], "a", &[]),
            (&["a"], "b", &["aa", "ab"]),
            (&["ä", "è", "í"], "ö", &[]),
            (&[""], "\u{10FFFF}", &[]),
        ];
        for (names, last, expected) in cases {
            let borders = borders(names, last);
            assert_eq!(borders, expected, "{names:?} to {last:?}");
            assert!(borders.is_sorted());
        }
    }

    /// Names of one form are parted into ranges of about the same length.
    #[test]
    fn ranges_are_about_equal() {
        let forms: [fn(u32) -> String; 3] = [
            |number| format!("{number:05}.ics"),
            |number| format!("{:08x}-{number}.ics", number.wrapping_mul(0x9E37_79B9)),
            |number| format!("{:08X}", number.wrapping_mul(0x9E37_79B9)),
        ];
        for form in forms {
            let mut names: Vec<String> = (0..10_000).map(form).collect();
            names.sort_unstable();
            let page: Vec<&str> = names[..500].iter().map(String::as_str).collect();
            let borders = borders(&page, &names[names.len() - 1]);
            assert_eq!(borders.len() + 1, RANGES, "{borders:?}");
            let places = borders
                .iter()
                .map(|border| names.partition_point(|name| name <= border));
            let ends: Vec<usize> = places.chain([names.len()]).collect();
            let mut start = page.len();
            for end in ends {
                let share = (end - start) as f64 / (names.len() - page.len()) as f64;
                assert!((0.15..0.35).contains(&share), "{share} in {borders:?}");
                start = end;
            }
        }
    }
}
