//! What can be booked: how many fit in, where it is, what it has; and, in a search, whether it can be had.
//!
//! No RFC names these. Calendar programs of one family (Nextcloud's) ask for rooms by names of their own, which are
//! answered from the same facts.

use scheduling::resources::Vacancy;
use storage::model::{Principal, PrincipalKind};

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        facts::Facts,
        table::{Presence, Property},
    },
    xml::{
        Writer,
        name::{caldav, convoke, nextcloud},
    },
};

use Presence::{Absent, Present};

const PRINCIPAL: Kinds = Kinds::of(&[ResourceKind::Principal]);
const SOURCE: &str = "Convoke: rooms and resources";
const NEXTCLOUD: &str = "nextcloud room metadata";

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(convoke::CAPACITY, SOURCE, PRINCIPAL, |facts, writer| {
        text(writer, bookable(facts).and_then(capacity))
    }),
    Property::computed(convoke::LOCATION, SOURCE, PRINCIPAL, |facts, writer| {
        text(writer, bookable(facts).and_then(|it| it.location.clone()))
    }),
    Property::computed(convoke::FEATURES, SOURCE, PRINCIPAL, features),
    Property::computed(convoke::VACANCY, SOURCE, PRINCIPAL, vacancy),
    Property::computed(
        nextcloud::ROOM_SEATING_CAPACITY,
        NEXTCLOUD,
        PRINCIPAL,
        |facts, writer| text(writer, room(facts).and_then(capacity)),
    ),
    Property::computed(
        nextcloud::ROOM_BUILDING_ADDRESS,
        NEXTCLOUD,
        PRINCIPAL,
        |facts, writer| text(writer, room(facts).and_then(|it| it.location.clone())),
    ),
    Property::computed(
        nextcloud::ROOM_FEATURES,
        NEXTCLOUD,
        PRINCIPAL,
        |facts, writer| text(writer, room(facts).and_then(listed_features)),
    ),
];

fn bookable(facts: &Facts) -> Option<&Principal> {
    let principal = facts.principal()?;
    principal.kind.is_bookable().then_some(principal)
}

fn room(facts: &Facts) -> Option<&Principal> {
    bookable(facts).filter(|principal| principal.kind == PrincipalKind::Location)
}

fn capacity(principal: &Principal) -> Option<String> {
    principal.capacity.map(|capacity| capacity.to_string())
}

fn listed_features(principal: &Principal) -> Option<String> {
    let features = &principal.features;
    (!features.is_empty()).then(|| features.join(","))
}

fn text(writer: &mut Writer, text: Option<String>) -> Presence {
    let Some(text) = text else { return Absent };
    writer.text(&text);
    Present
}

fn features(facts: &Facts, writer: &mut Writer) -> Presence {
    let features = bookable(facts).map_or(&[][..], |it| &it.features);
    if features.is_empty() {
        return Absent;
    }
    for feature in features {
        writer.leaf(convoke::FEATURE, feature);
    }
    Present
}

/// Only the report that looks for free ones knows it.
fn vacancy(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some((vacancy, taken)) = &facts.vacancy else {
        return Absent;
    };
    writer.empty(match vacancy {
        Vacancy::Free => convoke::FREE,
        Vacancy::Partly => convoke::PARTLY,
        Vacancy::Busy => convoke::BUSY,
        Vacancy::NotBookable => convoke::NOT_BOOKABLE,
        Vacancy::Unknown => convoke::UNKNOWN,
    });
    let utc = |at: jiff::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    if !taken.is_empty() {
        writer.element(convoke::TAKEN, |writer| {
            for span in taken {
                let (start, end) = (utc(span.start), utc(span.end));
                let attributes = [("start", start.as_str()), ("end", end.as_str())];
                writer.element_with(caldav::TIME_RANGE, &attributes, |_| {});
            }
        });
    }
    Present
}
