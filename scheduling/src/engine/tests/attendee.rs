//! An attendee creates, changes and removes (RFC 6638 §3.2.2).

mod answering;
mod editing;
mod reaching;
mod removing;

use super::*;

const ALICE: &str = "mailto:alice@example.org";
const BOB: &str = "mailto:bob@example.org";

fn invited() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
            ATTENDEE;CN=Bob:mailto:bob@example.org
            ATTENDEE:mailto:carol@example.org",
        ),
    );
    for who in ["bob", "carol"] {
        world.news(who);
    }
    world
}

/// What an organizer elsewhere sent, as a client stores it.
fn from_outside(more: &str) -> CalendarObject {
    event(&format!(
        "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nSEQUENCE:2\nSUMMARY:Far\n{more}"
    ))
}
