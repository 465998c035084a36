//! The table of properties by which principals can be searched (RFC 3744 §9.4, §9.5).

use storage::model::Principal;

use crate::{
    property::scheduling::{calendar_user_addresses, user_type},
    xml::{
        Name,
        name::{caldav, calendarserver, dav},
    },
};

/// A row of the table.
pub(crate) struct Searchable {
    /// The property.
    pub name: Name<'static>,
    /// What people call it.
    pub description: &'static str,
    /// The texts in which is searched; one that fits is enough.
    pub texts: fn(&Principal) -> Vec<String>,
}

/// Every property that can be searched.
pub(crate) const SEARCHABLE: &[Searchable] = &[
    Searchable {
        name: dav::DISPLAYNAME,
        description: "Name",
        texts: |principal| vec![principal.display_name.clone(), principal.name.clone()],
    },
    Searchable {
        name: calendarserver::EMAIL_ADDRESS_SET,
        description: "Email address",
        texts: mail_addresses,
    },
    Searchable {
        name: caldav::CALENDAR_USER_ADDRESS_SET,
        description: "Calendar user address",
        // With and without the scheme, so that the beginning of an address finds it.
        texts: |principal| {
            calendar_user_addresses(principal)
                .chain(mail_addresses(principal))
                .collect()
        },
    },
    Searchable {
        name: caldav::CALENDAR_USER_TYPE,
        description: "Kind of calendar user",
        texts: |principal| vec![user_type(principal.kind).to_owned()],
    },
];

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
