//! Who comes into a group, or leaves it, after it was invited.

use storage::model::{DORMANT_MEMBERSHIP_QUEUE, MEMBERSHIP_QUEUE, PrincipalId};

use super::*;
use crate::log::Verdict;

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000;
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
const AT: &str = "alice/calendar/1.ics";

/// Alice, Bob, Carol and Dave; Bob is in the team.
struct House {
    world: World,
    carol: Actor,
    dave: Actor,
    team: PrincipalId,
}

async fn house() -> House {
    house_with(Settings::default()).await
}

async fn house_with(settings: Settings) -> House {
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.clock.set(Timestamp(START));
    let carol = user(world.desk.store(), "carol").await;
    let dave = user(world.desk.store(), "dave").await;
    let team = group(&world, "team", &[world.bob.principal.id]).await;
    House {
        world,
        carol,
        dave,
        team,
    }
}

async fn group(world: &World, name: &str, members: &[PrincipalId]) -> PrincipalId {
    let mut group = Principal::new(PrincipalKind::Group, name);
    group.addresses = vec![format!("mailto:{name}@example.com")];
    group.members = members.to_vec();
    let added = world.desk.store().add_account(group, None).await;
    added.unwrap().id
}

fn series(lines: &str) -> Bytes {
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260105T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\n\
         RRULE:FREQ=WEEKLY;COUNT=10\r\nORGANIZER:mailto:alice@example.com\r\n{lines}\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

const TEAM: &str = "ATTENDEE;CUTYPE=GROUP:mailto:team@example.com\r\n";

impl House {
    async fn set(&self, group: PrincipalId, members: &[PrincipalId]) {
        let store = self.world.desk.store();
        let changed = store.change_principal(group, |group| group.members = members.to_vec());
        changed.await.unwrap();
    }

    async fn set_team(&self, members: &[&Actor]) {
        let members: Vec<PrincipalId> = members.iter().map(|it| it.principal.id).collect();
        self.set(self.team, &members).await;
    }

    /// Lets the time pass in which changes gather, and follows them; how many commits that took.
    async fn follow(&self) -> usize {
        self.world.clock.advance(10_000);
        let mut commits = 0;
        while self.world.desk.follow_memberships().await.unwrap() {
            commits += 1;
        }
        commits
    }

    async fn set_disabled(&self, who: &Actor, disabled: bool) {
        let store = self.world.desk.store();
        let changed = store.change_principal(who.principal.id, |it| it.disabled = disabled);
        changed.await.unwrap();
    }

    async fn enable(&self, who: &Actor) {
        self.set_disabled(who, false).await;
        while self.world.desk.catch_up_enabled().await.unwrap() {}
    }

    async fn waiting(&self, queue: &str) -> usize {
        let waiting = self.world.desk.store().list_work(queue, None, 100).await;
        waiting.unwrap().len()
    }

    /// What the log of Alice's meeting says that could not be followed.
    async fn not_followed(&self) -> Vec<String> {
        let (desk, at) = (&self.world.desk, path(AT));
        let log = desk.scheduling_log(&self.world.alice, &at).await.unwrap();
        let lines = log.iter().flat_map(|entry| &entry.lines);
        let lines = lines.filter(|line| line.verdict == Verdict::NoMessages);
        let lines = lines.map(|line| line.to_string());
        lines.filter(|line| line.contains("cannot")).collect()
    }

    /// Somebody's only copy.
    async fn copy(&self, who: &str) -> Option<String> {
        let at = self.world.tree(&format!("{who}/calendar")).await.pop()?;
        Some(self.world.text_at(&at).await)
    }

    async fn messages(&self, who: &str) -> Vec<String> {
        let mut methods = Vec::new();
        for at in self.world.tree(&format!("{who}/inbox")).await {
            let text = self.world.text_at(&at).await;
            let method = text.lines().find_map(|line| line.strip_prefix("METHOD:"));
            methods.push(method.unwrap().to_owned());
        }
        methods.sort();
        methods
    }

    async fn tag(&self) -> Option<String> {
        self.world.object(AT).await?.calendar?.schedule_tag
    }
}

/// RFC 5545 §3.2.11; RFC 6638 §3.2.10: the organizer's client has to read before it writes.
#[tokio::test]
async fn who_comes_into_a_group_is_invited_to_its_meetings() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    let (tag, etag) = (house.tag().await, world.object(AT).await.unwrap().etag);
    // Two changes soon after each other are one.
    house.set_team(&[&world.bob, &house.carol]).await;
    house
        .set_team(&[&world.bob, &house.carol, &house.dave])
        .await;
    assert!(!world.desk.follow_memberships().await.unwrap());
    let bobs_messages = house.messages("bob").await;
    assert_eq!(house.follow().await, 2);
    for who in ["carol", "dave"] {
        let copy = house.copy(who).await.unwrap();
        assert!(copy.contains("RRULE:FREQ=WEEKLY;COUNT=10"), "{copy}");
        let line = format!("MEMBER=\"mailto:team@example.com\";RSVP=TRUE:mailto:{who}@example.com");
        assert!(copy.contains(&line), "{copy}");
        assert_eq!(house.messages(who).await, ["REQUEST"]);
    }
    let text = house.world.text_at(AT).await;
    assert_eq!(text.matches("SCHEDULE-STATUS=1.2").count(), 3, "{text}");
    assert_ne!(house.tag().await, tag);
    let stale = Put {
        path: path(AT),
        content_type: None,
        octets: series(TEAM),
        conditions: if_match(&etag),
        schedule_reply: true,
    };
    let refused = world.desk.put(&world.alice, stale).await;
    assert!(
        matches!(refused, Err(Refusal::ConditionFailed(_))),
        "they would be taken out again: {refused:?}"
    );
    // Bob hears of it as of any edit by which somebody is invited, once.
    let heard = house.messages("bob").await.len() - bobs_messages.len();
    assert_eq!(heard, 1);
    assert!(house.copy("bob").await.unwrap().contains("mailto:dave@"));
    let log = world
        .desk
        .scheduling_log(&world.alice, &path(AT))
        .await
        .unwrap();
    let followed = log.iter().flat_map(|entry| &entry.lines);
    let mut followed = followed.filter(|line| line.verdict == Verdict::Followed);
    let line = followed.next().unwrap();
    assert_eq!(
        line.parties,
        ["mailto:carol@example.com", "mailto:dave@example.com"]
    );
    assert_eq!(
        line.to_string(),
        "carol@example.com, dave@example.com came into the group team"
    );
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// RFC 5546 §3.2.5
#[tokio::test]
async fn who_leaves_a_group_leaves_its_meetings() {
    let house = house().await;
    let world = &house.world;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    let personal = format!("{TEAM}ATTENDEE:mailto:dave@example.com\r\n");
    house
        .set_team(&[&world.bob, &house.carol, &house.dave])
        .await;
    house.follow().await;
    world.put(AT, series(&personal)).await.unwrap();
    house.set_team(&[&world.bob]).await;
    house.follow().await;
    let text = house.world.text_at(AT).await;
    assert!(!text.contains("carol@"), "{text}");
    assert!(text.contains("mailto:dave@"), "invited personally: {text}");
    let copy = house.copy("carol").await.unwrap();
    assert!(copy.contains("STATUS:CANCELLED"), "{copy}");
    assert_eq!(house.messages("carol").await, ["CANCEL", "REQUEST"]);
    assert_eq!(house.messages("dave").await, ["REQUEST", "REQUEST"]);
    // and back again
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    assert!(house.world.text_at(AT).await.contains("mailto:carol@"));
    let copy = house.copy("carol").await.unwrap();
    assert!(!copy.contains("STATUS:CANCELLED"), "{copy}");
}

/// Whom the organizer took out is not brought back by a change that is about others; one that was taken back changes
/// nothing.
#[tokio::test]
async fn only_who_came_or_left_is_meant() {
    let house = house().await;
    let world = &house.world;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    world.put(AT, series(TEAM)).await.unwrap();
    let text = house.world.text_at(AT).await;
    let without: String = text
        .lines()
        .filter(|line| !line.contains("carol@"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    world.put(AT, without).await.unwrap();
    house
        .set_team(&[&world.bob, &house.carol, &house.dave])
        .await;
    house.follow().await;
    let text = house.world.text_at(AT).await;
    assert!(text.contains("dave@") && !text.contains("carol@"), "{text}");
    let etag = world.object(AT).await.unwrap().etag;
    house.set_team(&[&world.bob, &house.carol]).await;
    house
        .set_team(&[&world.bob, &house.carol, &house.dave])
        .await;
    house.follow().await;
    assert_eq!(world.object(AT).await.unwrap().etag, etag);
}

/// A meeting is made between two changes that are followed together: it has who came and left again.
#[tokio::test]
async fn who_comes_and_leaves_again_is_not_forgotten_in_a_meeting() {
    let house = house().await;
    let world = &house.world;
    house.set_team(&[&world.bob, &house.carol]).await;
    world.put(AT, series(TEAM)).await.unwrap();
    assert!(house.world.text_at(AT).await.contains("carol@"));
    house.set_team(&[&world.bob]).await;
    world.put("alice/calendar/2.ics", another()).await.unwrap();
    house.set_team(&[&world.bob, &house.dave]).await;
    house.follow().await;
    for at in [AT, "alice/calendar/2.ics"] {
        let text = house.world.text_at(at).await;
        assert!(text.contains("dave@") && !text.contains("carol@"), "{text}");
    }
    assert_eq!(house.messages("carol").await, ["CANCEL", "REQUEST"]);
    assert_eq!(house.messages("dave").await, ["REQUEST", "REQUEST"]);
}

/// A meeting with another UID.
fn another() -> String {
    let text = String::from_utf8(series(TEAM).to_vec()).unwrap();
    text.replace("UID:1", "UID:2")
}

/// One comes and another goes, soon after each other.
#[tokio::test]
async fn who_comes_and_who_leaves_are_followed_together() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    house.set_team(&[&world.bob, &house.carol]).await;
    house.set_team(&[&house.carol]).await;
    house.follow().await;
    let text = house.world.text_at(AT).await;
    assert!(text.contains("carol@") && !text.contains("bob@"), "{text}");
    assert_eq!(house.messages("bob").await, ["CANCEL", "REQUEST"]);
    assert_eq!(house.messages("carol").await, ["REQUEST"]);
}

/// Meetings that are over are left alone, as are past instances with a component of their own, and what was called off.
#[tokio::test]
async fn the_past_stays_as_it_was() {
    let house = house().await;
    let world = &house.world;
    let own = "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260105T090000Z\r\n\
        DTSTART:20260105T100000Z\r\nDURATION:PT1H\r\nORGANIZER:mailto:alice@example.com\r\n";
    let with_own = String::from_utf8(series(TEAM).to_vec()).unwrap();
    let with_own = with_own.replace(
        "END:VCALENDAR",
        &format!("{own}{TEAM}END:VEVENT\r\nEND:VCALENDAR"),
    );
    world.put(AT, with_own).await.unwrap();
    let called_off = series(&format!("{TEAM}STATUS:CANCELLED\r\n"));
    let called_off = String::from_utf8(called_off.to_vec()).unwrap();
    let called_off = called_off.replace("UID:1", "UID:2");
    world.put("alice/calendar/2.ics", called_off).await.unwrap();
    world.clock.set(Timestamp(START + 7 * DAY_MILLISECONDS));
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    let text = house.world.text_at(AT).await;
    assert_eq!(text.matches("mailto:carol@").count(), 1, "{text}");
    let copy = house.copy("carol").await.unwrap();
    assert!(copy.contains("EXDATE:20260105T090000Z"), "{copy}");
    let second = house.world.text_at("alice/calendar/2.ics").await;
    assert!(!second.contains("carol@"), "{second}");
    world.clock.set(Timestamp(START + 365 * DAY_MILLISECONDS));
    let before = world.object(AT).await.unwrap().etag;
    house.set_team(&[&world.bob]).await;
    house.follow().await;
    assert_eq!(world.object(AT).await.unwrap().etag, before);
    assert_eq!(house.messages("carol").await, ["REQUEST"]);
    // it needs not be looked at again
    let left = world
        .desk
        .store()
        .group_meetings(house.team, None, 10)
        .await;
    assert_eq!(left.unwrap(), []);
}

/// Who left was there before: the instance that is over keeps them, the series and its instances to come do not.
#[tokio::test]
async fn who_left_stays_in_what_is_over() {
    let house = house().await;
    let world = &house.world;
    let own = |day: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:{day}T090000Z\r\n\
             DTSTART:{day}T100000Z\r\nDURATION:PT1H\r\nORGANIZER:mailto:alice@example.com\r\n{TEAM}END:VEVENT\r\n"
        )
    };
    let with_own = String::from_utf8(series(TEAM).to_vec()).unwrap();
    let instances = own("20260105") + &own("20260119");
    let with_own = with_own.replace("END:VCALENDAR", &format!("{instances}END:VCALENDAR"));
    world.put(AT, with_own).await.unwrap();
    world.clock.set(Timestamp(START + 7 * DAY_MILLISECONDS));
    house.set_team(&[]).await;
    house.follow().await;
    let text = world.text_at(AT).await;
    let parts: Vec<&str> = text
        .split("BEGIN:VEVENT")
        .filter(|it| it.contains("bob@"))
        .collect();
    assert_eq!(parts.len(), 1, "{text}");
    assert!(
        parts[0].contains("RECURRENCE-ID:20260105T090000Z"),
        "{text}"
    );
    let copy = house.copy("bob").await.unwrap();
    let live = |it: &&str| it.contains("UID:1") && !it.contains("STATUS:CANCELLED");
    let live: Vec<&str> = copy.split("BEGIN:VEVENT").filter(live).collect();
    assert_eq!(live.len(), 1, "{copy}");
    assert!(live[0].contains("RECURRENCE-ID:20260105T090000Z"), "{copy}");
}

