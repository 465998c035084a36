//! An import: who is missing is made, what is present is changed, again without harm.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use storage::{
    access::Delegation,
    model::{BookingRule, Credential, Principal, PrincipalId},
    normalise_address,
};
use tokio::task::JoinSet;

use super::{
    Accounts, AccountsError,
    file::{BookingFor, Entry},
    plan,
};
use crate::secret::Secret;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Made.
    pub added: usize,
    /// Changed, password or otherwise.
    pub changed: usize,
    /// Found as they should be.
    pub unchanged: usize,
    /// Passwords in the file that were left alone, because they were changed here since.
    pub passwords_kept: usize,
}

/// Where a password comes from: a later import may only change what an import had set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordOrigin {
    /// An accounts file.
    File,
    /// An administrator, at the command line.
    Administrator,
}

/// What became of a password in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PasswordOutcome {
    None,
    Unchanged,
    Set,
    Kept,
}

impl Accounts {
    /// Imports entries. Everything is checked before anything is written.
    ///
    /// # Errors
    /// Names the entry.
    pub async fn import(
        &self,
        mut entries: Vec<Entry>,
        origin: PasswordOrigin,
    ) -> Result<Imported, AccountsError> {
        let existing = self.store.principals().await?;
        plan::check(&mut entries, &existing)?;
        let known: HashMap<&str, PrincipalId> = existing
            .iter()
            .map(|other| (other.name.as_str(), other.id))
            .collect();
        let new: Vec<bool> = entries
            .iter()
            .map(|entry| !known.contains_key(entry.name.as_str()))
            .collect();
        for (entry, _) in entries.iter().zip(&new).filter(|(_, new)| **new) {
            let added = self.store.add_account(nobody(entry), None).await;
            added.map_err(|error| AccountsError::of(entry, error.to_string()))?;
        }
        self.hand_over(&entries, &existing).await?;
        let changed = self.change_all(&entries, &existing).await?;
        let passwords = self.set_passwords(&entries, origin).await?;
        Ok(summary(&new, &changed, &passwords))
    }

    /// Takes the addresses that pass from one to another from those who have them. If the import ends
    /// here, nobody has them until it is repeated; it does no other harm.
    async fn hand_over(
        &self,
        entries: &[Entry],
        existing: &[Arc<Principal>],
    ) -> Result<(), AccountsError> {
        for (owner, given_up) in plan::handed_over(entries, existing) {
            let keeps = |address: &String| !given_up.contains(&normalise_address(address));
            self.store
                .change_principal(owner, |principal| principal.addresses.retain(keeps))
                .await?;
        }
        Ok(())
    }

    /// Sets the fields that are present; says of each entry whether the import changed anything of who
    /// was there before.
    async fn change_all(
        &self,
        entries: &[Entry],
        existing: &[Arc<Principal>],
    ) -> Result<Vec<bool>, AccountsError> {
        let at_first: HashMap<PrincipalId, &Arc<Principal>> =
            existing.iter().map(|other| (other.id, other)).collect();
        let everyone = self.store.principals().await?;
        let by_name: HashMap<&str, &Arc<Principal>> = everyone
            .iter()
            .map(|other| (other.name.as_str(), other))
            .collect();
        let mut changed = Vec::with_capacity(entries.len());
        for entry in entries {
            let gone = || AccountsError::of(entry, "it was removed by somebody else meanwhile");
            let before = by_name.get(entry.name.as_str()).ok_or_else(gone)?;
            let id_of = |name: &String| by_name.get(name.as_str()).map(|other| other.id);
            let after = self
                .store
                .change_principal(before.id, |principal| apply(entry, principal, id_of))
                .await;
            let after = after.map_err(|error| AccountsError::of(entry, error.to_string()))?;
            changed.push(after != **at_first.get(&before.id).unwrap_or(before));
        }
        Ok(changed)
    }

