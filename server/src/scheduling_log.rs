//! The scheduling logs: how long they are kept, and how the administrator looks into one. That runs in the process
//! of the server (asked over the control socket), or in a command that opened the folder itself.

use scheduling::{Desk, log::LogEntry};
use serde::{Deserialize, Serialize};
use storage::{Found, MAXIMUM_SCHEDULING_LOG_ENTRIES, model::CollectionId};

/// How long entries are kept where nothing else is said: as long as the audit.
pub const DAYS: u32 = crate::audit::DAYS;
/// How many entries of a meeting are kept where nothing else is said: two a day for as long as they are kept, and
/// some more.
pub const ENTRIES: usize = 200;
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how many milliseconds.
    pub milliseconds: i64,
    /// How many entries of one meeting in one home.
    pub entries: usize,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            milliseconds: i64::from(DAYS) * DAY_MILLISECONDS,
            entries: ENTRIES,
        }
    }
}

/// So many days and entries; `None` for none.
pub fn kept(days: u32, entries: usize) -> Option<Retention> {
    let retention = Retention {
        milliseconds: i64::from(days) * DAY_MILLISECONDS,
        entries: entries.min(MAXIMUM_SCHEDULING_LOG_ENTRIES),
    };
    (days > 0).then_some(retention)
}

/// Which meeting is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The one whose object has this path in its URL.
    Path(String),
    /// The one with this UID in an account's calendars, also where it is gone.
    Uid {
        /// The account's name.
        account: String,
        /// The UID.
        uid: String,
    },
}

impl Ask {
    /// About an object, by its URL or the path of it.
    pub fn object(address: &str) -> Ask {
        let path = match address.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => address,
        };
        let end = path.find(['?', '#']).unwrap_or(path.len());
        Ask::Path(path[..end].to_owned())
    }
}

/// What was decided about a meeting, the newest last.
///
/// # Errors
/// In words: there is no such object or account, or the store cannot be read.
pub async fn perform(desk: &Desk, ask: &Ask) -> Result<Vec<LogEntry>, String> {
    let (home, uid) = match ask {
        Ask::Path(path) => place_of(desk, path).await?,
        Ask::Uid { account, uid } => (home_of(desk, account).await?, uid.clone()),
    };
    let entries = desk.scheduling_log_of(home, &uid).await;
    entries.map_err(|error| error.to_string())
}

async fn place_of(desk: &Desk, text: &str) -> Result<(CollectionId, String), String> {
    let Some(path) = dav::stored_path_of_path(text) else {
        return Err(format!(
            "\"{text}\" is not the address of an event; that looks like /dav/calendars/users/alice/calendar/x.ics"
        ));
    };
    let found = desk.store().resolve(&path).await;
    let found = found.map_err(|error| error.to_string())?;
    let facts = found.and_then(|resolution| match resolution.found {
        Found::Object(ref object) => {
            let facts = object.calendar.clone()?;
            Some((resolution.home().id, facts.uid))
        }
        _ => None,
    });
    facts.ok_or_else(|| {
        format!("there is no event at \"{text}\"; one that is gone is found by --user and --uid")
    })
}

async fn home_of(desk: &Desk, name: &str) -> Result<CollectionId, String> {
    let found = desk.store().principal_by_name(name).await;
    let account = found.map_err(|error| error.to_string())?;
    let account = account.ok_or_else(|| format!("nobody has the name \"{name}\""))?;
    account
        .home
        .ok_or_else(|| format!("\"{name}\" has no calendars"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_url_or_its_path() {
        let path = "/dav/calendars/users/alice/calendar/a%20b.ics";
        for address in [
            path.to_owned(),
            format!("https://calendar.example.org{path}"),
            format!("http://127.0.0.1:8080{path}?x=y"),
        ] {
            assert_eq!(
                Ask::object(&address),
                Ask::Path(path.to_owned()),
                "{address}"
            );
        }
        assert_eq!(Ask::object("https://x"), Ask::Path("/".to_owned()));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(kept(0, 5), None);
        assert_eq!(kept(DAYS, ENTRIES), Some(Retention::default()));
        let most = kept(1, usize::MAX).map(|it| it.entries);
        assert_eq!(most, Some(MAXIMUM_SCHEDULING_LOG_ENTRIES));
    }
}
