//! What stood under a name at a moment, from what stands there now and what the trash knows. Pure.

use storage::{
    Timestamp,
    model::{Object, TrashCause, Trashed},
};

/// What stood under a name at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then<'a> {
    /// Nothing.
    Absent,
    /// What stands there now.
    AsNow,
    /// This.
    Was(&'a Trashed),
    /// Something that was not kept because another version followed soon: the one that is nearest.
    About(&'a Trashed),
    /// The same, and the nearest is what stands there now.
    AboutNow,
}

/// The moment that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A time. Whatever was removed because the collection was about to be deleted is still there until
    /// the collection is deleted, where it is.
    At {
        time: Timestamp,
        deleted: Option<Timestamp>,
    },
    /// When the collection was deleted.
    OfDeletion,
}

/// `rows` are those of one name, the newest first. Rows of an earlier deletion of the collection, from
/// which it came back, have to be told apart: `since_return` are the first so many, which are newer.
pub(super) fn then<'a>(
    moment: Moment,
    rows: &[&'a Trashed],
    since_return: usize,
    now: Option<&Object>,
) -> Then<'a> {
    let with_collection = |place: usize, row: &Trashed| {
        row.cause == TrashCause::DeletedWithCollection && place < since_return
    };
    let (time, deleted) = match moment {
        Moment::At { time, deleted } => (time, deleted),
        Moment::OfDeletion => {
            return match (now, rows.first()) {
                (Some(_), _) => Then::AsNow,
                (None, Some(row)) if with_collection(0, row) => Then::Was(row),
                (None, _) => Then::Absent,
            };
        }
    };
    if now.is_some_and(|now| now.modified <= time) {
        return Then::AsNow;
    }
    let ended = |place: usize, row: &Trashed| match deleted {
        Some(deleted) if with_collection(place, row) => row.superseded.max(deleted),
        _ => row.superseded,
    };
    let later = rows
        .iter()
        .enumerate()
        .take_while(|(place, row)| ended(*place, row) > time)
        .count();
    let known = match later.checked_sub(1).map(|last| rows[last]) {
        Some(row) => row.object.as_ref().map(|object| (Some(row), object)),
        None => now.map(|now| (None, now)),
    };
    let Some((row, object)) = known else {
        return Then::Absent;
    };
    if object.modified <= time {
        return row.map_or(Then::AsNow, Then::Was);
    }
    // What followed was made later: either nothing stood there, or what did was not kept.
    let stood = match rows.get(later) {
        Some(before) => match before.cause {
            TrashCause::Changed | TrashCause::Arrived => true,
            _ => (before.superseded..=time).contains(&object.created),
        },
        None => object.created <= time,
    };
    match (stood, row) {
        (false, _) => Then::Absent,
        (true, Some(row)) => Then::About(row),
        (true, None) => Then::AboutNow,
    }
}

/// How many rows, the newest first, are newer than the collection's last return out of the trash.
pub(super) fn since_return(rows: &[Trashed]) -> usize {
    rows.iter()
        .position(|row| matches!(row.cause, TrashCause::Returned { .. }))
        .unwrap_or(rows.len())
}

/// Whether a collection stood under this name at a moment: `name` is the one that it has, or had when it
/// was deleted; its marks tell when it was away before, and under which name it had stood.
pub(super) fn stood_as(
    wanted: &str,
    time: Timestamp,
    name: &str,
    created: Timestamp,
    deleted: Option<Timestamp>,
    rows: &[Trashed],
) -> bool {
    let (mut name, mut end) = (name, deleted);
    for row in rows {
        let TrashCause::Returned { deleted } = row.cause else {
            continue;
        };
        if time >= row.superseded {
            break;
        }
        (name, end) = (&row.name, Some(deleted));
        if time >= deleted {
            // It was in the trash, unless the clock was put back.
            return false;
        }
    }
    name == wanted && created <= time && end.is_none_or(|end| time < end)
}

