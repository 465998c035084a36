//! `convoke export`

use std::{fs, path::Path};

use super::{Failure, Output, Reach, moving::Line};
use crate::{
    cli::Export,
    moving::{Calendar, outgoing},
};

/// Runs it. Until all is written, the name has `.part` behind it; however the command ends, the place is
/// what it was or whole.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Export, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let place = &arguments.place;
    let as_file = is_file(place);
    if as_file && !arguments.force && fs::symlink_metadata(place).is_ok() {
        return Err(format!(
            "{} exists already: name another file, or give --force to replace it",
            place.display()
        )
        .into());
    }
    let session = reach.session().await?;
    let line = Line::new("export");
    let exporting = async {
        let calendars = outgoing::calendars(&session, &arguments.user).await?;
        let chosen = choose(calendars, arguments.calendar.as_deref(), &arguments.user)?;
        match (as_file, chosen.as_slice()) {
            (true, [calendar]) => {
                outgoing::write_file(&session, &arguments.user, calendar, place).await
            }
            (true, _) => Err(format!(
                "a file holds one calendar, and {} has {}: name one with --calendar, or a folder instead of {}",
                arguments.user,
                chosen.len(),
                place.display()
            )),
            (false, chosen) => {
                outgoing::write_folder(&session, &arguments.user, chosen, place).await
            }
        }
    };
    let written = line.unless_interrupted(exporting).await;
    session.close().await;
    let written = written.inspect_err(|_| {
        let _gone_already = remove_part(place, as_file);
    })?;
    output.line(&format!(
        "{} holds {} of {}.",
        place.display(),
        number(written.objects, "object"),
        number(written.calendars, "calendar")
    ));
    Ok(())
}

/// What is left where the writing itself was broken off.
fn remove_part(place: &Path, as_file: bool) -> std::io::Result<()> {
    let mut name = place.as_os_str().to_owned();
    name.push(".part");
    match as_file {
        true => fs::remove_file(name),
        false => fs::remove_dir_all(name),
    }
}

/// A file is what has its ending.
fn is_file(place: &Path) -> bool {
    place
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("ics"))
}

fn choose(
    calendars: Vec<Calendar>,
    wanted: Option<&str>,
    owner: &str,
) -> Result<Vec<Calendar>, String> {
    let Some(wanted) = wanted else {
        return Ok(calendars);
    };
    let names: Vec<String> = calendars.iter().map(|it| it.name.clone()).collect();
    let is_wanted =
        |it: &Calendar| it.name == wanted || it.description.display_name.as_deref() == Some(wanted);
    let chosen: Vec<Calendar> = calendars.into_iter().filter(is_wanted).collect();
    match chosen.is_empty() {
        true => Err(format!(
            "{owner} has no calendar {wanted}, but: {}",
            names.join(", ")
        )),
        false => Ok(chosen),
    }
}

fn number(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}
