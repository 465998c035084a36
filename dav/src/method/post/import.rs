//! A stream of calendar data that is posted to a calendar: each UID in it becomes an object, by itself, and
//! nobody hears of it (calendarserver bulk-change §3).
//!
//! Where a UID stands in the calendar already, the newer one stays; the specification would refuse it, but
//! an import that can be repeated is what people need. What is refused says why, and keeps nothing else out.

use calendar::{
    Format, Limits, Piece, Split,
    check::ObjectPrecondition,
    split::{SplitFault, SplitPrecondition},
};
use scheduling::{
    Actor, Precondition,
    desk::{Import, Imported, IncomingObject, OnConflict, Placed},
};

use super::bulk::{self, Detail, Stored, say_refused, say_stored};
use crate::{
    error::DavError,
    multistatus::Multistatus,
    service::{Dav, Request},
};

/// How many objects are held beside the stream.
const OBJECTS_AT_ONCE: usize = 50;
/// Beyond so many octets of them no more are held.
const OCTETS_AT_ONCE: usize = 1024 * 1024;

/// Stores what a stream holds.
pub(super) async fn import(
    dav: &Dav,
    request: &Request,
    format: Format,
    detail: Detail,
) -> Result<Multistatus, DavError> {
    let invalid = |reason: String| DavError::precondition(Precondition::ValidCalendarData, reason);
    let stream_limits = Limits {
        octets: usize::MAX,
        lines: usize::MAX,
        ..Limits::default()
    };
    let stream = format.stream_to_icalendar(request.body.clone(), &stream_limits);
    let stream = stream.map_err(|error| invalid(error.to_string()))?;
    let mut conditions = request.conditions(dav)?;
    bulk::read_ctags(&mut conditions);
    let later = bulk::after_the_first(&conditions);
    let mut run = Run {
        dav,
        actor: &request.actor,
        import: Import {
            calendar: request.stored_path()?.clone(),
            on_conflict: OnConflict::Newer,
            conditions,
            dry_run: false,
        },
        detail,
        answer: Multistatus::new(),
    };
    let limits = &dav.desk().settings().limits;
    let mut split = Split::new(
        stream,
        &Limits {
            octets: usize::try_from(limits.maximum_resource_octets).unwrap_or(usize::MAX),
            ..Limits::default()
        },
    )
    .peekable();
    // The first change is the one that the conditions are about: it makes a commit of its own.
    let mut at_once = 1;
    let mut is_begun = false;
    loop {
        let pieces = next_pieces(&mut split, at_once);
        match pieces.as_slice() {
            [] => break,
            [only] if !is_begun && split.peek().is_none() => match &only.object {
                // There is nothing of a calendar in it.
                Err(fault @ (SplitFault::NoCalendar | SplitFault::Outside)) => {
                    return Err(invalid(fault.to_string()));
                }
                _ => run.store(&pieces).await?,
            },
            pieces => run.store(pieces).await?,
        }
        is_begun = true;
        if at_once == 1 && pieces.iter().any(|piece| piece.object.is_ok()) {
            run.import.conditions = later.clone();
            at_once = OBJECTS_AT_ONCE;
        }
        // Where nothing of it can be stored, nothing else gives the others their turn.
        tokio::task::yield_now().await;
    }
    Ok(run.answer)
}

/// The next pieces of a stream, in bounds.
fn next_pieces(split: &mut impl Iterator<Item = Piece>, most: usize) -> Vec<Piece> {
    let (mut pieces, mut octets) = (Vec::new(), 0);
    while pieces.len() < most && octets < OCTETS_AT_ONCE {
        let Some(piece) = split.next() else { break };
        octets += piece.object.as_ref().map_or(0, |it| it.to_octets().len());
        pieces.push(piece);
    }
    pieces
}

/// An import under way.
struct Run<'a> {
    dav: &'a Dav,
    actor: &'a Actor,
    import: Import,
    detail: Detail,
    answer: Multistatus,
}

impl Run<'_> {
    async fn store(&mut self, pieces: &[Piece]) -> Result<(), DavError> {
        let objects: Vec<IncomingObject> = pieces
            .iter()
            .filter_map(|piece| piece.object.as_ref().ok())
            .map(|object| object.to_octets().into())
            .collect();
        let desk = self.dav.desk();
        let outcomes = desk.import(self.actor, &self.import, &objects).await?;
        let mut outcomes = outcomes.into_iter();
        for piece in pieces {
            match &piece.object {
                Err(fault) => {
                    let error = refusal_of(piece.line, fault);
                    say_refused(&mut self.answer, "", &piece.uid, &error);
                }
                Ok(_) => {
                    if let Some(outcome) = outcomes.next() {
                        self.say(piece, outcome).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn say(&mut self, piece: &Piece, outcome: Imported) -> Result<(), DavError> {
        let (placed, word) = match outcome {
            Imported::Created(placed) => (placed, "created"),
            Imported::Updated(placed) => (placed, "updated"),
            Imported::Unchanged(placed) => (placed, "unchanged"),
            Imported::Kept(placed) => return self.say_kept(piece, &placed),
            Imported::Refused(refusal) => {
                say_refused(&mut self.answer, "", &piece.uid, &refusal.into());
                return Ok(());
            }
        };
        let stored = Stored {
            path: &self.import.calendar.child(&placed.name),
            uid: &piece.uid,
            outcome: word,
            // What was mended is not what was sent.
            etag: piece.repairs.is_empty().then_some(placed.etag.as_str()),
        };
        say_stored(self.dav, self.actor, &mut self.answer, &stored, self.detail).await
    }

    fn say_kept(&mut self, piece: &Piece, placed: &Placed) -> Result<(), DavError> {
        let error = DavError::precondition_at(
            Precondition::NoUidConflict,
            "a newer version stands in the calendar, and stays",
            Some(self.import.calendar.child(&placed.name)),
        );
        say_refused(&mut self.answer, "", &piece.uid, &error);
        Ok(())
    }
}

fn refusal_of(line: usize, fault: &SplitFault) -> DavError {
    let precondition = match fault.precondition() {
        SplitPrecondition::SupportedCalendarComponent => Precondition::SupportedCalendarComponent,
        SplitPrecondition::MaxResourceSize => Precondition::MaxResourceSize,
        SplitPrecondition::Object(ObjectPrecondition::ValidCalendarData) => {
            Precondition::ValidCalendarData
        }
        SplitPrecondition::Object(ObjectPrecondition::ValidCalendarObjectResource) => {
            Precondition::ValidCalendarObjectResource
        }
        SplitPrecondition::Object(ObjectPrecondition::SupportedRscale) => {
            Precondition::SupportedRscale
        }
    };
    DavError::precondition(precondition, format!("line {line}: {fault}"))
}