/// A group in a group: who comes into the inner one comes into the outer one; who is still in it by another way did not
/// leave.
#[tokio::test]
async fn groups_in_groups_are_followed() {
    let house = house().await;
    let world = &house.world;
    let all = group(world, "all", &[house.team, house.dave.principal.id]).await;
    let whole = "ATTENDEE;CUTYPE=GROUP:mailto:all@example.com\r\n";
    world.put(AT, series(whole)).await.unwrap();
    house
        .set_team(&[&world.bob, &house.carol, &house.dave])
        .await;
    house.follow().await;
    assert!(house.world.text_at(AT).await.contains("mailto:carol@"));
    house.set_team(&[&house.carol]).await;
    house.follow().await;
    let text = house.world.text_at(AT).await;
    assert!(text.contains("dave@") && !text.contains("bob@"), "{text}");
    // the inner group is named, too: what holds somebody there holds them
    house.set(all, &[house.team]).await;
    house.follow().await;
    assert!(!house.world.text_at(AT).await.contains("dave@"));
    let both = format!("{whole}{TEAM}");
    world.put(AT, series(&both)).await.unwrap();
    house.set(all, &[]).await;
    house.follow().await;
    assert!(house.world.text_at(AT).await.contains("mailto:carol@"));
    house.set_team(&[]).await;
    house.follow().await;
    assert!(!house.world.text_at(AT).await.contains("carol@"));
}