    /// Hashing is the slow part, so all passwords go at once; [`crate::authentication::Passwords`]
    /// bounds how many really do.
    async fn set_passwords(
        &self,
        entries: &[Entry],
        origin: PasswordOrigin,
    ) -> Result<Vec<PasswordOutcome>, AccountsError> {
        let mut tasks = JoinSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let (accounts, entry) = (self.clone(), entry.clone());
            tasks.spawn(async move { (index, accounts.set_entry_password(&entry, origin).await) });
        }
        let mut outcomes = vec![PasswordOutcome::None; entries.len()];
        while let Some(ended) = tasks.join_next().await {
            let (index, outcome) = ended.map_err(|error| AccountsError::new(error.to_string()))?;
            outcomes[index] = outcome?;
        }
        Ok(outcomes)
    }

    async fn set_entry_password(
        &self,
        entry: &Entry,
        origin: PasswordOrigin,
    ) -> Result<PasswordOutcome, AccountsError> {
        if entry.password.is_none() && entry.password_hash.is_none() {
            return Ok(PasswordOutcome::None);
        }
        let failed = |error: AccountsError| AccountsError::of(entry, error.what);
        let Some(principal) = self.store.principal_by_name(&entry.name).await? else {
            return Ok(PasswordOutcome::None);
        };
        let before = self.store.credential(principal.id).await?;
        if let Some(before) = &before
            && !before.imported
        {
            return Ok(PasswordOutcome::Kept);
        }
        let hash = match (&entry.password, &entry.password_hash) {
            (Some(password), _) => self
                .hash_unless_same(password, before.as_deref())
                .await
                .map_err(failed)?,
            (None, hash) => hash
                .clone()
                .filter(|hash| before.as_ref().is_none_or(|before| before.hash != *hash)),
        };
        let Some(hash) = hash else {
            return Ok(PasswordOutcome::Unchanged);
        };
        let decide = |now: Option<&Credential>| {
            let changed_here = now.is_some_and(|now| !now.imported);
            (!changed_here).then(|| Credential {
                hash: hash.clone(),
                imported: origin == PasswordOrigin::File,
            })
        };
        let set = self.store.change_credential(principal.id, decide).await;
        let set = set.map_err(|error| AccountsError::of(entry, error.to_string()))?;
        Ok(if set {
            PasswordOutcome::Set
        } else {
            PasswordOutcome::Kept
        })
    }

    /// The hash of a password; `None` where the stored one is the same password's.
    async fn hash_unless_same(
        &self,
        password: &Secret,
        before: Option<&Credential>,
    ) -> Result<Option<String>, AccountsError> {
        if let Some(before) = before
            && self
                .passwords
                .is_same(password.0.clone(), before.hash.clone())
                .await?
        {
            return Ok(None);
        }
        Ok(Some(self.passwords.hash(password.0.clone()).await?))
    }
}

/// A principal of the entry's kind and name, with nothing else; the store gives it identity and home.
fn nobody(entry: &Entry) -> Principal {
    let mut principal = Principal::new(entry.kind, &entry.name);
    set(&mut principal.display_name, entry.display_name.clone());
    principal
}

/// Only what is present; an empty location or feature is none.
fn apply(entry: &Entry, principal: &mut Principal, id_of: impl Fn(&String) -> Option<PrincipalId>) {
    let entry = entry.clone();
    let ids =
        |names: Vec<String>| -> Vec<PrincipalId> { names.iter().filter_map(&id_of).collect() };
    set(&mut principal.display_name, entry.display_name);
    set(&mut principal.addresses, entry.addresses);
    set(&mut principal.administrator, entry.administrator);
    set(&mut principal.disabled, entry.disabled);
    let features = entry.features.map(|mut features| {
        features.retain(|feature| !feature.trim().is_empty());
        features
    });
    set(&mut principal.features, features);
    set(&mut principal.booking, entry.booking);
    set(
        &mut principal.booking_horizon_days,
        entry.booking_horizon_days,
    );
    let rules = entry.booking_for.map(|rules| {
        let rule = |rule: &BookingFor| {
            Some(BookingRule {
                organizer: id_of(&rule.organizer)?,
                booking: rule.booking,
            })
        };
        rules.iter().filter_map(rule).collect()
    });
    set(&mut principal.booking_for, rules);
    set(&mut principal.members, entry.members.map(ids));
    let delegates = [
        (Delegation::Read, entry.read_delegates),
        (Delegation::Write, entry.write_delegates),
    ];
    for (delegation, names) in delegates {
        if let Some(names) = names {
            principal.set_delegates_in(delegation, &ids(names));
        }
    }
    set(&mut principal.language, entry.language.map(Some));
    set(&mut principal.time_zone, entry.time_zone.map(Some));
    set(&mut principal.capacity, entry.capacity.map(Some));
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    set(&mut principal.location, entry.location.map(given));
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn summary(new: &[bool], changed: &[bool], passwords: &[PasswordOutcome]) -> Imported {
    let mut imported = Imported::default();
    for ((new, changed), password) in new.iter().zip(changed).zip(passwords) {
        match (new, *changed || *password == PasswordOutcome::Set) {
            (true, _) => imported.added += 1,
            (false, true) => imported.changed += 1,
            (false, false) => imported.unchanged += 1,
        }
        imported.passwords_kept += usize::from(*password == PasswordOutcome::Kept);
    }
    imported
}
