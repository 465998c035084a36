//! The table of properties by which principals can be searched (RFC 3744 §9.4, §9.5).

use storage::model::Principal;

use crate::{
    property::scheduling::{calendar_user_addresses, user_type},
    xml::{
        Name,
        name::{caldav, calendarserver, convoke, dav, nextcloud},
    },
};

/// A row of the table.
pub(crate) struct Searchable {
    /// The property.
    pub name: Name<'static>,
    /// What people call it.
    pub description: &'static str,
    /// In what is searched.
    pub content: Content,
}

/// What a property that can be searched holds.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    /// Texts; one that fits is enough.
    Texts(fn(&Principal) -> Vec<String>),
    /// Words with commas between them in the question; each must be part of one of these.
    Words(fn(&Principal) -> &[String]),
    /// A number, which fits where it is at least what is asked for.
    Number(fn(&Principal) -> Option<u32>),
}

/// Every property that can be searched.
pub(crate) const SEARCHABLE: &[Searchable] = &[
    Searchable {
        name: dav::DISPLAYNAME,
        description: "Name",
        content: Content::Texts(|principal| {
            vec![principal.display_name.clone(), principal.name.clone()]
        }),
    },
    Searchable {
        name: calendarserver::EMAIL_ADDRESS_SET,
        description: "Email address",
        content: Content::Texts(mail_addresses),
    },
    Searchable {
        name: caldav::CALENDAR_USER_ADDRESS_SET,
        description: "Calendar user address",
        // With and without the scheme, so that the beginning of an address finds it.
        content: Content::Texts(|principal| {
            calendar_user_addresses(principal)
                .chain(mail_addresses(principal))
                .collect()
        }),
    },
    Searchable {
        name: caldav::CALENDAR_USER_TYPE,
        description: "Kind of calendar user",
        content: Content::Texts(|principal| vec![user_type(principal.kind).to_owned()]),
    },
    Searchable {
        name: convoke::CAPACITY,
        description: "Capacity, at least",
        content: CAPACITY,
    },
    Searchable {
        name: convoke::LOCATION,
        description: "Where it is",
        content: LOCATION,
    },
    Searchable {
        name: convoke::FEATURES,
        description: "What it has",
        content: FEATURES,
    },
    Searchable {
        name: nextcloud::ROOM_SEATING_CAPACITY,
        description: "Capacity of a room, at least",
        content: CAPACITY,
    },
    Searchable {
        name: nextcloud::ROOM_BUILDING_ADDRESS,
        description: "Where a room is",
        content: LOCATION,
    },
    Searchable {
        name: nextcloud::ROOM_FEATURES,
        description: "What a room has",
        content: FEATURES,
    },
];

const CAPACITY: Content = Content::Number(|principal| principal.capacity);
const LOCATION: Content = Content::Texts(|principal| principal.location.iter().cloned().collect());
const FEATURES: Content = Content::Words(|principal| &principal.features);

/// The row of a property.
pub(crate) fn find(name: Name<'_>) -> Option<&'static Searchable> {
    SEARCHABLE.iter().find(|row| row.name == name)
}

/// The addresses without `mailto:`.
pub(crate) fn mail_addresses(principal: &Principal) -> Vec<String> {
    let mails = principal.addresses.iter().filter_map(|address| {
        let (scheme, rest) = address.split_once(':')?;
        scheme
            .eq_ignore_ascii_case("mailto")
            .then(|| rest.to_owned())
    });
    mails.collect()
}
