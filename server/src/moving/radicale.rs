//! What Radicale keeps in its folder: `collection-root/USER/CALENDAR/`, with one file for each object and
//! `.Radicale.props` beside them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dav::CalendarDescription;
use scheduling::{desk::CALENDAR_COMPONENTS, stream::IncomingStream};
use serde::Deserialize;

use super::{
    files,
    intake::{Intake, Performer, Target},
};

/// The file with a collection's properties.
const PROPERTIES_FILE: &str = ".Radicale.props";
/// The folder in which the users' folders are.
const ROOT: &str = "collection-root";

/// What is taken from [`PROPERTIES_FILE`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RadicaleProperties {
    /// VCALENDAR, VADDRESSBOOK or VSUBSCRIBED; nothing for a folder of others.
    tag: Option<String>,
    #[serde(rename = "D:displayname")]
    display_name: Option<String>,
    #[serde(rename = "C:calendar-description")]
    description: Option<String>,
    #[serde(rename = "ICAL:calendar-color")]
    color: Option<String>,
    #[serde(rename = "ICAL:calendar-order")]
    order: Option<String>,
    #[serde(rename = "C:calendar-timezone")]
    time_zone: Option<String>,
    /// Separated by commas.
    #[serde(rename = "C:supported-calendar-component-set")]
    components: Option<String>,
}

/// Somebody's calendars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadicaleUser {
    /// The name there.
    pub name: String,
    /// In the order of their folders.
    pub calendars: Vec<RadicaleCalendar>,
    /// What stands there beside calendars and is not taken, in words.
    pub passed_over: Vec<String>,
}

/// One calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadicaleCalendar {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is called here.
    pub name: String,
    /// What people see of it.
    pub description: CalendarDescription,
    /// The component names it takes, upper case; empty takes all.
    pub components: Vec<String>,
}

/// The users in Radicale's folder: the one that its configuration names, or `collection-root` within.
///
/// # Errors
/// In words: it is none.
pub fn users(folder: &Path) -> Result<Vec<RadicaleUser>, String> {
    let root = match folder.join(ROOT).is_dir() {
        true => folder.join(ROOT),
        false if folder.file_name().is_some_and(|name| name == ROOT) => folder.to_owned(),
        false => {
            return Err(format!(
                "{} has no folder {ROOT}: name the folder that Radicale's configuration calls filesystem_folder",
                folder.display()
            ));
        }
    };
    let mut users = Vec::new();
    for folder in folders(&root)? {
        users.push(user(&folder)?);
    }
    Ok(users)
}

fn user(folder: &Path) -> Result<RadicaleUser, String> {
    let mut user = RadicaleUser {
        name: name_of(folder),
        calendars: Vec::new(),
        passed_over: Vec::new(),
    };
    for folder in folders(folder)? {
        let properties = match properties(&folder) {
            Ok(properties) => properties,
            Err(why) => {
                user.passed_over
                    .push(format!("{}: {why}", folder.display()));
                continue;
            }
        };
        match properties.tag.as_deref() {
            Some("VCALENDAR") => user.calendars.push(calendar(folder, properties)),
            Some("VADDRESSBOOK") => user
                .passed_over
                .push(format!("{}: an address book", folder.display())),
            Some("VSUBSCRIBED") => user
                .passed_over
                .push(format!("{}: a subscription", folder.display())),
            _ => user
                .passed_over
                .push(format!("{}: no calendar", folder.display())),
        }
    }
    tell_apart(&mut user.calendars);
    Ok(user)
}

fn properties(folder: &Path) -> Result<RadicaleProperties, String> {
    let text = fs::read(folder.join(PROPERTIES_FILE));
    let text = text.map_err(|error| format!("{PROPERTIES_FILE} cannot be read: {error}"))?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("{PROPERTIES_FILE} cannot be read: {error}"))
}

fn calendar(folder: PathBuf, properties: RadicaleProperties) -> RadicaleCalendar {
    let components = properties.components.unwrap_or_default();
    let components = components
        .split(',')
        .map(|name| name.trim().to_ascii_uppercase())
        .filter(|name| CALENDAR_COMPONENTS.contains(&name.as_str()))
        .collect();
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let display_name = filled(properties.display_name);
    RadicaleCalendar {
        name: display_name.clone().unwrap_or_else(|| name_of(&folder)),
        folder,
        description: CalendarDescription {
            display_name,
            description: filled(properties.description),
            color: filled(properties.color),
            order: filled(properties.order),
            time_zone: filled(properties.time_zone),
        },
        components,
    }
}

