//! Messages from people elsewhere, as whoever receives mail hands them in: each method, the proven sender, and what is
//! to be made of what should not be. The cases are named by their chapters in the list of behaviours (C5).

mod adding;
mod answers;
mod asking;
mod form;
mod order;
mod senders;
mod sense;

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const Y: &str = "mailto:y@elsewhere.net";
const BOB: &str = "ATTENDEE:mailto:bob@example.org";

/// A message of components, each with what it says of order.
fn message(method: &str, components: &[&str]) -> CalendarObject {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\n");
    for lines in components {
        text += "BEGIN:VEVENT\r\nUID:1\r\n";
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            text += &format!("{line}\r\n");
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// What X organizes.
fn of_x(lines: &str, sequence: u32) -> String {
    format!("{lines}\nORGANIZER:{X}\nSEQUENCE:{sequence}\nDTSTAMP:20260101T10{sequence:02}00Z")
}

/// What X says to alice.
fn to_alice(lines: &str, sequence: u32) -> String {
    format!(
        "{lines}\nORGANIZER:mailto:alice@example.org\nSEQUENCE:{sequence}\nDTSTAMP:20260201T10{sequence:02}00Z"
    )
}

/// X has invited bob to the ten Mondays.
fn bob_invited() -> World {
    let mut world = new_world();
    let request = message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    world.hand_in("bob", X, &request).unwrap();
    world.inboxes.clear();
    world
}

/// alice has invited bob and X to the ten Mondays.
fn x_invited() -> World {
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob x@elsewhere.net", "")]));
    world.mails.clear();
    world
}

fn is_held(receipt: &Receipt) -> bool {
    let mut decisions = receipt.decisions.iter();
    receipt.copy == CopyChange::Unchanged
        && receipt.inbox_item
        && decisions.any(|it| matches!(it, Decision::ForTheUser { .. }))
}

/// Nothing changed, nobody hears of it, and the reason is known.
fn is_ignored(receipt: &Receipt) -> bool {
    let mut decisions = receipt.decisions.iter();
    receipt.copy == CopyChange::Unchanged
        && !receipt.inbox_item
        && !receipt.schedule_tag_changes
        && decisions.any(|it| matches!(it, Decision::NotApplied { .. }))
}

fn lines_of(world: &World, who: &str) -> String {
    String::from_utf8(world.copy(who).to_octets().to_vec()).unwrap()
}

#[test]
fn cancellations() {
    // C5.4
    let rid = "RECURRENCE-ID:20260309T090000Z";
    let table: [(&str, &[&str], &[&str]); 5] = [
        (
            "unknown instance",
            &["RECURRENCE-ID:20260310T090000Z"],
            &["series bob?"],
        ),
        (
            "an instance",
            &[rid],
            &["series bob?", "0309 cancelled bob?"],
        ),
        (
            "several in one message",
            &[rid, "RECURRENCE-ID:20260316T090000Z"],
            &["series bob?", "0309 cancelled bob?", "0316 cancelled bob?"],
        ),
        (
            "one of several there is not",
            &["RECURRENCE-ID:20260310T090000Z", rid],
            &["series bob?", "0309 cancelled bob?"],
        ),
        ("all", &[""], &["series cancelled bob?"]),
    ];
    for (name, parts, expected) in table {
        let mut world = bob_invited();
        let parts: Vec<String> = parts
            .iter()
            .map(|it| of_x(&format!("{it}\n{BOB}"), 1))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let cancel = message("CANCEL", &parts);
        world.hand_in("bob", X, &cancel).unwrap();
        assert_eq!(world.shape("bob"), expected, "{name}");
        // a second time is none
        let receipt = world.hand_in("bob", X, &cancel).unwrap();
        assert!(is_ignored(&receipt), "{name}: {receipt:?}");
    }
    // RFC 5546 §3.2.5: of others' part, which somebody handed on
    let mut world = bob_invited();
    let others = message("CANCEL", &[&of_x("ATTENDEE:mailto:carol@example.org", 1)]);
    let receipt = world.hand_in("bob", X, &others).unwrap();
    assert!(is_held(&receipt), "{receipt:?}");
    assert_eq!(world.shape("bob"), ["series bob?"]);
    let one = of_x(&format!("{rid}\nATTENDEE:mailto:carol@example.org"), 1);
    let own = of_x(&format!("RECURRENCE-ID:20260316T090000Z\n{BOB}"), 1);
    world
        .hand_in("bob", X, &message("CANCEL", &[&one, &own]))
        .unwrap();
    assert_eq!(world.shape("bob"), ["series bob?", "0316 cancelled bob?"]);
    // before the invitation, of which it says nothing
    let mut early = new_world();
    assert!(is_held(&early.hand_in("bob", X, &others).unwrap()));
    let request = message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    early.hand_in("bob", X, &request).unwrap();
    assert_eq!(early.shape("bob"), ["series bob?"]);
    // nobody is named: all are meant
    let all = message("CANCEL", &[&of_x("", 2)]);
    let mut world = bob_invited();
    world.hand_in("bob", X, &all).unwrap();
    assert_eq!(world.shape("bob"), ["series cancelled bob?"]);
    // of a meeting that is not there
    let mut world = new_world();
    let cancel = message("CANCEL", &[&of_x(BOB, 1)]);
    assert!(is_ignored(&world.hand_in("bob", X, &cancel).unwrap()));
}

/// RFC 5546 §3.2.4 and §4.4.6.
fn added(day: &str, hour: u8, sequence: u32) -> String {
    let end = hour + 1;
    of_x(
        &format!(
            "DTSTART:2026{day}T{hour:02}0000Z\nDTEND:2026{day}T{end:02}0000Z\nSUMMARY:More\n{BOB}"
        ),
        sequence,
    )
}
