//! Replies into large meetings: the others see them a little later (RFC 6638 §4.2, §3.2.10).

use super::{
    meetings::{AT, START, line, meeting},
    *,
};

/// More attendees than two commits hold.
const PEOPLE: usize = 105;

/// A meeting of Alice with all of them, everything delivered.
async fn assembly(world: &World) -> Vec<Actor> {
    let (mut people, mut attendees) = (Vec::new(), String::new());
    for number in 0..PEOPLE {
        people.push(user(world.desk.store(), &format!("u{number:03}")).await);
        attendees += &format!("ATTENDEE:mailto:u{number:03}@example.com\r\n");
    }
    let text =
        meeting("m", "Assembly", START).replace("END:VEVENT", &format!("{attendees}END:VEVENT"));
    world.put(AT, text).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    people
}

async fn copy_of(world: &World, name: &str) -> (String, Object, String) {
    let mut members = world.members(&format!("{name}/calendar")).await;
    assert_eq!(members.len(), 1, "{name}");
    let (file, object) = members.remove(0);
    let text = world.text(&object).await;
    (format!("{name}/calendar/{file}"), object, text)
}

async fn reply(world: &World, person: &Actor, status: &str) {
    let name = &person.principal.name;
    let (at, _, text) = copy_of(world, name).await;
    let own = line(&text, "ATTENDEE", &format!("{name}@example.com"));
    let said = format!("ATTENDEE;PARTSTAT={status}:mailto:{name}@example.com");
    let text = text.replace(own, &said);
    let written = world.put_as(person, &at, text);
    written.await.unwrap();
}

/// What everybody's copy and Alice's say of somebody.
async fn seen(world: &World, of: &str) -> Vec<bool> {
    let address = format!("{of}@example.com");
    let accepted = |text: &str| line(text, "ATTENDEE", &address).contains("PARTSTAT=ACCEPTED");
    let mut seen = vec![accepted(&world.text_at(AT).await)];
    for number in 0..PEOPLE {
        let (_, _, text) = copy_of(world, &format!("u{number:03}")).await;
        seen.push(accepted(&text));
    }
    seen
}

async fn rows(world: &World) -> usize {
    let store = world.desk.store();
    let waiting = store.list_work(REFRESH_QUEUE, None, 100).await;
    waiting.unwrap().len()
}

#[tokio::test]
async fn the_others_see_answers_together_and_later() {
    let world = world().await;
    let people = assembly(&world).await;
    let tags = async || {
        let mut tags = Vec::new();
        for person in &people {
            let (_, object, _) = copy_of(&world, &person.principal.name).await;
            tags.push(object.calendar.unwrap().schedule_tag);
        }
        tags
    };
    let inbox = async || world.members("u104/inbox").await.len();
    let (before, messages) = (tags().await, inbox().await);

    reply(&world, &people[3], "ACCEPTED").await;
    let own = |seen: Vec<bool>| seen.iter().filter(|it| **it).count();
    assert_eq!(own(seen(&world, "u003").await), 2, "Alice and who replied");
    assert_eq!(rows(&world).await, 1);
    reply(&world, &people[70], "ACCEPTED").await;
    assert_eq!(rows(&world).await, 1, "the second found the row");
    let (_, replied, _) = copy_of(&world, "u003").await;

    let mut commits = 0;
    while world.desk.refresh_outstanding().await.unwrap() {
        commits += 1;
    }
    assert!((2..=5).contains(&commits), "{commits} commits");
    assert!(seen(&world, "u003").await.into_iter().all(|it| it));
    assert!(seen(&world, "u070").await.into_iter().all(|it| it));
    let after = tags().await;
    let changed = |at: &usize| before[*at] != after[*at];
    let changed: Vec<usize> = (0..PEOPLE).filter(changed).collect();
    assert_eq!(changed, [3, 70], "those who changed their copies");
    assert_eq!(inbox().await, messages);
    assert_ne!(copy_of(&world, "u003").await.1.etag, replied.etag, "u070");

    // nothing is left, and once more changes nothing
    assert_eq!(rows(&world).await, 0);
    let revision = world.desk.store().backend().revision();
    assert!(!world.desk.refresh_outstanding().await.unwrap());
    assert_eq!(world.desk.store().backend().revision(), revision);
}

/// A reply that comes while the copies are brought up to date reaches those, too, that are done already.
#[tokio::test]
async fn a_reply_in_the_middle_reaches_all() {
    let world = world().await;
    let people = assembly(&world).await;
    reply(&world, &people[104], "ACCEPTED").await;
    assert!(world.desk.refresh_outstanding().await.unwrap());
    reply(&world, &people[103], "ACCEPTED").await;
    assert_eq!(rows(&world).await, 1);
    while world.desk.refresh_outstanding().await.unwrap() {}
    for name in ["u104", "u103"] {
        assert!(seen(&world, name).await.into_iter().all(|it| it), "{name}");
    }
}

