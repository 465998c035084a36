//! The audit: how long it is kept, and how the administrator looks into it. That runs in the process of the
//! server (asked over the control socket), or in a command that opened the folder itself.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use storage::{
    Store,
    backend::ReadError,
    model::{AuditAction, AuditEntry, AuditPosition, Principal, PrincipalId},
};

/// How long it is kept where nothing else is said.
pub const DAYS: u32 = 90;
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// Entries looked at for one answer.
const ROWS_AT_ONCE: usize = 1_000;

/// So many days in milliseconds; `None` for none.
pub fn kept(days: u32) -> Option<i64> {
    (days > 0).then(|| i64::from(days) * DAY_MILLISECONDS)
}

/// What is asked for: all that is named must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// In whose calendars, by name.
    pub account: Option<String>,
    /// Who did it, by name.
    pub actor: Option<String>,
    /// A part of the place.
    pub object: Option<String>,
    /// Then or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Before that.
    pub until: Option<i64>,
    /// Where the last answer ended.
    pub after: Option<AuditPosition>,
}

/// A part of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What fits, in the order of accounts and of time.
    pub rows: Vec<AuditRow>,
    /// Where to go on; `None` at the end.
    pub next: Option<AuditPosition>,
}

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// Who; `None` for somebody who did not sign in.
    pub actor: Option<String>,
    /// For whom: whose calendars they are.
    pub account: String,
    /// What.
    pub action: AuditAction,
    /// Where in their calendars.
    pub place: String,
    /// From which client.
    pub client: Option<String>,
}

/// Looks at a bounded part of the audit.
///
/// # Errors
/// In words: nobody has a name that is asked for, or the store cannot be read.
pub async fn perform(store: &Store, ask: &Ask) -> Result<Told, String> {
    let names = Names::of(store).await.map_err(|error| error.to_string())?;
    let account = ask
        .account
        .as_deref()
        .map(|name| names.id(name))
        .transpose()?;
    let actor = ask
        .actor
        .as_deref()
        .map(|name| names.id(name))
        .transpose()?;
    let entries = store
        .audit_entries(account, ask.after.as_ref(), ROWS_AT_ONCE)
        .await
        .map_err(|error| error.to_string())?;
    let next = entries.last().map(|(position, ..)| position.clone());
    let is_asked = |entry: &AuditEntry| {
        actor.is_none_or(|actor| actor == entry.actor)
            && ask
                .object
                .as_ref()
                .is_none_or(|part| entry.place.contains(part))
            && ask.since.is_none_or(|since| since <= entry.time.0)
            && ask.until.is_none_or(|until| entry.time.0 < until)
    };
    let rows = entries
        .into_iter()
        .filter(|(_, _, entry)| is_asked(entry))
        .map(|(_, owner, entry)| names.row(owner, entry));
    Ok(Told {
        rows: rows.collect(),
        next,
    })
}

/// Who is who.
struct Names {
    people: HashMap<PrincipalId, Arc<Principal>>,
}

impl Names {
    async fn of(store: &Store) -> Result<Names, ReadError> {
        let people = store.principals().await?;
        Ok(Names {
            people: people.into_iter().map(|one| (one.id, one)).collect(),
        })
    }

    fn id(&self, name: &str) -> Result<PrincipalId, String> {
        // Who was removed is still found by what stands in their place.
        let removed = name
            .strip_prefix(REMOVED)
            .and_then(|id| u64::from_str_radix(id, 16).ok());
        let mut people = self.people.values();
        let known = people.find(|one| one.name == name).map(|one| one.id);
        let id = known.or(removed.map(PrincipalId));
        id.ok_or_else(|| format!("nobody has the name \"{name}\""))
    }

    fn name(&self, id: PrincipalId) -> String {
        match self.people.get(&id) {
            Some(principal) => principal.name.clone(),
            None => format!("{REMOVED}{:x}", id.0),
        }
    }

    fn row(&self, owner: PrincipalId, entry: AuditEntry) -> AuditRow {
        AuditRow {
            time: entry.time.0,
            actor: (entry.actor != PrincipalId::NOBODY).then(|| self.name(entry.actor)),
            account: self.name(owner),
            action: entry.action,
            place: entry.place,
            client: entry.client,
        }
    }
}

/// What stands before the number of an account that was removed.
const REMOVED: &str = "removed:";
