//! Whether entries make sense, among themselves and with who is there already. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use storage::{
    check_account_form,
    model::{Principal, PrincipalId, PrincipalKind},
    normalise_address,
};

use super::{
    AccountsError,
    file::{Entry, word},
};
use crate::authentication::check_stored_hash;

/// The most features of a room or resource.
const MAXIMUM_FEATURES: usize = 50;
/// The longest text about one.
const MAXIMUM_TEXT_OCTETS: usize = 255;

/// Checks all entries, and completes what people leave out: `mailto:` before an address.
///
/// # Errors
/// The first entry that makes no sense, and why.
pub fn check(entries: &mut [Entry], existing: &[Arc<Principal>]) -> Result<(), AccountsError> {
    entries.iter_mut().for_each(complete);
    check_names(entries, existing)?;
    check_addresses(entries, existing)?;
    let known: BTreeSet<&str> = existing
        .iter()
        .map(|principal| principal.name.as_str())
        .chain(entries.iter().map(|entry| entry.name.as_str()))
        .collect();
    for entry in entries.iter() {
        check_fields(entry)?;
        check_references(entry, &known)?;
    }
    check_cycles(entries, existing)
}

fn complete(entry: &mut Entry) {
    for address in entry.addresses.iter_mut().flatten() {
        if address.contains('@') && !address.contains(':') {
            *address = format!("mailto:{address}");
        }
    }
}

/// Names are unique over all kinds.
fn check_names(entries: &[Entry], existing: &[Arc<Principal>]) -> Result<(), AccountsError> {
    let mut seen = HashMap::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.name.to_lowercase(), entry) {
            let what = format!(
                "the name stands twice in the file (also as {})",
                first.title()
            );
            return Err(AccountsError::of(entry, what));
        }
    }
    for principal in existing {
        let Some(entry) = seen.get(&principal.name.to_lowercase()) else {
            continue;
        };
        if entry.kind != principal.kind {
            let what = format!(
                "there is a {} of this name already; names are unique over all kinds",
                word(principal.kind)
            );
            return Err(AccountsError::of(entry, what));
        }
        if entry.name != principal.name {
            let what = format!(
                "there is a {} \"{}\" already, and names differ in more than their case",
                word(principal.kind),
                principal.name
            );
            return Err(AccountsError::of(entry, what));
        }
    }
    Ok(())
}

/// An address belongs to one person. Whoever is given addresses by an entry leaves the others to whoever
/// wants them, in whatever order the entries stand; [`handed_over`] says what that takes.
fn check_addresses(entries: &[Entry], existing: &[Arc<Principal>]) -> Result<(), AccountsError> {
    let renewed: BTreeSet<&str> = with_addresses(entries)
        .map(|(entry, _)| entry.name.as_str())
        .collect();
    let owners: HashMap<String, &Principal> = existing
        .iter()
        .filter(|principal| !renewed.contains(principal.name.as_str()))
        .flat_map(|principal| {
            let addresses = principal.addresses.iter();
            addresses.map(|address| (normalise_address(address), &**principal))
        })
        .collect();
    let mut seen: HashMap<String, &Entry> = HashMap::new();
    for (entry, addresses) in with_addresses(entries) {
        for address in addresses {
            if let Some(owner) = owners.get(&normalise_address(address)) {
                let what = format!(
                    "the address {address} belongs to the {} \"{}\"",
                    word(owner.kind),
                    owner.name
                );
                return Err(AccountsError::of(entry, what));
            }
            if let Some(first) = seen.insert(normalise_address(address), entry) {
                let what = format!(
                    "the address {address} stands twice in the file (also at {})",
                    first.title()
                );
                return Err(AccountsError::of(entry, what));
            }
        }
    }
    Ok(())
}

/// The addresses that pass from one person to another, normalised, with who has them now. An address is
/// taken from the one before it is given to the other, so these must be given up first of all.
pub fn handed_over(
    entries: &[Entry],
    existing: &[Arc<Principal>],
) -> Vec<(PrincipalId, BTreeSet<String>)> {
    let future: HashMap<String, &str> = with_addresses(entries)
        .flat_map(|(entry, addresses)| {
            let addresses = addresses.iter();
            addresses.map(|address| (normalise_address(address), entry.name.as_str()))
        })
        .collect();
    let passes_on = |owner: &Principal, address: &String| {
        let to = future.get(address);
        to.is_some_and(|name| *name != owner.name)
    };
    existing
        .iter()
        .map(|owner| {
            let addresses = owner.addresses.iter();
            let addresses = addresses
                .map(|address| normalise_address(address))
                .filter(|address| passes_on(owner, address));
            (owner.id, addresses.collect::<BTreeSet<String>>())
        })
        .filter(|(_, addresses)| !addresses.is_empty())
        .collect()
}

