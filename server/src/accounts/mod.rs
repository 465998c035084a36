//! Accounts, groups, rooms and resources: the operations of the command line, done on the store.
//!
//! The same operations run in the process of the server (asked over the control socket) and in a
//! command that opened the folder itself.

mod delegates;
mod file;
mod import;
mod plan;

use std::{fmt, sync::Arc};

use scheduling::{Desk, Refusal, desk::Departure};
use serde::{Deserialize, Serialize};
use storage::{
    Store,
    backend::ReadError,
    model::{Booking, Credential, Principal, PrincipalKind},
};
use zeroize::Zeroizing;

pub use delegates::{DelegateChange, DelegateListing, DelegatesListing};
pub use file::{BookingFor, Entry, parse, word};
pub use import::{Imported, PasswordOrigin};

use crate::{
    authentication::{HashError, Passwords},
    secret::Secret,
};

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Makes somebody new.
    Add(Box<Entry>),
    /// Changes somebody who is there.
    Change(Box<Entry>),
    /// Makes who is missing and changes what is present, as often as you like.
    Import(Vec<Entry>),
    /// Everyone of one kind.
    List(PrincipalKind),
    /// Sets a user's password.
    SetPassword {
        /// Whose.
        name: String,
        /// The new one.
        password: Secret,
    },
    /// Removes somebody and everything they have.
    Remove {
        /// What it is.
        kind: PrincipalKind,
        /// Its name.
        name: String,
        /// How others hear of it.
        manner: Removal,
    },
    /// Puts somebody into a group.
    AddMember {
        /// The group.
        group: String,
        /// Who.
        member: String,
    },
    /// Makes somebody a delegate, or changes what a delegate may do.
    AddDelegate(DelegateChange),
    /// Ends a delegation.
    RemoveDelegate {
        /// Whose delegate.
        manager: String,
        /// Who.
        delegate: String,
    },
    /// The delegates of a principal, and how they and it are told.
    ListDelegates {
        /// Whose.
        manager: String,
    },
    /// Takes somebody out of a group.
    RemoveMember {
        /// The group.
        group: String,
        /// Who.
        member: String,
    },
}

