//! What goes out: a calendar as one stream in a file, or calendars as folders with a file for each object,
//! octet for octet. Whatever ends it early, the place is what it was or the whole.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use scheduling::{
    desk::object_name,
    stream::{OutgoingStream, StreamTitle},
};

use super::{
    Ask, Calendar, Told,
    files::{DESCRIPTION_FILE, FolderDescription},
    intake::Performer,
};

/// The longest name of a file that is taken from an object's name.
const NAME_OCTETS: usize = 200;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Calendars.
    pub calendars: usize,
    /// Objects.
    pub objects: usize,
}

/// Somebody's calendars.
///
/// # Errors
/// In words: there is no such person, or nobody can be asked.
pub async fn calendars(performer: &impl Performer, owner: &str) -> Result<Vec<Calendar>, String> {
    let owner = owner.to_owned();
    match performer.perform(&Ask::ListCalendars { owner }).await? {
        Told::Calendars(calendars) => Ok(calendars),
        Told::Refused(why) => Err(why),
        _ => {
            Err("the running server answered something else; is it of another version?".to_owned())
        }
    }
}

/// Hands each object of a calendar with its name to `take`, page by page.
async fn objects(
    performer: &impl Performer,
    owner: &str,
    calendar: &str,
    mut take: impl FnMut(String, String) -> Result<(), String>,
) -> Result<usize, String> {
    let (mut after, mut number) = (None, 0);
    loop {
        let ask = Ask::ExportObjects {
            owner: owner.to_owned(),
            calendar: calendar.to_owned(),
            after,
        };
        let (objects, more) = match performer.perform(&ask).await? {
            Told::Objects(objects, more) => (objects, more),
            Told::Refused(why) => return Err(why),
            _ => return Err("the running server answered something else".to_owned()),
        };
        after = objects.last().map(|(name, _)| name.clone());
        number += objects.len();
        for (name, text) in objects {
            take(name, text)?;
        }
        if !more || after.is_none() {
            return Ok(number);
        }
    }
}

/// Writes a calendar as one stream. Until it is whole and on stable storage, the file is called FILE.part.
///
/// # Errors
/// In words.
pub async fn write_file(
    performer: &impl Performer,
    owner: &str,
    calendar: &Calendar,
    file: &Path,
) -> Result<Written, String> {
    let part = beside(file)?;
    let written = write_stream(performer, owner, calendar, &part).await;
    let finished = written.and_then(|objects| {
        fs::rename(&part, file).map_err(|error| failed(file, &error))?;
        sync_folder_of(file)?;
        Ok(objects)
    });
    let objects = finished.inspect_err(|_| {
        let _gone_already = fs::remove_file(&part);
    })?;
    Ok(Written {
        calendars: 1,
        objects,
    })
}

async fn write_stream(
    performer: &impl Performer,
    owner: &str,
    calendar: &Calendar,
    part: &Path,
) -> Result<usize, String> {
    let wrong = |error: io::Error| failed(part, &error);
    let mut out = BufWriter::new(File::create(part).map_err(wrong)?);
    let shown = &calendar.description;
    let name = shown
        .display_name
        .clone()
        .unwrap_or_else(|| calendar.name.clone());
    let (mut stream, head) = OutgoingStream::begin(&StreamTitle {
        name: Some(name),
        description: shown.description.clone(),
        color: shown.color.clone(),
    });
    out.write_all(&head).map_err(wrong)?;
    let number = objects(performer, owner, &calendar.name, |name, text| {
        let piece = stream.add(Bytes::from(text));
        let piece = piece.ok_or_else(|| format!("{name} cannot be read: see convoke check"))?;
        out.write_all(&piece).map_err(wrong)
    })
    .await?;
    out.write_all(&stream.end()).map_err(wrong)?;
    let file = out
        .into_inner()
        .map_err(|error| wrong(error.into_error()))?;
    file.sync_all().map_err(wrong)?;
    Ok(number)
}

