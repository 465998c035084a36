//! `convoke trash`

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};
use scheduling::desk::{RestoreCollection, Restored, TrashItem};
use storage::model::TrashCause;

use super::{Failure, Output, Reach};
use crate::{
    cli::{TrashCommand, TrashRestore},
    trash::{Ask, Told},
};

/// Runs it.
///
/// # Errors
/// In words for a person; also where something could not be brought back, after all the rest was.
pub async fn run(command: TrashCommand, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    match command {
        TrashCommand::List {
            user,
            calendar,
            since,
            json,
        } => {
            let ask = Ask::ListTrash {
                owner: user,
                collection: calendar,
                since: since.map(|since| since.0),
            };
            match reach.ask_trash(ask).await? {
                Told::Listed(items, more) => list(&items, more, json, output),
                _ => Ok(()),
            }
        }
        TrashCommand::Show { id } => show(id, reach, output).await,
        TrashCommand::Restore(arguments) => restore(arguments, reach, output).await,
    }
}

fn list(items: &[TrashItem], more: bool, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        output.line(&serde_json::to_string_pretty(items)?);
    } else {
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        let heading = ["ID", "WHEN", "WHAT", "WHERE", "SUMMARY", "BY"];
        output.table(&heading, &rows);
    }
    if more {
        output.error("There is more; name a calendar or a time to see the rest.");
    }
    Ok(())
}

fn row(item: &TrashItem) -> Vec<String> {
    vec![
        item.id.clone(),
        moment(item.when),
        what(item),
        place(item),
        item.summary.clone().unwrap_or_default(),
        item.by.clone().unwrap_or_default(),
    ]
}

fn what(item: &TrashItem) -> String {
    let word = match item.cause {
        TrashCause::Changed => "changed",
        TrashCause::Deleted => "deleted",
        TrashCause::DeletedWithCollection => "deleted with its calendar",
        TrashCause::Moved => "moved away",
        TrashCause::Arrived | TrashCause::Returned { .. } => "",
    };
    match item.is_collection {
        true => format!("calendar {word}"),
        false => word.to_owned(),
    }
}

fn place(item: &TrashItem) -> String {
    match (item.is_collection, item.collection.is_empty()) {
        (true, _) => item.collection.clone(),
        (false, true) => item.name.clone(),
        (false, false) => format!("{}/{}", item.collection, item.name),
    }
}

/// A moment as it is also understood.
pub(super) fn moment(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.to_string(),
        Err(_) => milliseconds.to_string(),
    }
}

async fn show(id: String, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let Told::Shown(detail) = reach.ask_trash(Ask::ShowTrashed(id)).await? else {
        return Ok(());
    };
    let item = &detail.item;
    let by = match &item.by {
        Some(by) => format!(" by {by}"),
        None => String::new(),
    };
    output.line(&format!(
        "{} {} at {}{by}",
        place(item),
        what(item),
        moment(item.when)
    ));
    if let Some(written) = detail.written {
        output.line(&format!("It was so since {}.", moment(written)));
    }
    if item.is_below_deleted && !item.is_collection {
        output.line("Its calendar is deleted, too.");
    }
    if let Some(octets) = item.octets {
        output.line(&format!("It has {octets} octets."));
    }
    if let Some(text) = detail.text {
        output.line("");
        output.line(text.replace("\r\n", "\n").trim_end());
    }
    Ok(())
}

async fn restore(
    arguments: TrashRestore,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let asks: Vec<Ask> = match (arguments.calendar, arguments.at) {
        (Some(name), Some(at)) => {
            let [owner] = arguments.ids.as_slice() else {
                return Err("a calendar has one owner: name one user behind --at TIME".into());
            };
            vec![Ask::RestoreCollection(RestoreCollection {
                owner: owner.clone(),
                name,
                at: at.0,
                exact: arguments.exact,
            })]
        }
        _ => arguments.ids.into_iter().map(Ask::RestoreTrashed).collect(),
    };
    let (mut refused, mut failures) = (0, Vec::new());
    for ask in &asks {
        match repeat(ask, reach, output).await {
            Ok(number) => refused += number,
            // The others go on.
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    match (failures.is_empty(), refused) {
        (false, _) => Err(failures.join("\n").into()),
        (true, 0) => Ok(()),
        (true, number) => Err(format!("{number} could not be brought back").into()),
    }
}

/// Asks until all is done; how many could not be brought back.
async fn repeat(ask: &Ask, reach: &Reach, output: &mut Output) -> Result<usize, Failure> {
    let mut sum = Restored::default();
    loop {
        let Told::Restored(done) = reach.ask_trash(ask.clone()).await? else {
            return Ok(0);
        };
        for note in &done.notes {
            output.line(note);
        }
        sum.returned += done.returned;
        sum.reset += done.reset;
        sum.removed += done.removed;
        if !done.more {
            report(&sum, &done, output);
            return Ok(done.refused);
        }
        output.error(&format!(
            "{} objects of {} are done ...",
            sum.returned + sum.reset + sum.removed,
            done.place
        ));
    }
}

fn report(sum: &Restored, last: &Restored, output: &mut Output) {
    let place = match last.place.is_empty() {
        true => "the home",
        false => &last.place,
    };
    output.line(&format!(
        "{place}: {} brought back, {} set back, {} removed; {} as they were then.",
        sum.returned, sum.reset, sum.removed, last.as_then
    ));
    if last.left > 0 {
        output.line(&format!(
            "{} made since are left; with --exact they are removed.",
            last.left
        ));
    }
}

/// A point in time on the command line, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

/// Reads a moment: with an offset or `Z`, or as the clock on this machine's wall shows it; a day is its
/// beginning.
pub fn parse_moment(text: &str) -> Result<Moment, &'static str> {
    let zone = TimeZone::system();
    let on_the_wall = |wall: civil::DateTime| wall.to_zoned(zone.clone()).ok();
    let with_zone = || text.parse::<Zoned>().ok().map(|zoned| zoned.timestamp());
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(with_zone)
        .or_else(|| {
            let wall: civil::DateTime = text.parse().ok()?;
            on_the_wall(wall).map(|zoned| zoned.timestamp())
        });
    time.map(|time| Moment(time.as_millisecond()))
        .ok_or("write a time such as 2026-03-01T09:30:00Z, 2026-03-01T09:30 or 2026-03-01")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, expected) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T01:00:00.5+01:00", Some(500)),
            ("1970-01-01 00:00:01Z", Some(1000)),
            ("yesterday", None),
            ("", None),
            ("2026-13-01", None),
        ] {
            assert_eq!(parse_moment(text).ok(), expected.map(Moment), "{text}");
        }
        let wall = parse_moment("2026-03-01T09:30").unwrap();
        assert_eq!(parse_moment("2026-03-01T09:30:00"), Ok(wall));
        let day = parse_moment("2026-03-01").unwrap();
        assert_eq!(wall.0 - day.0, (9 * 60 + 30) * 60 * 1000);
        assert_eq!(
            parse_moment(&moment(wall.0)),
            Ok(wall),
            "what is printed is understood"
        );
    }
}
