//! The accounts file: what `convoke accounts import` reads.

use serde::{Deserialize, Serialize};
use storage::model::{Booking, PrincipalKind};

use crate::secret::Secret;

/// An account, group, room or resource as somebody wants it. What is `None` is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: PrincipalKind,
    /// The name in URLs and for sign-in.
    pub name: String,
    /// The password.
    pub password: Option<Secret>,
    /// The password's hash, instead.
    pub password_hash: Option<String>,
    /// The name for people.
    pub display_name: Option<String>,
    /// Calendar user addresses, the primary one first.
    pub addresses: Option<Vec<String>>,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// May read and write every home.
    pub administrator: Option<bool>,
    /// May not sign in.
    pub disabled: Option<bool>,
    /// Names of a group's members.
    pub members: Option<Vec<String>>,
    /// How many people fit in.
    pub capacity: Option<u32>,
    /// Where it is.
    pub location: Option<String>,
    /// What it has.
    pub features: Option<Vec<String>>,
    /// How it answers invitations.
    pub booking: Option<Booking>,
    /// How it answers those of some organizers, by their names or those of their groups.
    pub booking_for: Option<Vec<BookingFor>>,
    /// How many days ahead it answers by itself.
    pub booking_horizon_days: Option<u32>,
    /// Names of who may read for it.
    pub read_delegates: Option<Vec<String>>,
    /// Names of who may write for it.
    pub write_delegates: Option<Vec<String>>,
}

/// How a room or resource answers one organizer, or the members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingFor {
    /// The name of the account or group.
    pub organizer: String,
    /// How.
    pub booking: Booking,
}

impl Entry {
    /// An entry that says nothing but that it exists.
    pub fn new(kind: PrincipalKind, name: &str) -> Entry {
        Entry {
            kind,
            name: name.to_owned(),
            password: None,
            password_hash: None,
            display_name: None,
            addresses: None,
            language: None,
            time_zone: None,
            administrator: None,
            disabled: None,
            members: None,
            capacity: None,
            location: None,
            features: None,
            booking: None,
            booking_for: None,
            booking_horizon_days: None,
            read_delegates: None,
            write_delegates: None,
        }
    }

    /// What messages call it: `user "alice"`.
    pub fn title(&self) -> String {
        format!("{} \"{}\"", word(self.kind), self.name)
    }
}

/// The word for a kind, as in the commands.
pub fn word(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "user",
        PrincipalKind::Group => "group",
        PrincipalKind::Location => "room",
        PrincipalKind::Resource => "resource",
    }
}

/// Reads a file. Entries come in the order users, groups, rooms, resources; references among them may
/// point forward.
///
/// # Errors
/// The line and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let offset = error.span().unwrap_or_default().start;
        let line = text[..offset.min(text.len())].matches('\n').count() + 1;
        format!("line {line}: {}", error.message().replace('\n', ", "))
    })?;
    let users = file.users.into_iter().map(Entry::from);
    let groups = file.groups.into_iter().map(Entry::from);
    let rooms = file
        .rooms
        .into_iter()
        .map(|place| place.entry(PrincipalKind::Location));
    let resources = file
        .resources
        .into_iter()
        .map(|place| place.entry(PrincipalKind::Resource));
    Ok(users.chain(groups).chain(rooms).chain(resources).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    rooms: Vec<Place>,
    #[serde(default)]
    resources: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    password: Option<Secret>,
    password_hash: Option<String>,
    display_name: Option<String>,
    addresses: Option<Vec<String>>,
    language: Option<String>,
    time_zone: Option<String>,
    administrator: Option<bool>,
    disabled: Option<bool>,
}

impl From<User> for Entry {
    fn from(user: User) -> Entry {
        Entry {
            password: user.password,
            password_hash: user.password_hash,
            display_name: user.display_name,
            addresses: user.addresses,
            language: user.language,
            time_zone: user.time_zone,
            administrator: user.administrator,
            disabled: user.disabled,
            ..Entry::new(PrincipalKind::User, &user.name)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    display_name: Option<String>,
    addresses: Option<Vec<String>>,
    members: Option<Vec<String>>,
}

impl From<Group> for Entry {
    fn from(group: Group) -> Entry {
        Entry {
            display_name: group.display_name,
            addresses: group.addresses,
            members: group.members,
            ..Entry::new(PrincipalKind::Group, &group.name)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    name: String,
    display_name: Option<String>,
    addresses: Option<Vec<String>>,
    capacity: Option<u32>,
    location: Option<String>,
    features: Option<Vec<String>>,
    booking: Option<Booking>,
    booking_for: Option<Vec<BookingFor>>,
    booking_horizon_days: Option<u32>,
    delegates: Option<Delegates>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delegates {
    read: Option<Vec<String>>,
    write: Option<Vec<String>>,
}

impl Place {
    fn entry(self, kind: PrincipalKind) -> Entry {
        let delegates = self.delegates.unwrap_or_default();
        Entry {
            display_name: self.display_name,
            addresses: self.addresses,
            capacity: self.capacity,
            location: self.location,
            features: self.features,
            booking: self.booking,
            booking_for: self.booking_for,
            booking_horizon_days: self.booking_horizon_days,
            read_delegates: delegates.read,
            write_delegates: delegates.write,
            ..Entry::new(kind, &self.name)
        }
    }
}