/// A meeting that names the group no more, or that is gone, is forgotten; a group that is removed takes nobody out.
#[tokio::test]
async fn only_meetings_that_name_the_group_are_looked_at() {
    let house = house().await;
    let world = &house.world;
    let store = world.desk.store();
    let noted = async || {
        store
            .group_meetings(house.team, None, 10)
            .await
            .unwrap()
            .len()
    };
    world.put(AT, series(TEAM)).await.unwrap();
    assert_eq!(noted().await, 1);
    let only = "ATTENDEE:mailto:carol@example.com\r\n";
    world.put(AT, series(only)).await.unwrap();
    assert_eq!(noted().await, 0);
    world.put(AT, series(TEAM)).await.unwrap();
    world.delete(AT).await.unwrap();
    assert_eq!(noted().await, 0);
    world
        .put("alice/calendar/2.ics", series(TEAM))
        .await
        .unwrap();
    store.remove_account(house.team).await.unwrap();
    assert_eq!(noted().await, 0);
    house.follow().await;
    assert!(
        house
            .world
            .text_at("alice/calendar/2.ics")
            .await
            .contains("mailto:bob@")
    );
    assert_eq!(store.check().await.unwrap(), []);
}

/// `max-attendees-per-instance` holds here, too; the owner's log says why nothing happened.
#[tokio::test]
async fn what_cannot_be_followed_is_said() {
    let mut settings = Settings::default();
    settings.limits.maximum_attendees = 2;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let carol = user(world.desk.store(), "carol").await;
    let team = group(&world, "team", &[world.bob.principal.id]).await;
    world.put(AT, series(TEAM)).await.unwrap();
    let store = world.desk.store();
    let id = carol.principal.id;
    let changed = store.change_principal(team, |team| team.members.push(id));
    changed.await.unwrap();
    world.clock.advance(10_000);
    while world.desk.follow_memberships().await.unwrap() {}
    let waiting = store.list_work(MEMBERSHIP_QUEUE, None, 10).await.unwrap();
    assert_eq!(waiting, []);
    let log = world
        .desk
        .scheduling_log(&world.alice, &path(AT))
        .await
        .unwrap();
    let last = log.last().unwrap().lines[0].to_string();
    assert!(last.contains("cannot be followed"), "{last}");
    assert!(world.tree("carol/calendar").await.is_empty());
}