/// This name, or one like it with a number, that is not taken.
pub(super) fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let mut free = name.to_owned();
    let mut number = 1;
    while is_taken(&free) {
        free = match number {
            1 => format!("{stem}-restored{extension}"),
            number => format!("{stem}-restored-{number}{extension}"),
        };
        number += 1;
    }
    free
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use storage::{
        Revision,
        model::{CollectionId, Content, Properties, TrashId},
    };

    use super::*;

    fn object(created: i64, written: i64) -> Object {
        Object {
            id: None,
            content: Content::Inline(bytes::Bytes::new()),
            etag: format!("{written}"),
            content_type: String::new(),
            created: Timestamp(created),
            modified: Timestamp(written),
            calendar: None,
            properties: Properties::new(),
            access: Vec::new(),
        }
    }

    /// `cause created-written-ended`; a mark is `arrived ended`.
    fn row(text: &str, place: usize) -> Trashed {
        let (word, times) = text.split_once(' ').unwrap();
        let times: Vec<i64> = times.split('-').map(|time| time.parse().unwrap()).collect();
        Trashed {
            id: TrashId {
                collection: CollectionId(1),
                position: Some((Revision(100 - place as u64), 0)),
            },
            name: "a".to_owned(),
            superseded: Timestamp(*times.last().unwrap()),
            by: None,
            cause: match word {
                "changed" => TrashCause::Changed,
                "deleted" => TrashCause::Deleted,
                "cleared" => TrashCause::DeletedWithCollection,
                "moved" => TrashCause::Moved,
                _ => TrashCause::Arrived,
            },
            written: Revision(1),
            object: (times.len() == 3).then(|| object(times[0], times[1])),
        }
    }

    /// `-`, `now`, `~now`, `was WRITTEN` or `~WRITTEN`.
    fn said(then: Then<'_>) -> String {
        let written = |row: &Trashed| row.object.as_ref().unwrap().modified.0;
        match then {
            Then::Absent => "-".to_owned(),
            Then::AsNow => "now".to_owned(),
            Then::AboutNow => "~now".to_owned(),
            Then::Was(row) => format!("was {}", written(row)),
            Then::About(row) => format!("~{}", written(row)),
        }
    }

    #[test]
    fn what_stood_there_at_each_moment() {
        // what stands there now (created, written), rows from the newest on, then moment → answer
        #[rustfmt::skip]
        type Row<'a> = (Option<(i64, i64)>, &'a [&'a str], &'a [(i64, &'a str)]);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            (None, &[], &[(5, "-")]),
            (Some((3, 3)), &[], &[(2, "-"), (3, "now"), (9, "now")]),
            // changed
            (Some((3, 7)), &["changed 3-3-7"], &[(2, "-"), (3, "was 3"), (6, "was 3"), (7, "now")]),
            (Some((3, 9)), &["changed 3-7-9", "changed 3-3-7"], &[(2, "-"), (6, "was 3"), (8, "was 7"), (9, "now")]),
            // deleted, and made anew
            (None, &["deleted 3-3-7"], &[(2, "-"), (3, "was 3"), (7, "-")]),
            (Some((9, 9)), &["deleted 3-3-7"], &[(6, "was 3"), (7, "-"), (8, "-"), (9, "now")]),
            // moved here, changed here
            (Some((1, 5)), &["arrived 5"], &[(4, "-"), (5, "now")]),
            (Some((1, 8)), &["changed 1-5-8", "arrived 5"], &[(4, "-"), (5, "was 5"), (8, "now")]),
            // moved away and back
            (Some((1, 9)), &["arrived 9", "moved 1-1-5"], &[(0, "-"), (4, "was 1"), (6, "-"), (9, "now")]),
            // versions that were not kept: one that followed another, the first, one after a mark
            (Some((3, 9)), &["changed 3-3-7"], &[(6, "was 3"), (8, "~now"), (9, "now")]),
            (None, &["deleted 3-9-12", "changed 3-3-7"], &[(8, "~9"), (11, "was 9")]),
            (Some((3, 9)), &[], &[(2, "-"), (5, "~now")]),
            (Some((1, 9)), &["arrived 5"], &[(4, "-"), (6, "~now")]),
            (Some((9, 11)), &["deleted 3-3-7"], &[(8, "-"), (10, "~now")]),
        ];
        for (now, rows, answers) in table {
            let rows: Vec<Trashed> = rows
                .iter()
                .enumerate()
                .map(|(n, text)| row(text, n))
                .collect();
            let rows: Vec<&Trashed> = rows.iter().collect();
            let now = now.map(|(created, written)| object(created, written));
            for (time, answer) in *answers {
                let moment = Moment::At {
                    time: Timestamp(*time),
                    deleted: None,
                };
                let found = said(then(moment, &rows, rows.len(), now.as_ref()));
                assert_eq!(found, *answer, "{now:?} {rows:?} at {time}");
            }
        }
    }

    #[test]
    fn meetings_that_went_before_their_calendar_were_there_until_it_went() {
        let rows = [row("cleared 3-3-7", 0)];
        let rows: Vec<&Trashed> = rows.iter().collect();
        let at = |time| Moment::At {
            time: Timestamp(time),
            deleted: Some(Timestamp(9)),
        };
        assert_eq!(said(then(at(8), &rows, 1, None)), "was 3");
        assert_eq!(
            said(then(at(8), &rows, 0, None)),
            "-",
            "of an earlier deletion"
        );
        assert_eq!(said(then(Moment::OfDeletion, &rows, 1, None)), "was 3");
        assert_eq!(said(then(Moment::OfDeletion, &rows, 0, None)), "-");
        let deleted = [row("deleted 3-3-7", 0)];
        let deleted: Vec<&Trashed> = deleted.iter().collect();
        assert_eq!(said(then(Moment::OfDeletion, &deleted, 1, None)), "-");
        assert_eq!(
            said(then(Moment::OfDeletion, &deleted, 1, Some(&object(1, 1)))),
            "now"
        );
    }

    #[test]
    fn a_collection_stood_where_its_marks_say() {
        let mark = |returned, deleted, name: &str| Trashed {
            cause: TrashCause::Returned {
                deleted: Timestamp(deleted),
            },
            name: name.to_owned(),
            ..row(&format!("arrived {returned}"), 0)
        };
        // made at 1, as "a"; away from 3 to 5, back as "b"; away from 7 to 9, back as "a" again
        let rows = [mark(9, 7, "b"), mark(5, 3, "a")];
        for (time, name) in [
            (0, ""),
            (1, "a"),
            (3, ""),
            (4, ""),
            (5, "b"),
            (7, ""),
            (9, "a"),
            (11, "a"),
        ] {
            for wanted in ["a", "b"] {
                let stood =
                    |deleted| stood_as(wanted, Timestamp(time), "a", Timestamp(1), deleted, &rows);
                assert_eq!(stood(None), name == wanted, "{wanted} at {time}");
                let deleted = Timestamp(11);
                assert_eq!(
                    stood(Some(deleted)),
                    name == wanted && time < 11,
                    "{wanted} at {time}"
                );
            }
        }
    }

    #[test]
    fn names_that_are_taken_get_a_number() {
        for (name, taken, free) in [
            ("a.ics", &[][..], "a.ics"),
            ("a.ics", &["a.ics"], "a-restored.ics"),
            (
                "a.b.ics",
                &["a.b.ics", "a.b-restored.ics"],
                "a.b-restored-2.ics",
            ),
            ("work", &["work"], "work-restored"),
            (".hidden", &[".hidden"], ".hidden-restored"),
        ] {
            assert_eq!(free_name(name, |name| taken.contains(&name)), free);
        }
    }
}
