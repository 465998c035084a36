//! RFC 6578 §4, and CalendarServer's older `getctag`.

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        facts::Facts,
        table::{Needs, Presence, Property},
    },
    xml::{
        Writer,
        name::{calendarserver, dav},
    },
};

/// The collections that keep a change log which clients may follow.
pub(crate) const SYNCED: Kinds = Kinds::STORED_COLLECTIONS.without(ResourceKind::Outbox);

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(dav::SYNC_TOKEN, "RFC 6578 §4", SYNCED, sync_token)
        .needing(Needs::SYNC_TOKEN),
    Property::computed(
        calendarserver::GETCTAG,
        "calendarserver caldav-ctag §5.1",
        SYNCED,
        sync_token,
    )
    .needing(Needs::SYNC_TOKEN),
];

/// Both change with every change of a member, a delivery to an inbox included.
fn sync_token(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(token) = &facts.sync_token else {
        return Presence::Absent;
    };
    writer.text(&scheduling::change::sync_token_text(token));
    Presence::Present
}