/// The entries that say who has which addresses from now on.
fn with_addresses(entries: &[Entry]) -> impl Iterator<Item = (&Entry, &[String])> {
    entries
        .iter()
        .filter_map(|entry| Some((entry, entry.addresses.as_deref()?)))
}

fn check_fields(entry: &Entry) -> Result<(), AccountsError> {
    check_account_form(&entry.name, entry.addresses.as_deref().unwrap_or_default())
        .map_err(|error| AccountsError::of(entry, error.to_string()))?;
    if entry.password.is_some() && entry.password_hash.is_some() {
        return Err(AccountsError::of(
            entry,
            "both password and password_hash are given; keep one",
        ));
    }
    if entry
        .password
        .as_ref()
        .is_some_and(|password| password.0.is_empty())
    {
        return Err(AccountsError::of(entry, "the password is empty"));
    }
    if let Some(hash) = &entry.password_hash {
        check_stored_hash(hash).map_err(|what| AccountsError::of(entry, what))?;
    }
    check_place(entry)?;
    if let Some(zone) = &entry.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        let what = format!(
            "the time zone \"{zone}\" is not known; write an IANA name such as \"Europe/Berlin\""
        );
        return Err(AccountsError::of(entry, what));
    }
    let subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    if let Some(language) = &entry.language
        && !language.split('-').all(subtag)
    {
        let what = format!(
            "the language \"{language}\" is not understood; write a tag such as \"en\" or \"de-CH\""
        );
        return Err(AccountsError::of(entry, what));
    }
    Ok(())
}

/// Where something is and what it has are short lines; features are told with commas between them.
fn check_place(entry: &Entry) -> Result<(), AccountsError> {
    let features = entry.features.as_deref().unwrap_or_default();
    if features.len() > MAXIMUM_FEATURES {
        let what = format!("it has too many features; at most {MAXIMUM_FEATURES} are possible");
        return Err(AccountsError::of(entry, what));
    }
    let is_line =
        |text: &str| text.len() <= MAXIMUM_TEXT_OCTETS && !text.contains(char::is_control);
    if let Some(location) = &entry.location
        && !is_line(location)
    {
        let what = "the location is not one line of at most 255 octets";
        return Err(AccountsError::of(entry, what));
    }
    let is_feature = |text: &&String| is_line(text) && !text.contains(',');
    match features.iter().find(|feature| !is_feature(feature)) {
        Some(feature) => {
            let what = format!(
                "the feature {feature:?} is not one line of at most 255 octets without a comma"
            );
            Err(AccountsError::of(entry, what))
        }
        None => Ok(()),
    }
}

fn check_references(entry: &Entry, known: &BTreeSet<&str>) -> Result<(), AccountsError> {
    let rules = entry.booking_for.as_ref();
    let organizers = rules.map(|rules| rules.iter().map(|it| it.organizer.clone()).collect());
    let lists = [
        ("booking_for", &organizers),
        ("members", &entry.members),
        ("delegates.read", &entry.read_delegates),
        ("delegates.write", &entry.write_delegates),
    ];
    for (key, names) in lists {
        if let Some(name) = names
            .iter()
            .flatten()
            .find(|name| !known.contains(name.as_str()))
        {
            return Err(AccountsError::of(
                entry,
                format!("{key} names \"{name}\", and nobody has that name"),
            ));
        }
    }
    Ok(())
}

/// No group holds itself, directly or through others.
fn check_cycles(entries: &[Entry], existing: &[Arc<Principal>]) -> Result<(), AccountsError> {
    let members = members_after(entries, existing);
    for entry in entries.iter().filter(|entry| entry.members.is_some()) {
        let mut reached = BTreeSet::new();
        let mut next = members.get(&entry.name).cloned().unwrap_or_default();
        while let Some(name) = next.pop() {
            if name == entry.name {
                return Err(AccountsError::of(
                    entry,
                    "the group would be a member of itself",
                ));
            }
            if reached.insert(name.clone()) {
                next.extend(members.get(&name).cloned().unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// The members of each group as they will be.
fn members_after(entries: &[Entry], existing: &[Arc<Principal>]) -> BTreeMap<String, Vec<String>> {
    let names: HashMap<_, _> = existing
        .iter()
        .map(|principal| (principal.id, principal.name.clone()))
        .collect();
    let groups = existing
        .iter()
        .filter(|principal| principal.kind == PrincipalKind::Group);
    let present = groups.map(|group| {
        let members = group
            .members
            .iter()
            .filter_map(|id| names.get(id).cloned())
            .collect();
        (group.name.clone(), members)
    });
    let wanted = entries
        .iter()
        .filter_map(|entry| Some((entry.name.clone(), entry.members.clone()?)));
    present.chain(wanted).collect()
}