/// Writes calendars as folders within a new one. Until all is whole, that is called FOLDER.part.
///
/// # Errors
/// In words; also where the folder exists and is not empty.
pub async fn write_folder(
    performer: &impl Performer,
    owner: &str,
    calendars: &[Calendar],
    folder: &Path,
) -> Result<Written, String> {
    let part = beside(folder)?;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!(
            "{} is not empty: name another folder",
            folder.display()
        ));
    }
    remove_folder(&part).map_err(|error| failed(&part, &error))?;
    let written = write_calendars(performer, owner, calendars, &part).await;
    let finished = written.and_then(|written| {
        fs::rename(&part, folder).map_err(|error| failed(folder, &error))?;
        sync_folder_of(folder)?;
        Ok(written)
    });
    finished.inspect_err(|_| {
        let _gone_already = remove_folder(&part);
    })
}

async fn write_calendars(
    performer: &impl Performer,
    owner: &str,
    calendars: &[Calendar],
    part: &Path,
) -> Result<Written, String> {
    let mut written = Written::default();
    fs::create_dir(part).map_err(|error| failed(part, &error))?;
    let mut names = HashSet::new();
    for calendar in calendars {
        let folder = part.join(free_name(&mut names, &calendar.name, ""));
        let wrong = |error: io::Error| failed(&folder, &error);
        fs::create_dir(&folder).map_err(wrong)?;
        let description = FolderDescription {
            name: Some(calendar.name.clone()),
            description: calendar.description.clone(),
            components: calendar.components.clone(),
        };
        let text = serde_json::to_string_pretty(&description).map_err(|error| error.to_string())?;
        write_synced(&folder.join(DESCRIPTION_FILE), text.as_bytes()).map_err(wrong)?;
        let mut names = HashSet::new();
        written.objects += objects(performer, owner, &calendar.name, |name, text| {
            let name = free_name(
                &mut names,
                name.strip_suffix(".ics").unwrap_or(&name),
                ".ics",
            );
            write_synced(&folder.join(name), text.as_bytes()).map_err(wrong)
        })
        .await?;
        written.calendars += 1;
        sync_folder(&folder)?;
    }
    sync_folder(part)?;
    Ok(written)
}

/// A name for a file that no other one in the folder has, also where capitals do not count.
fn free_name(taken: &mut HashSet<String>, name: &str, extension: &str) -> String {
    let base = match is_harmless(name) {
        true => name.to_owned(),
        false => object_name(name).trim_end_matches(".ics").to_owned(),
    };
    let mut number = 1;
    let mut free = format!("{base}{extension}");
    while !taken.insert(free.to_lowercase()) {
        number += 1;
        free = format!("{base}-{number}{extension}");
    }
    free
}

/// Whether every file system and every shell can do with it.
fn is_harmless(name: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.@+ ".contains(letter);
    (1..=NAME_OCTETS).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with(['.', '-', ' '])
        && !name.ends_with(['.', ' '])
}

fn write_synced(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(octets)?;
    file.sync_data()
}

fn beside(place: &Path) -> Result<PathBuf, String> {
    let mut name = place
        .file_name()
        .ok_or_else(|| format!("{} is not the name of a file", place.display()))?
        .to_owned();
    name.push(".part");
    Ok(place.with_file_name(name))
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder_of(place: &Path) -> Result<(), String> {
    match place.parent() {
        Some(parent) if parent != Path::new("") => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

fn sync_folder(folder: &Path) -> Result<(), String> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let mut taken = HashSet::new();
        for (name, expected) in [
            ("a", "a.ics"),
            ("A", "A-2.ics"),
            ("büro 1", "büro 1.ics"),
            ("a@b", "a@b.ics"),
        ] {
            assert_eq!(free_name(&mut taken, name, ".ics"), expected);
        }
        let long = "x".repeat(300);
        for name in ["../x", ".hidden", "a/b", "a:b", "", &long] {
            let free = free_name(&mut taken, name, ".ics");
            assert!(free.len() <= 40 && is_harmless(&free), "{name}: {free}");
        }
    }
}