const QUOTA_OCTETS: u64 = 4_000;
const FILLER: &str = "alice/calendar/filler.ics";

/// A house with little room, and a meeting of Alice's team in it.
async fn small_house() -> House {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(QUOTA_OCTETS);
    let house = house_with(settings).await;
    house.world.put(AT, series(TEAM)).await.unwrap();
    house
}

/// Fills Alice's home, up to so many octets.
async fn fill(house: &House, left: u64) {
    let home = house.world.alice.principal.home.unwrap();
    let used = house.world.desk.store().used_octets(home).await.unwrap();
    let free = QUOTA_OCTETS - used - event("filler", "").len() as u64 - left;
    let filler = event("filler", &"x".repeat(usize::try_from(free).unwrap()));
    house.world.put(FILLER, filler).await.unwrap();
}

/// RFC 4331: a home that is full holds no new attendees; once there is room again, they are invited, where nobody took
/// them out meanwhile.
#[tokio::test]
async fn what_may_be_possible_later_is_tried_again() {
    const OTHER: &str = "alice/calendar/2.ics";
    let house = small_house().await;
    let world = &house.world;
    world.put(OTHER, another()).await.unwrap();
    fill(&house, 200).await;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    let invited = async |at| house.world.text_at(at).await.contains("mailto:carol@");
    assert_eq!((invited(AT).await, invited(OTHER).await), (false, true));
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 1);
    for _ in 0..3 {
        world.clock.advance(DAY_MILLISECONDS / 4);
        house.follow().await;
    }
    assert_eq!(house.messages("carol").await.len(), 1);
    let text = house.world.text_at(OTHER).await;
    let without: String = text
        .lines()
        .filter(|line| !line.contains("carol@"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    world.delete(FILLER).await.unwrap();
    world.put(OTHER, without).await.unwrap();
    world.clock.advance(DAY_MILLISECONDS / 4);
    house.follow().await;
    assert_eq!((invited(AT).await, invited(OTHER).await), (true, false));
    let messages = house.messages("carol").await;
    assert_eq!(messages, ["CANCEL", "REQUEST", "REQUEST"]);
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 0);
}