/// How an account is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// Its meetings to come are called off or declined first.
    Told,
    /// Nobody hears of it.
    Silent,
    /// Not at all: it is only said what would be done.
    Foreseen,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was so already.
    Unchanged,
    /// An import's figures.
    Imported(Imported),
    /// Those asked for, in the order of names.
    Listed(Vec<Listing>),
    /// Somebody's delegates.
    Delegates(DelegatesListing),
    /// What the removal of an account did, or would do, to meetings.
    Departed(Departure),
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The name.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// The addresses.
    pub addresses: Vec<String>,
    /// Names of a group's members.
    pub members: Vec<String>,
    /// Is an administrator.
    pub administrator: bool,
    /// May not sign in.
    pub disabled: bool,
    /// How many people fit in.
    pub capacity: Option<u32>,
    /// Where it is.
    pub location: Option<String>,
    /// What it has.
    pub features: Vec<String>,
    /// How a room or resource answers invitations.
    pub booking: Booking,
    /// How it answers those of some organizers.
    pub booking_for: Vec<BookingFor>,
    /// How many days ahead it answers.
    pub booking_horizon_days: u32,
    /// The names of who may act for it.
    pub delegates: Vec<String>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsError {
    /// Which entry it is about, if any.
    pub entry: Option<String>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl AccountsError {
    fn new(what: impl Into<String>) -> AccountsError {
        AccountsError {
            entry: None,
            what: what.into(),
        }
    }

    fn of(entry: &Entry, what: impl Into<String>) -> AccountsError {
        AccountsError {
            entry: Some(entry.title()),
            what: what.into(),
        }
    }
}

impl fmt::Display for AccountsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(formatter, "{entry}: {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}

impl std::error::Error for AccountsError {}

impl From<ReadError> for AccountsError {
    fn from(error: ReadError) -> Self {
        AccountsError::new(error.to_string())
    }
}

impl From<storage::AccountError> for AccountsError {
    fn from(error: storage::AccountError) -> Self {
        AccountsError::new(error.to_string())
    }
}

impl From<Refusal> for AccountsError {
    fn from(refusal: Refusal) -> Self {
        AccountsError::new(refusal.to_string())
    }
}

impl From<HashError> for AccountsError {
    fn from(error: HashError) -> Self {
        AccountsError::new(error.to_string())
    }
}

/// Does operations. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    desk: Desk,
    store: Store,
    passwords: Passwords,
    is_audited: bool,
}

impl Accounts {
    /// Over a desk, and the store behind it.
    pub fn new(desk: Desk, passwords: Passwords) -> Accounts {
        Accounts {
            store: desk.store().clone(),
            desk,
            passwords,
            is_audited: false,
        }
    }

    /// The same, where the audit tells of grants, or not.
    #[must_use]
    pub fn audited(self, is_audited: bool) -> Accounts {
        Accounts { is_audited, ..self }
    }

    /// Does one operation.
    ///
    /// # Errors
    /// See [`AccountsError`]. An import that fails half way may be repeated.
    pub async fn perform(&self, operation: Operation) -> Result<Outcome, AccountsError> {
        match operation {
            Operation::Add(entry) => self.add(*entry).await,
            Operation::Change(entry) => self.change_entry(*entry).await,
            Operation::Import(entries) => Ok(Outcome::Imported(
                self.import(entries, PasswordOrigin::File).await?,
            )),
            Operation::List(kind) => self.list(kind).await,
            Operation::SetPassword { name, password } => self.set_password(&name, password.0).await,
            Operation::Remove { kind, name, manner } => self.remove(kind, &name, manner).await,
            Operation::AddMember { group, member } => {
                self.change_member(&group, &member, true).await
            }
            Operation::AddDelegate(change) => self.add_delegate(change).await,
            Operation::RemoveDelegate { manager, delegate } => {
                self.remove_delegate(&manager, &delegate).await
            }
            Operation::ListDelegates { manager } => self.list_delegates(&manager).await,
            Operation::RemoveMember { group, member } => {
                self.change_member(&group, &member, false).await
            }
        }
    }

    async fn add(&self, entry: Entry) -> Result<Outcome, AccountsError> {
        if self.store.principal_by_name(&entry.name).await?.is_some() {
            return Err(AccountsError::of(&entry, "the name is taken"));
        }
        self.import(vec![entry], PasswordOrigin::Administrator)
            .await?;
        Ok(Outcome::Done)
    }

    async fn change_entry(&self, entry: Entry) -> Result<Outcome, AccountsError> {
        self.expect(entry.kind, &entry.name).await?;
        let imported = self.import(vec![entry], PasswordOrigin::Administrator);
        match imported.await?.unchanged {
            0 => Ok(Outcome::Done),
            _ => Ok(Outcome::Unchanged),
        }
    }

    async fn list(&self, kind: PrincipalKind) -> Result<Outcome, AccountsError> {
        let everyone = self.store.principals().await?;
        let name_of = |id| {
            everyone
                .iter()
                .find(|other| other.id == id)
                .map(|other| other.name.clone())
        };
        let listing = |principal: &Arc<Principal>| Listing {
            name: principal.name.clone(),
            display_name: principal.display_name.clone(),
            addresses: principal.addresses.clone(),
            members: principal
                .members
                .iter()
                .filter_map(|id| name_of(*id))
                .collect(),
            administrator: principal.administrator,
            disabled: principal.disabled,
            capacity: principal.capacity,
            location: principal.location.clone(),
            features: principal.features.clone(),
            booking: principal.booking,
            booking_for: principal
                .booking_for
                .iter()
                .filter_map(|rule| {
                    Some(BookingFor {
                        organizer: name_of(rule.organizer)?,
                        booking: rule.booking,
                    })
                })
                .collect(),
            booking_horizon_days: principal.booking_horizon_days,
            delegates: principal
                .delegates
                .iter()
                .filter_map(|delegate| name_of(delegate.principal))
                .collect(),
        };
        Ok(Outcome::Listed(
            everyone
                .iter()
                .filter(|principal| principal.kind == kind)
                .map(listing)
                .collect(),
        ))
    }

    async fn set_password(
        &self,
        name: &str,
        password: Zeroizing<String>,
    ) -> Result<Outcome, AccountsError> {
        let user = self.expect(PrincipalKind::User, name).await?;
        if password.is_empty() {
            return Err(AccountsError::new("the password is empty"));
        }
        let hash = self.passwords.hash(password).await?;
        self.store
            .change_credential(user.id, |_| {
                Some(Credential {
                    hash: hash.clone(),
                    imported: false,
                })
            })
            .await?;
        Ok(Outcome::Done)
    }

    async fn remove(
        &self,
        kind: PrincipalKind,
        name: &str,
        manner: Removal,
    ) -> Result<Outcome, AccountsError> {
        let principal = self.expect(kind, name).await?;
        let everyone = self.store.principals().await?;
        let other_administrator = everyone
            .iter()
            .any(|other| other.administrator && other.id != principal.id);
        if principal.administrator && !other_administrator {
            return Err(AccountsError::new(format!(
                "\"{name}\" is the last administrator; make another one first: convoke user add NAME --administrator"
            )));
        }
        if manner == Removal::Foreseen {
            let departure = self.desk.foresee_departure(&principal).await?;
            return Ok(Outcome::Departed(departure));
        }
        let silently = manner == Removal::Silent || principal.home.is_none();
        let departure = self.desk.remove_account(&principal, silently).await?;
        for other in everyone.iter().filter(|other| refers_to(other, &principal)) {
            let forget = |other: &mut Principal| {
                other.members.retain(|id| *id != principal.id);
                let delegates = &mut other.delegates;
                delegates.retain(|delegate| delegate.principal != principal.id);
            };
            self.store.change_principal(other.id, forget).await?;
        }
        Ok(Outcome::Departed(departure))
    }

    async fn change_member(
        &self,
        group: &str,
        member: &str,
        add: bool,
    ) -> Result<Outcome, AccountsError> {
        let before = self.expect(PrincipalKind::Group, group).await?;
        let everyone = self.store.principals().await?;
        let found = everyone.iter().find(|other| other.name == member);
        let found =
            found.ok_or_else(|| AccountsError::new(format!("nobody has the name \"{member}\"")))?;
        if before.members.contains(&found.id) == add {
            return Ok(Outcome::Unchanged);
        }
        let mut names: Vec<String> = everyone
            .iter()
            .filter(|other| before.members.contains(&other.id) && (add || other.id != found.id))
            .map(|other| other.name.clone())
            .collect();
        names.extend(add.then(|| member.to_owned()));
        let entry = Entry {
            members: Some(names),
            ..Entry::new(PrincipalKind::Group, group)
        };
        plan::check(&mut [entry], &everyone)?;
        let id = found.id;
        self.store
            .change_principal(before.id, |group| {
                group.members.retain(|member| *member != id);
                group.members.extend(add.then_some(id));
            })
            .await?;
        Ok(Outcome::Done)
    }

    async fn expect(
        &self,
        kind: PrincipalKind,
        name: &str,
    ) -> Result<Arc<Principal>, AccountsError> {
        match self.store.principal_by_name(name).await? {
            Some(principal) if principal.kind == kind => Ok(principal),
            Some(other) => Err(AccountsError::new(format!(
                "\"{name}\" is a {}, not a {}; use `convoke {} ...`",
                word(other.kind),
                word(kind),
                word(other.kind)
            ))),
            None => Err(AccountsError::new(format!(
                "there is no {} \"{name}\"; `convoke {} list` shows who there is",
                word(kind),
                word(kind)
            ))),
        }
    }
}

fn refers_to(other: &Principal, gone: &Principal) -> bool {
    let mut delegates = other.delegates.iter();
    other.members.contains(&gone.id) || delegates.any(|it| it.principal == gone.id)
}

#[cfg(test)]
mod tests;
