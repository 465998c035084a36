//! The one table of properties that this server knows by name. Every other property is a dead one:
//! kept as it was written (RFC 4918 §4).

use ::scheduling::calendar_view::Row;

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        acl, apple, availability, caldav, calendarserver, capabilities, default_alarms,
        facts::Facts, identity, principal, quota, resource, scheduling, scheduling_log, sync,
        update::PropertyFault, webdav,
    },
    xml::{Element, Name, Writer},
};

/// What came of writing a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It was written.
    Present,
    /// This resource does not have it: 404.
    Absent,
    /// It may not be read: 403.
    Denied,
}

/// Writes the content of a property.
pub(crate) type Write = fn(&Facts, &mut Writer) -> Presence;
/// Writes the content of a property of an object from what a view knows of it.
pub(crate) type WriteListed = fn(&Row, &mut Writer) -> Presence;
/// Judges a value that a client wants to set.
pub(crate) type Check = fn(Element<'_>) -> Result<(), PropertyFault>;

/// Where the value comes from, and who may change it.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// From the server alone; protected (RFC 4918 §4.2).
    Computed,
    /// From the server, but may be set when the resource is made (MKCALENDAR, extended MKCOL).
    SetAtCreation,
    /// As a client wrote it, after a check; the row's function writes what holds where no client did.
    Kept(Check),
    /// Set through the principal that owns the resource.
    OfPrincipal,
}

/// What must be loaded before a property can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs(u8);

impl Needs {
    /// Nothing beside the resource itself.
    pub const NOTHING: Needs = Needs(0);
    /// All principals.
    pub const DIRECTORY: Needs = Needs(1);
    /// The locks of the home.
    pub const LOCKS: Needs = Needs(2);
    /// What the home holds.
    pub const QUOTA: Needs = Needs(4);
    /// The collection's sync token.
    pub const SYNC_TOKEN: Needs = Needs(8);
    /// The default calendar of the owner.
    pub const DEFAULT_CALENDAR: Needs = Needs(16);
    /// The octets of the object, as the viewer may see them.
    pub const CONTENT: Needs = Needs(32);
    /// What was decided about the meeting.
    pub const SCHEDULING_LOG: Needs = Needs(64);

    /// Both.
    pub const fn and(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }

    /// Whether all of `other` is needed.
    pub const fn has(self, other: Needs) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A row of the table.
pub(crate) struct Property {
    /// Its name.
    pub name: Name<'static>,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it applies.
    pub kinds: Kinds,
    /// Whether `allprop` returns it (RFC 4918 §9.1; later documents ask to leave theirs out).
    pub allprop: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// Where clients may set it, if they may at all; protected in the rest of `kinds`.
    pub settable: Kinds,
    /// The property that says the same in other words: setting or removing one does away with what the other
    /// was set to.
    pub twin: Option<Name<'static>>,
    /// What it needs.
    pub needs: Needs,
    /// Writes it.
    pub write: Write,
    /// Writes it of an object that is only listed; `None` where that takes the object itself. What it writes is
    /// what `write` would.
    pub write_listed: Option<WriteListed>,
}

impl Property {
    /// A computed property.
    pub const fn computed(
        name: Name<'static>,
        source: &'static str,
        kinds: Kinds,
        write: Write,
    ) -> Property {
        Property {
            name,
            source,
            kinds,
            allprop: false,
            origin: Origin::Computed,
            settable: kinds,
            twin: None,
            needs: Needs::NOTHING,
            write,
            write_listed: None,
        }
    }

    /// A property that clients set, with what holds where none did.
    pub const fn kept(
        name: Name<'static>,
        source: &'static str,
        kinds: Kinds,
        check: Check,
        otherwise: Write,
    ) -> Property {
        Property {
            origin: Origin::Kept(check),
            ..Property::computed(name, source, kinds, otherwise)
        }
    }

    /// The same row, returned by `allprop`.
    pub const fn in_allprop(mut self) -> Property {
        self.allprop = true;
        self
    }

    /// The same row, with another origin.
    pub const fn from(mut self, origin: Origin) -> Property {
        self.origin = origin;
        self
    }

    /// The same row, to be set only on these kinds.
    pub const fn settable_on(mut self, kinds: Kinds) -> Property {
        self.settable = kinds;
        self
    }

    /// The same row, saying what another one says.
    pub const fn twin_of(mut self, name: Name<'static>) -> Property {
        self.twin = Some(name);
        self
    }

    /// The same row, with needs.
    pub const fn needing(mut self, needs: Needs) -> Property {
        self.needs = needs;
        self
    }

    /// The same row, which can be written of an object that is only listed.
    pub const fn listed(mut self, write: WriteListed) -> Property {
        self.write_listed = Some(write);
        self
    }

    /// In words, for the conformance table.
    pub fn origin_word(&self) -> &'static str {
        match self.origin {
            Origin::Computed => "protected",
            Origin::SetAtCreation => "set at creation",
            Origin::Kept(_) => "stored",
            Origin::OfPrincipal => "changes the principal",
        }
    }
}

/// The rows, by the document that defines them.
const GROUPS: &[&[Property]] = &[
    webdav::PROPERTIES,
    acl::PROPERTIES,
    principal::PROPERTIES,
    quota::PROPERTIES,
    sync::PROPERTIES,
    capabilities::PROPERTIES,
    identity::PROPERTIES,
    caldav::PROPERTIES,
    scheduling::PROPERTIES,
    scheduling_log::PROPERTIES,
    resource::PROPERTIES,
    availability::PROPERTIES,
    default_alarms::PROPERTIES,
    calendarserver::PROPERTIES,
    apple::PROPERTIES,
];

/// Every row.
pub(crate) fn properties() -> impl Iterator<Item = &'static Property> {
    GROUPS.iter().copied().flatten()
}

/// The rows that apply to a kind.
pub(crate) fn properties_of(kind: ResourceKind) -> impl Iterator<Item = &'static Property> {
    properties().filter(move |property| property.kinds.contains(kind))
}

/// The row of a name.
pub(crate) fn find(name: Name<'_>) -> Option<&'static Property> {
    properties().find(|property| property.name == name)
}

/// For properties that exist only where a client set them.
pub(super) fn absent(_: &Facts, _: &mut Writer) -> Presence {
    Presence::Absent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_has_one_row() {
        for property in properties() {
            assert_eq!(
                properties()
                    .filter(|other| other.name == property.name)
                    .count(),
                1,
                "{}",
                property.name
            );
            assert!(
                !property.kinds.contains(ResourceKind::Unmapped),
                "{}",
                property.name
            );
            assert!(property.kinds.iter().next().is_some(), "{}", property.name);
        }
    }

    #[test]
    fn twins_know_each_other() {
        for property in properties() {
            let Some(twin) = property.twin else { continue };
            let twin = find(twin).expect("a twin is in the table");
            assert_eq!(twin.twin, Some(property.name));
            assert_eq!(twin.kinds, property.kinds);
        }
    }

    /// RFC 4918 §9.1, RFC 3744 §5, RFC 4791 §5.2, RFC 6578 §4, RFC 6638 §2.4
    #[test]
    fn allprop_is_what_webdav_itself_defines() {
        for property in properties().filter(|property| property.allprop) {
            assert!(
                property.source.starts_with("RFC 4918 "),
                "{}",
                property.name
            );
        }
    }
}