/// It is given up some day, and the owner's log says so once more.
#[tokio::test]
async fn what_stays_impossible_is_given_up() {
    let house = small_house().await;
    let world = &house.world;
    fill(&house, 20).await;
    house.set_team(&[&world.bob, &house.carol]).await;
    let mut commits = 0;
    for _ in 0..60 {
        commits += house.follow().await;
        world.clock.advance(DAY_MILLISECONDS / 4);
    }
    assert!((15..25).contains(&commits), "{commits}");
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 0);
    let said = house.not_followed().await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("is tried again"), "{said:?}");
    assert!(!said[1].contains("is tried again"), "{said:?}");
    assert!(house.copy("carol").await.is_none());
}

/// However often a group changes meanwhile, one row waits for each meeting, and the owner's log says so once.
#[tokio::test]
async fn what_is_refused_of_one_meeting_waits_together() {
    const HOUR_MILLISECONDS: i64 = DAY_MILLISECONDS / 24;
    let house = small_house().await;
    let world = &house.world;
    fill(&house, 20).await;
    let teams = [
        vec![&world.bob, &house.carol],
        vec![&world.bob, &house.carol, &house.dave],
        vec![&world.bob, &house.dave],
    ];
    for hour in 0..40 {
        house.set_team(&teams[hour % teams.len()]).await;
        house.follow().await;
        assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 1, "hour {hour}");
        world.clock.advance(HOUR_MILLISECONDS);
    }
    let said = house.not_followed().await;
    assert_eq!(said.len(), 1, "{said:?}");
    house.set_team(&[&world.bob, &house.dave]).await;
    house.follow().await;
    world.delete(FILLER).await.unwrap();
    world.clock.advance(4 * HOUR_MILLISECONDS);
    house.follow().await;
    let text = world.text_at(AT).await;
    let invited = ["bob", "carol", "dave"].map(|who| text.contains(&format!("mailto:{who}@")));
    assert_eq!(invited, [true, false, true], "{text}");
    assert_eq!(house.messages("carol").await, [""; 0]);
    assert_eq!(house.messages("dave").await, ["REQUEST"]);
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 0);
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// What nobody could read for days was refused no more often by that.
#[tokio::test]
async fn damage_is_no_refusal() {
    let house = small_house().await;
    let world = &house.world;
    fill(&house, 20).await;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    let whole = world.damage(AT).await;
    let quarter_days = async |count| {
        for _ in 0..count {
            world.clock.advance(DAY_MILLISECONDS / 4);
            house.follow().await;
        }
    };
    quarter_days(40).await;
    world.replace_content(AT, whole).await;
    quarter_days(2).await;
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 1, "not given up");
    assert_eq!(house.not_followed().await.len(), 1);
    quarter_days(40).await;
    assert_eq!(house.waiting(MEMBERSHIP_QUEUE).await, 0, "given up");
    assert_eq!(house.not_followed().await.len(), 2);
}

