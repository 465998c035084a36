//! Two people who meet: Alice with Thunderbird, Bob with Evolution. Each does only what a window of the program
//! does, and sees only what the program shows.
//!
//! What they send (Thunderbird 153, evolution-data-server 3.46): both leave it to the server to tell the others, as
//! OPTIONS has `calendar-auto-schedule`; neither sends Schedule-Tag, Schedule-Reply or SCHEDULE-AGENT. Both make an
//! event with `If-None-Match: *`. Thunderbird changes and removes it with If-Match; Evolution without any
//! condition, whatever has happened since it looked. Both then read what the server made of it, with or without an
//! ETag in the answer. With an answer Evolution rewrites VTIMEZONE; Thunderbird adds X-MOZ-GENERATION and, for an
//! instance, a whole override. Thunderbird raises SEQUENCE itself when a meeting of its own moves, as the script for
//! Evolution does. Both cancel by DELETE.

use tests::{client::Client, server::TestServer};

use super::{
    evolution::Evolution,
    person::{Person, beside, calendar},
    thunderbird::Thunderbird,
};

const ALICE: &str = "mailto:alice@example.com";
const BOB: &str = "mailto:bob@example.com";

/// The messages in the log of the one event in somebody's calendar, line by line (the property is Convoke's own).
async fn log_of_the_only_event(client: &Client, name: &str) -> Vec<String> {
    let properties = "<X:scheduling-log xmlns:X='urn:x-convoke'/>";
    let reply = client.propfind(&calendar(name), "1", properties).await;
    let found = reply.multistatus();
    let [_, event] = &found.responses[..] else {
        panic!("{}", reply.text());
    };
    let log = event.property("{urn:x-convoke}scheduling-log").unwrap();
    let lines = log.descendants("{urn:x-convoke}description");
    let lines = lines.iter().map(|line| line.all_text());
    // What a program writes beside its answer, and is not taken over, is its own affair.
    lines
        .filter(|line| !line.starts_with("not stored"))
        .collect()
}

/// Alice invites Bob, he accepts, she moves the meeting and he accepts again; Bob invites Alice to a series, of
/// which she declines one meeting, moves it as a whole, and she answers again; then each cancels their own.
fn meet(alice: &mut Person, bob: &mut Person) {
    alice.invites(BOB, "planning", "20310303T0900", None);
    bob.sees("planning", "20310303T080000Z alice+ bob?");
    bob.answers("ACCEPTED", "planning");
    alice.sees("planning", "20310303T080000Z alice+ bob+");
    alice.moves("planning", "20310303T1000");
    bob.sees("planning", "20310303T090000Z alice+ bob?");
    alice.sees("planning", "20310303T090000Z alice+ bob.");
    bob.answers("ACCEPTED", "planning");
    alice.sees("planning", "20310303T090000Z alice+ bob+");

    let weekly = "FREQ=WEEKLY;COUNT=6";
    bob.invites(ALICE, "review", "20310310T1400", Some(weekly));
    alice.sees("review", "20310310T130000Z alice? bob+");
    alice.answers("ACCEPTED", "review");
    bob.sees("review", "20310310T130000Z alice+ bob+");
    alice.answers_for("20310331T140000", "DECLINED", "review");
    let without_her = "20310331T120000Z is 20310331T120000Z alice- bob+";
    let series = format!("20310310T130000Z alice+ bob+; {without_her}");
    bob.sees("review", &series);
    alice.sees("review", &series);
    bob.moves("review", "20310310T1500");
    alice.sees("review", "20310310T140000Z alice? bob+");
    bob.sees("review", "20310310T140000Z alice. bob+");
    alice.answers("ACCEPTED", "review");
    alice.answers_for("20310331T150000", "DECLINED", "review");
    let without_her = "20310331T130000Z is 20310331T130000Z alice- bob+";
    let series = format!("20310310T140000Z alice+ bob+; {without_her}");
    bob.sees("review", &series);

    alice.removes("planning");
    alice.sees("planning", "nothing");
    bob.sees("planning", "20310303T090000Z cancelled alice+ bob+");
    bob.removes("review");
    bob.sees("review", "nothing");
    let cancelled = "20310331T130000Z is 20310331T130000Z cancelled alice- bob+";
    let series = format!("20310310T140000Z cancelled alice+ bob+; {cancelled}");
    alice.sees("review", &series);
}

