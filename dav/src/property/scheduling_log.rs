//! Convoke's own: what was decided about a meeting, for its owner.

use crate::{
    decisions,
    kind::{Kinds, ResourceKind},
    property::{
        facts::Facts,
        table::{Needs, Presence, Property},
    },
    xml::{Writer, name::convoke},
};

pub(super) const PROPERTIES: &[Property] = &[Property::computed(
    convoke::SCHEDULING_LOG,
    "Convoke: why something was sent, or not",
    Kinds::of(&[ResourceKind::CalendarObject]),
    scheduling_log,
)
.needing(Needs::SCHEDULING_LOG)];

/// An object that nothing was ever decided about has none.
fn scheduling_log(facts: &Facts, writer: &mut Writer) -> Presence {
    match facts.scheduling_log.as_deref() {
        None => Presence::Denied,
        Some([]) => Presence::Absent,
        Some(entries) => {
            decisions::write_entries(writer, entries);
            Presence::Present
        }
    }
}