/// RFC 6638 §3.2.9
#[tokio::test]
async fn who_came_into_a_group_while_disabled_is_invited_afterwards() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    house.set_disabled(&house.carol, true).await;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    assert!(house.copy("carol").await.is_none());
    house.enable(&house.carol).await;
    assert!(house.copy("carol").await.is_some());
    assert_eq!(house.messages("carol").await, ["REQUEST"]);
}

/// Nothing is changed in the name of somebody who is disabled; it is once they are enabled, as it is then.
#[tokio::test]
async fn meetings_of_who_is_disabled_are_changed_afterwards() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    world.put("alice/calendar/2.ics", another()).await.unwrap();
    house.set_disabled(&world.alice, true).await;
    for members in [
        vec![&world.bob, &house.carol],
        vec![&house.carol, &house.dave],
        vec![&house.dave],
    ] {
        house.set_team(&members).await;
        house.follow().await;
        let waiting = house.waiting(DORMANT_MEMBERSHIP_QUEUE).await;
        assert_eq!(waiting, 2, "one for each meeting");
    }
    assert!(house.world.text_at(AT).await.contains("mailto:bob@"));
    house.enable(&world.alice).await;
    house.follow().await;
    for at in [AT, "alice/calendar/2.ics"] {
        let text = house.world.text_at(at).await;
        assert!(text.contains("mailto:dave@"), "{text}");
        assert!(!text.contains("bob@") && !text.contains("carol@"), "{text}");
    }
    assert_eq!(house.messages("dave").await, ["REQUEST", "REQUEST"]);
    assert_eq!(house.messages("carol").await, [""; 0]);
    for queue in [DORMANT_MEMBERSHIP_QUEUE, MEMBERSHIP_QUEUE] {
        assert_eq!(house.waiting(queue).await, 0, "{queue}");
    }
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// What waits for somebody goes with them.
#[tokio::test]
async fn nothing_waits_for_who_is_gone() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    house.set_disabled(&world.alice, true).await;
    house.set_team(&[&world.bob, &house.carol]).await;
    house.follow().await;
    assert_eq!(house.waiting(DORMANT_MEMBERSHIP_QUEUE).await, 1);
    let store = world.desk.store();
    store
        .remove_account(world.alice.principal.id)
        .await
        .unwrap();
    while store.purge_detached(1_000).await.unwrap() {}
    assert_eq!(house.waiting(DORMANT_MEMBERSHIP_QUEUE).await, 0);
    assert_eq!(store.check().await.unwrap(), []);
}