/// Calendars that are called the same are told apart by their folders.
fn tell_apart(calendars: &mut [RadicaleCalendar]) {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for calendar in calendars.iter() {
        *numbers.entry(calendar.name.to_lowercase()).or_default() += 1;
    }
    for calendar in calendars {
        if numbers
            .get(&calendar.name.to_lowercase())
            .is_some_and(|number| *number > 1)
        {
            calendar.name = format!("{} ({})", calendar.name, name_of(&calendar.folder));
            calendar.description.display_name = Some(calendar.name.clone());
        }
    }
}

/// Takes in all calendars of a user.
///
/// # Errors
/// In words: nothing can go on.
pub async fn import<P: Performer>(
    user: &RadicaleUser,
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    for calendar in &user.calendars {
        let target = Target {
            name: calendar.name.clone(),
            description: calendar.description.clone(),
            components: calendar.components.clone(),
        };
        intake.open(target).await?;
        for file in items(&calendar.folder)? {
            let origin = file.display().to_string();
            match files::read(&file) {
                Ok(octets) => {
                    let stream = IncomingStream::new(octets);
                    files::take_in(&origin, stream, None, intake).await?;
                }
                Err(why) => intake.summary().refuse(&origin, &why),
            }
        }
    }
    for what in &user.passed_over {
        intake.summary().notes.push(format!("passed over: {what}"));
    }
    intake.flush().await
}

/// The objects' files, in order. (Names with a dot in front are Radicale's own, or half written.)
fn items(folder: &Path) -> Result<Vec<PathBuf>, String> {
    sorted(folder, |metadata| metadata.is_file())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    sorted(folder, |metadata| metadata.is_dir())
}

fn sorted(folder: &Path, wanted: impl Fn(&fs::Metadata) -> bool) -> Result<Vec<PathBuf>, String> {
    let unreadable =
        |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && wanted(&entry.metadata().map_err(unreadable)?) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn write(root: &Path, at: &str, text: &str) {
        let path = root.join(at);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(users(root).unwrap_err().contains("filesystem_folder"));
        write(
            root,
            "collection-root/alice/x1/.Radicale.props",
            r##"{"tag": "VCALENDAR", "D:displayname": "Work", "ICAL:calendar-color": "#ff0000ff", "C:calendar-description": "",
                "C:supported-calendar-component-set": "VEVENT,VTODO,VX", "other": {"a": 1}}"##,
        );
        write(root, "collection-root/alice/x1/b.ics", "");
        write(root, "collection-root/alice/x1/a.ics", "");
        write(
            root,
            "collection-root/alice/x1/.Radicale.cache/item/a.ics",
            "",
        );
        write(
            root,
            "collection-root/alice/x2/.Radicale.props",
            r#"{"tag": "VCALENDAR"}"#,
        );
        write(
            root,
            "collection-root/alice/x3/.Radicale.props",
            r#"{"tag": "VADDRESSBOOK"}"#,
        );
        write(root, "collection-root/alice/x4/.Radicale.props", "nonsense");
        for (at, name) in [("y1", "same"), ("y2", "Same")] {
            let text = format!(r#"{{"tag": "VCALENDAR", "D:displayname": "{name}"}}"#);
            write(
                root,
                &format!("collection-root/bob/{at}/.Radicale.props"),
                &text,
            );
        }
        let found = users(root).unwrap();
        assert_eq!(users(&root.join("collection-root")).unwrap(), found);
        assert_eq!(found.len(), 2);
        let alice = &found[0];
        assert_eq!(alice.name, "alice");
        let names: Vec<_> = alice.calendars.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["Work", "x2"]);
        assert_eq!(alice.calendars[0].components, ["VEVENT", "VTODO"]);
        assert_eq!(
            alice.calendars[0].description.color.as_deref(),
            Some("#ff0000ff")
        );
        assert_eq!(alice.calendars[0].description.description, None);
        assert_eq!(alice.passed_over.len(), 2);
        assert!(alice.passed_over[0].ends_with("x3: an address book"));
        let items = items(&alice.calendars[0].folder).unwrap();
        let names: Vec<_> = items.iter().map(|it| name_of(it)).collect();
        assert_eq!(names, ["a.ics", "b.ics"]);
        let names: Vec<_> = found[1]
            .calendars
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(names, ["same (y1)", "Same (y2)"]);
    }
}