/// C12: however many answer, and change their minds, within a time, and however fast the worker is: no more steps than
/// answers and what shows the last, and in the end all have the same.
#[tokio::test]
async fn a_flood_of_answers_is_shown_in_bounded_steps() {
    const STATUSES: [&str; 3] = ["ACCEPTED", "DECLINED", "TENTATIVE"];
    // a worker that has nothing else to do takes a step for each answer
    for (is_worker_fast, every) in [(false, 1), (true, 7)] {
        let world = world().await;
        let people = assembly(&world).await;
        let (mut answers, mut steps) = (0, 0);
        for round in 0..2 {
            for (number, person) in people.iter().enumerate().step_by(every) {
                reply(&world, person, STATUSES[(round + number) % 3]).await;
                answers += 1;
                assert_eq!(rows(&world).await, 1, "within one window");
                if is_worker_fast && world.desk.refresh_outstanding().await.unwrap() {
                    steps += 1;
                }
            }
        }
        while world.desk.refresh_outstanding().await.unwrap() {
            steps += 1;
        }
        let bound = if is_worker_fast { answers + 5 } else { 5 };
        assert!(steps <= bound, "{steps} steps");
        let said = |text: &str| -> Vec<String> {
            let lines = people.iter().map(|person| {
                let address = format!("{}@example.com", person.principal.name);
                let line = line(text, "ATTENDEE", &address);
                let is_said = |status: &&&str| line.contains(&format!("PARTSTAT={status}"));
                STATUSES
                    .iter()
                    .find(is_said)
                    .copied()
                    .unwrap_or_default()
                    .to_owned()
            });
            lines.collect()
        };
        let alices = said(&world.text_at(AT).await);
        for (number, status) in alices.iter().enumerate().step_by(every) {
            assert_eq!(status, STATUSES[(number + 1) % 3]);
        }
        for person in &people {
            let (_, _, text) = copy_of(&world, &person.principal.name).await;
            assert_eq!(said(&text), alices, "{}", person.principal.name);
        }
        assert_eq!(rows(&world).await, 0);
    }
}

/// Replies at different times have different rows, the older of which comes first.
#[tokio::test]
async fn no_meeting_waits_for_another() {
    let world = world().await;
    let people = assembly(&world).await;
    reply(&world, &people[0], "ACCEPTED").await;
    world.clock.advance(60_000);
    reply(&world, &people[1], "ACCEPTED").await;
    assert_eq!(rows(&world).await, 2);
    while world.desk.refresh_outstanding().await.unwrap() {}
    assert!(seen(&world, "u001").await.into_iter().all(|it| it));
}

#[tokio::test]
async fn nothing_is_shown_of_a_meeting_that_is_gone() {
    let world = world().await;
    let people = assembly(&world).await;
    reply(&world, &people[0], "ACCEPTED").await;
    world.delete(AT).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    let (_, cancelled, text) = copy_of(&world, "u050").await;
    assert!(text.contains("STATUS:CANCELLED"));
    while world.desk.refresh_outstanding().await.unwrap() {}
    assert_eq!(copy_of(&world, "u050").await.1.etag, cancelled.etag);
    assert_eq!(rows(&world).await, 0);
}

/// A small meeting is right at once.
#[tokio::test]
async fn a_few_see_it_at_once() {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    let with_carol = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
    let text = meeting("m", "Plan", START).replace("END:VEVENT", with_carol);
    world.put(AT, text).await.unwrap();
    reply(&world, &carol, "ACCEPTED").await;
    let (_, _, bobs) = world.bobs().await;
    assert!(line(&bobs, "ATTENDEE", "carol@example.com").contains("PARTSTAT=ACCEPTED"));
    assert_eq!(rows(&world).await, 0);
}

/// Killed between any two commits, a meeting of a thousand people is delivered once to everybody, and replies are
/// shown to all (see `faults` for each commit that fails).
#[tokio::test]
async fn a_thousand_people_and_kills_in_the_middle() {
    const THOUSAND: usize = 999;
    let (world, faulty) = faulty_world(Settings::default()).await;
    let mut attendees = String::new();
    for number in 0..THOUSAND {
        user(world.desk.store(), &format!("u{number:03}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number:03}@example.com\r\n");
    }
    let text = event("m", "All of us");
    let text = String::from_utf8(text.to_vec()).unwrap().replace(
        "END:VEVENT",
        &format!("ORGANIZER:mailto:alice@example.com\r\n{attendees}END:VEVENT"),
    );
    let commits = faulty.commits();
    world.put(AT, text).await.unwrap();
    let commits = faulty.commits() - commits;
    assert!(commits < 10, "{commits} before the answer");
    let stored = world.text_at(AT).await;
    assert!(
        stored.contains("SCHEDULE-STATUS=1.0"),
        "the rest is pending"
    );
    loop {
        // a kill: this commit and all that would follow do not happen
        faulty.fail_commits_from(1, CommitError::Unavailable("killed".into()));
        let answer = world.desk.deliver_outstanding().await;
        faulty.heal();
        if matches!(answer, Ok(false)) {
            break;
        }
        assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
        assert!(world.desk.deliver_outstanding().await.unwrap());
    }
    for number in 0..THOUSAND {
        assert_eq!(
            world.members(&format!("u{number:03}/calendar")).await.len(),
            1
        );
        assert_eq!(world.members(&format!("u{number:03}/inbox")).await.len(), 1);
    }
    let stored = world.text_at(AT).await;
    assert_eq!(stored.matches("SCHEDULE-STATUS=1.2").count(), THOUSAND);
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}