/// Each changes something before their program has heard of what the other did. A new title takes no answer back.
fn change_without_looking(alice: &mut Person, bob: &mut Person) {
    alice.invites(BOB, "lunch", "20310304T1200", None);
    bob.sees("lunch", "20310304T110000Z alice+ bob?");
    bob.answers("ACCEPTED", "lunch");
    alice.renames("lunch", "Lunch outside");
    bob.invites(ALICE, "tea", "20310304T1600", None);
    alice.sees("tea", "20310304T150000Z alice? bob+");
    alice.answers("ACCEPTED", "tea");
    bob.renames("tea", "Tea and cake");
    for person in [&mut *alice, &mut *bob] {
        person.sees("lunch", "20310304T110000Z \"Lunch outside\" alice+ bob+");
        person.sees("tea", "20310304T150000Z \"Tea and cake\" alice+ bob+");
    }

    // and who answers without having looked has not answered what is new
    alice.moves("lunch", "20310304T1300");
    bob.answers("DECLINED", "lunch");
    bob.sees("lunch", "20310304T120000Z \"Lunch outside\" alice+ bob?");
    alice.sees("lunch", "20310304T120000Z \"Lunch outside\" alice+ bob?");

    alice.removes("lunch");
    let cancelled = "20310304T120000Z cancelled \"Lunch outside\" alice+ bob?";
    bob.sees("lunch", cancelled);
    bob.removes("lunch");
    bob.removes("tea");
    alice.sees(
        "tea",
        "20310304T150000Z cancelled \"Tea and cake\" alice+ bob+",
    );
    alice.removes("tea");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thunderbird_and_evolution() {
    let server = TestServer::start_on_disk().await;
    let url = format!("{}/", server.url());
    let (mut alice, mut bob) = beside(move || {
        let mut alice = Person::new("alice", ALICE, &url, Thunderbird::start());
        let mut bob = Person::new("bob", BOB, &url, Evolution::start());
        change_without_looking(&mut alice, &mut bob);
        meet(&mut alice, &mut bob);
        (alice, bob)
    })
    .await;
    let (at_alices, at_bobs) = (server.client("alice"), server.client("bob"));
    assert_eq!(
        log_of_the_only_event(&at_bobs, "bob").await,
        [
            "REQUEST from alice@example.com (SEQUENCE 0): put into the calendar",
            "REPLY to alice@example.com (SEQUENCE 0; ACCEPTED): the participation changed; 1.2 delivered",
            "REQUEST from alice@example.com (SEQUENCE 1): applied",
            "REPLY to alice@example.com (SEQUENCE 1; ACCEPTED): the participation changed; 1.2 delivered",
            "CANCEL from alice@example.com (SEQUENCE 2): applied",
        ]
    );
    assert_eq!(
        log_of_the_only_event(&at_alices, "alice").await,
        [
            "REQUEST from bob@example.com (SEQUENCE 0): put into the calendar",
            "REPLY to bob@example.com (SEQUENCE 0; ACCEPTED): the participation changed; 1.2 delivered",
            "REPLY to bob@example.com (SEQUENCE 0; only 20310331T140000; DECLINED): the participation changed; \
             1.2 delivered",
            "REQUEST from bob@example.com (SEQUENCE 1): applied",
            "REPLY to bob@example.com (SEQUENCE 1; ACCEPTED): the participation changed; 1.2 delivered",
            "REPLY to bob@example.com (SEQUENCE 1; only 20310331T150000; DECLINED): the participation changed; \
             1.2 delivered",
            "CANCEL from bob@example.com (SEQUENCE 2): applied",
        ]
    );
    beside(move || {
        bob.removes("planning");
        bob.sees("planning", "nothing");
        alice.removes("review");
        alice.sees("review", "nothing");
    })
    .await;
    for (client, name) in [(at_alices, "alice"), (at_bobs, "bob")] {
        let left = client.propfind(&calendar(name), "1", "<D:getetag/>").await;
        assert_eq!(left.multistatus().hrefs(), [calendar(name)]);
    }
    assert_eq!(server.mails(0).await, [""; 0], "nobody needed mail");
}
