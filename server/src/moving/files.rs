//! What is imported from files: streams of iCalendar in a file, or in the files of a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use dav::CalendarDescription;
use scheduling::stream::{IncomingStream, StreamTitle};
use serde::{Deserialize, Serialize};

use super::{
    Incoming, Origin,
    intake::{Intake, Performer, Target},
};

/// The largest file.
const MAXIMUM_FILE_OCTETS: u64 = 512 * 1024 * 1024;
/// Folders within each other.
const MAXIMUM_DEPTH: usize = 16;
/// What a folder says of its calendar, as an export writes it.
pub const DESCRIPTION_FILE: &str = "calendar.json";

/// The form of [`DESCRIPTION_FILE`]. What else stands there is passed over, so that later versions may say
/// more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderDescription {
    /// Its name in the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people see of the calendar.
    #[serde(flatten)]
    pub description: CalendarDescription,
    /// The component names it takes, upper case; none takes all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
}

/// The files to be imported, in order.
///
/// # Errors
/// In words: there is nothing there, or it cannot be read.
pub fn find(place: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable =
        |path: &Path, error: io::Error| format!("{} cannot be read: {error}", path.display());
    let metadata = fs::metadata(place).map_err(|error| unreadable(place, error))?;
    if !metadata.is_dir() {
        return match is_zip(place) {
            true => Err(format!(
                "{} is a ZIP archive: unpack it, and import the folder",
                place.display()
            )),
            false => Ok(vec![place.to_owned()]),
        };
    }
    let (mut found, mut waiting) = (Vec::new(), vec![(place.to_owned(), 0)]);
    while let Some((folder, depth)) = waiting.pop() {
        if depth > MAXIMUM_DEPTH {
            return Err(format!("{} is nested too deep", folder.display()));
        }
        let entries = fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            // What a link leads to is not in the folder.
            let metadata = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, error))?;
            let extension = path
                .extension()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            if metadata.is_dir() {
                waiting.push((path, depth + 1));
            } else if metadata.is_file()
                && ["ics", "ical", "icalendar", "ifb"].contains(&&*extension.to_ascii_lowercase())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(format!("{} holds no .ics files", place.display())),
        false => Ok(found),
    }
}

fn is_zip(path: &Path) -> bool {
    let mut start = [0; 4];
    let read =
        fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && start == *b"PK\x03\x04"
}

/// Imports files into the calendar that is named, or else each into the calendar that it says, or that its
/// folder is called.
///
/// # Errors
/// In words: nothing can go on. What is wrong with one file or object is only counted.
pub async fn import<P: Performer>(
    place: &Path,
    files: &[PathBuf],
    calendar: Option<&str>,
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    let mut aimed_at: Option<String> = None;
    for file in files {
        let stream = match read(file) {
            Ok(octets) => IncomingStream::new(octets),
            Err(why) => {
                intake.summary().refuse(&file.display().to_string(), &why);
                continue;
            }
        };
        let title = stream.title();
        let target = target(place, file, calendar, &title, &stream);
        if aimed_at.as_ref() != Some(&target.name) {
            aimed_at = Some(target.name.clone());
            intake.aim(target);
        }
        take_in(&file.display().to_string(), stream, None, intake).await?;
    }
    intake.flush().await
}

/// Takes in what is in a stream; `place` is its file or address. What has an origin is known by it the next
/// time, if it is a single object: of several, one might be missing then.
///
/// # Errors
/// Those of [`Intake::add`].
pub async fn take_in<P: Performer>(
    place: &str,
    stream: IncomingStream,
    origin: Option<Origin>,
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    let mut stream = stream.peekable();
    let mut is_first = true;
    while let Some(item) = stream.next() {
        let is_only = is_first && stream.peek().is_none();
        is_first = false;
        let mut place = format!("{place}, line {}", item.line);
        if !item.uid.is_empty() {
            place.push_str(&format!(" (UID {})", item.uid));
        }
        match item.object {
            Ok(text) => {
                intake.summary().mended += usize::from(!item.repairs.is_empty());
                let origin = origin.filter(|_| is_only);
                intake.add(place, Incoming { text, origin }).await?;
            }
            Err(why) => intake.summary().refuse(&place, &why),
        }
    }
    Ok(())
}

/// The octets of a file.
///
/// # Errors
/// In words.
pub fn read(file: &Path) -> Result<Bytes, String> {
    let metadata = fs::metadata(file).map_err(|error| error.to_string())?;
    if metadata.len() > MAXIMUM_FILE_OCTETS {
        let most = MAXIMUM_FILE_OCTETS / 1024 / 1024;
        return Err(format!("it is larger than {most} MiB; split it"));
    }
    fs::read(file)
        .map(Bytes::from)
        .map_err(|error| error.to_string())
}

/// Which calendar a file goes to, and what is to be said of that where it is new.
fn target(
    place: &Path,
    file: &Path,
    calendar: Option<&str>,
    title: &StreamTitle,
    stream: &IncomingStream,
) -> Target {
    let folder = file.parent().unwrap_or(Path::new(""));
    let said = described(folder);
    // A folder that describes its calendar is one; a stream may say what its own is called.
    let own_name = match &said {
        Some(said) => said.name.clone().or_else(|| folder_name(folder)),
        None => title.name.clone(),
    };
    let name = calendar
        .map(str::to_owned)
        .or(own_name)
        .or_else(|| match file == place {
            true => file
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
            false => folder_name(folder),
        })
        .unwrap_or_else(|| "calendar".to_owned());
    let (description, mut components) = match said {
        Some(said) => (said.description, said.components),
        None => (of_title(title, calendar), Vec::new()),
    };
    if components.is_empty() && stream.component_names().iter().eq(&["VTODO"]) {
        // A list of tasks: clients show it as one only if it takes nothing else.
        components = vec!["VTODO".to_owned()];
    }
    Target {
        name,
        description,
        components,
    }
}

fn folder_name(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
}

/// What an export wrote beside its files.
fn described(folder: &Path) -> Option<FolderDescription> {
    let text = fs::read(folder.join(DESCRIPTION_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn of_title(title: &StreamTitle, calendar: Option<&str>) -> CalendarDescription {
    CalendarDescription {
        display_name: calendar.map(str::to_owned).or_else(|| title.name.clone()),
        description: title.description.clone(),
        color: title.color.clone(),
        ..CalendarDescription::default()
    }
}