/// What was stored before meetings of groups were noted is noted once.
#[tokio::test]
async fn older_meetings_are_noted_afterwards() {
    let house = house().await;
    let world = &house.world;
    world.put(AT, series(TEAM)).await.unwrap();
    let store = world.desk.store();
    let noted = store.group_meetings(house.team, None, 10).await.unwrap();
    let mut batch = store.batch();
    batch.forget_group_meeting(house.team, &noted[0]);
    store.commit(batch).await.unwrap();
    let mut position = None;
    for _ in 0..2 {
        loop {
            position = world.desk.complete_group_meetings(position).await.unwrap();
            if position.is_none() {
                break;
            }
        }
        assert!(store.are_group_meetings_complete().await.unwrap());
    }
    assert_eq!(
        store.group_meetings(house.team, None, 10).await.unwrap(),
        noted
    );
    assert_eq!(store.check().await.unwrap(), []);
}

/// A meeting that is stored while the group changes does not miss the change: whoever is later sees the other.
#[tokio::test]
async fn a_meeting_and_a_change_at_the_same_time_meet() {
    for turns in 0..40 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(yielding::Yielding(Arc::new(memory)))
        })
        .await;
        let carol = user(world.desk.store(), "carol").await;
        let team = group(&world, "team", &[world.bob.principal.id]).await;
        let put = world.put(AT, series(TEAM));
        let id = carol.principal.id;
        let change = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            let store = world.desk.store();
            let changed = store.change_principal(team, |team| team.members.push(id));
            changed.await.unwrap();
        };
        let (put, ()) = tokio::join!(put, change);
        put.unwrap();
        world.clock.advance(10_000);
        while world.desk.follow_memberships().await.unwrap() {}
        assert_eq!(world.tree("carol/calendar").await.len(), 1, "{turns}");
        assert_eq!(world.tree("carol/inbox").await.len(), 1, "{turns}");
    }
}
