//! RFC 4331.

use crate::{
    kind::Kinds,
    property::{
        facts::Facts,
        table::{Needs, Presence, Property},
    },
    xml::{Writer, name::dav},
};

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        dav::QUOTA_AVAILABLE_BYTES,
        "RFC 4331 §3",
        Kinds::STORED_COLLECTIONS,
        available,
    )
    .needing(Needs::QUOTA),
    Property::computed(
        dav::QUOTA_USED_BYTES,
        "RFC 4331 §4",
        Kinds::STORED_COLLECTIONS,
        used,
    )
    .needing(Needs::QUOTA),
];

/// Only where there is a quota.
fn available(facts: &Facts, writer: &mut Writer) -> Presence {
    match (facts.limits.quota_octets, facts.used_octets) {
        (Some(quota), Some(used)) => {
            writer.text(&quota.saturating_sub(used).to_string());
            Presence::Present
        }
        _ => Presence::Absent,
    }
}

fn used(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(used) = facts.used_octets else {
        return Presence::Absent;
    };
    writer.text(&used.to_string());
    Presence::Present
}
