//! How messages leave inboxes again (RFC 6638 §2.2).

use storage::model::{Delegate, InvitationRecipients, SyncToken, TrashPolicy};

use super::{
    locks::taking,
    meetings::{AT, START, answer, meeting},
    *,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn clear(world: &World) {
    while world.desk.clear_answered().await.unwrap() {}
}

/// The methods of the messages in an inbox.
async fn inbox(world: &World, name: &str) -> Vec<String> {
    let mut methods = Vec::new();
    for (_, message) in world.members(&format!("{name}/inbox")).await {
        let text = world.text(&message).await;
        let method = text.lines().find_map(|line| line.strip_prefix("METHOD:"));
        methods.push(method.unwrap().to_owned());
    }
    methods.sort();
    methods
}

async fn bob_says(world: &World, status: &str) {
    let (at, _, text) = world.bobs().await;
    let text = answer(&text, status);
    let put = world.put_as(&world.bob, &at, text);
    put.await.unwrap();
    clear(world).await;
}

#[tokio::test]
async fn an_invitation_goes_when_it_is_answered() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world
        .put("alice/calendar/n.ics", meeting("n", "Other", START))
        .await
        .unwrap();
    assert_eq!(inbox(&world, "bob").await, ["REQUEST", "REQUEST"]);
    clear(&world).await;
    assert_eq!(inbox(&world, "bob").await, ["REQUEST", "REQUEST"]);
    // only that of the other meeting is left
    world.delete("alice/calendar/n.ics").await.unwrap();
    let members = world.members("bob/calendar").await;
    for (name, object) in members {
        let text = world.text(&object).await;
        let at = format!("bob/calendar/{name}");
        if text.contains("UID:m\r") {
            // an alarm is no answer
            let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
            let text = text.replace("END:VEVENT", alarm);
            let put = world.put_as(&world.bob, &at, text.clone());
            put.await.unwrap();
            clear(&world).await;
            assert_eq!(inbox(&world, "bob").await, ["CANCEL", "REQUEST", "REQUEST"]);
            let text = answer(&text, "TENTATIVE");
            let put = world.put_as(&world.bob, &at, text);
            put.await.unwrap();
            clear(&world).await;
        }
    }
    assert_eq!(inbox(&world, "bob").await, ["CANCEL", "REQUEST"]);
    assert_eq!(inbox(&world, "alice").await, ["REPLY"], "stays");
}

#[tokio::test]
async fn removing_the_copy_is_an_answer() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, _) = world.bobs().await;
    let delete = Delete {
        path: path(&at),
        conditions: Conditions::default(),
        schedule_reply: false,
    };
    world.desk.delete(&world.bob, delete).await.unwrap();
    assert_eq!(inbox(&world, "bob").await, ["REQUEST"], "a moment later");
    clear(&world).await;
    assert!(inbox(&world, "bob").await.is_empty());
}

/// What came behind the answer was not answered by it.
#[tokio::test]
async fn a_new_time_asks_anew() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let text = answer(&text, "ACCEPTED");
    let put = world.put_as(&world.bob, &at, text);
    put.await.unwrap();
    world.clock.advance(60_000);
    let later = meeting("m", "Plan", "20260201T150000Z");
    world.put(AT, later).await.unwrap();
    clear(&world).await;
    let waiting = inbox(&world, "bob").await;
    assert_eq!(waiting, ["REQUEST", "REQUEST"], "as long as it is open");
    bob_says(&world, "DECLINED").await;
    assert!(inbox(&world, "bob").await.is_empty());
    // an update that asks for nothing stays until it is old
    world.clock.advance(60_000);
    let renamed = meeting("m", "Planning", "20260201T150000Z");
    world.put(AT, renamed).await.unwrap();
    clear(&world).await;
    assert_eq!(inbox(&world, "bob").await, ["REQUEST"]);
}

/// Whoever answers for somebody clears the inboxes of all who saw the invitation, but not what a delegate is asked.
#[tokio::test]
async fn delegates_see_that_it_is_answered() {
    let world = world().await;
    let store = world.desk.store();
    let carol = user(store, "carol").await;
    let mut delegate = Delegate::reader(carol.principal.id);
    (delegate.may_edit, delegate.may_answer) = (true, true);
    let changed = store.change_principal(world.bob.principal.id, |bob| {
        bob.delegates = vec![delegate];
        bob.invitations_to = InvitationRecipients::Both;
    });
    changed.await.unwrap();
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    assert_eq!(inbox(&world, "carol").await, ["REQUEST"]);
    bob_says(&world, "ACCEPTED").await;
    assert!(inbox(&world, "bob").await.is_empty());
    assert!(inbox(&world, "carol").await.is_empty());

    let with_carol = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
    let both = meeting("n", "Plan", START).replace("END:VEVENT", with_carol);
    world.delete(AT).await.unwrap();
    world.put("alice/calendar/n.ics", both).await.unwrap();
    let theirs = inbox(&world, "carol").await;
    for (name, object) in world.members("bob/calendar").await {
        let text = world.text(&object).await;
        if text.contains("UID:n\r") {
            let at = format!("bob/calendar/{name}");
            let text = answer(&text, "ACCEPTED");
            let put = world.put_as(&world.bob, &at, text);
            put.await.unwrap();
        }
    }
    clear(&world).await;
    assert_eq!(inbox(&world, "bob").await, ["CANCEL"]);
    assert_eq!(inbox(&world, "carol").await, theirs, "she has not answered");
}

/// RFC 4918 §9.6: a lock goes with its resource, also where nobody asked for the removal.
#[tokio::test]
async fn locks_go_with_what_leaves_an_inbox() {
    let world = world().await;
    let lock = async |actor: &Actor, at: &str| {
        let taken = world.desk.lock(actor, taking(at, true, false)).await;
        taken.unwrap();
    };
    let locked = async |actor: &Actor| {
        let home = actor.principal.home.unwrap();
        world.desk.store().locks(home).await.unwrap().len()
    };
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (copy, ..) = world.bobs().await;
    let [(invitation, _)] = &world.members("bob/inbox").await[..] else {
        panic!("not one message");
    };
    lock(&world.bob, &format!("bob/inbox/{invitation}")).await;
    lock(&world.bob, "bob/mine").await;
    bob_says(&world, "ACCEPTED").await;
    assert!(world.object(&copy).await.is_some());
    assert_eq!(locked(&world.bob).await, 1);
    // what is old
    let [(reply, _)] = &world.members("alice/inbox").await[..] else {
        panic!("not one message");
    };
    let mut long = taking(&format!("alice/inbox/{reply}"), true, false);
    long.timeout_seconds = 60 * 60;
    world.desk.lock(&world.alice, long).await.unwrap();
    world.clock.advance(1000);
    let alice = &world.alice.principal;
    assert!(world.desk.expire_inbox(alice, 0).await.unwrap());
    assert_eq!(locked(&world.alice).await, 0);
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// Everything goes when it is old; a synchronisation of the inbox sees it, the trash does not.
#[tokio::test]
async fn what_is_old_goes() {
    let mut world = world().await;
    let policy = TrashPolicy {
        deleted_milliseconds: 30 * DAY,
        versions_milliseconds: 30 * DAY,
        version_apart_milliseconds: 0,
        home_octets: 1 << 30,
    };
    let store = world.desk.store().clone().keeping(Some(policy));
    world.desk = Desk::new(store, Settings::default());
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    bob_says(&world, "ACCEPTED").await;
    world.delete(AT).await.unwrap();
    assert_eq!(inbox(&world, "bob").await, ["CANCEL"]);
    assert_eq!(inbox(&world, "alice").await, ["REPLY"]);
    let store = world.desk.store().clone();
    let bobs = store.resolve(&path("bob/inbox")).await.unwrap().unwrap();
    let bobs = bobs.collection().id;
    let token: SyncToken = store.sync_token(bobs).await.unwrap();
    let trashed = world.desk.trash_list("bob", None, None).await.unwrap().0;
    let expire = async || {
        for person in [&world.alice, &world.bob] {
            while world
                .desk
                .expire_inbox(&person.principal, 90 * DAY)
                .await
                .unwrap()
            {}
        }
    };
    for day in 0..=91 {
        expire().await;
        let expected = usize::from(day <= 90);
        assert_eq!(inbox(&world, "bob").await.len(), expected, "{day}");
        assert_eq!(inbox(&world, "alice").await.len(), expected, "{day}");
        world.clock.advance(DAY);
    }
    let changes = store.changes(bobs, token, 10).await.unwrap().unwrap();
    assert_eq!(changes.changes.len(), 1, "{changes:?}");
    let after = world.desk.trash_list("bob", None, None).await.unwrap().0;
    assert_eq!(after, trashed);
    assert_eq!(store.check().await.unwrap(), []);
}

/// More than one commit holds.
#[tokio::test]
async fn much_that_is_old_goes_in_bounded_commits() {
    const MEETINGS: usize = 210;
    let world = world().await;
    for number in 0..MEETINGS {
        let at = format!("alice/calendar/{number}.ics");
        world
            .put(&at, meeting(&format!("m{number}"), "Plan", START))
            .await
            .unwrap();
    }
    for _ in 0..50 {
        world.clock.advance(2 * DAY);
        world.desk.store().retention_clock().await.unwrap();
    }
    let bob = &world.bob.principal;
    assert!(world.desk.expire_inbox(bob, 90 * DAY).await.unwrap());
    assert_eq!(inbox(&world, "bob").await.len(), MEETINGS - 200);
    assert!(world.desk.expire_inbox(bob, 90 * DAY).await.unwrap());
    assert!(!world.desk.expire_inbox(bob, 90 * DAY).await.unwrap());
    assert!(inbox(&world, "bob").await.is_empty());
}

/// RFC 6638 §2.2: what lies in an inbox obeys iTIP, so that an invitation has a SUMMARY (RFC 5546 §3.2.2). The copy is as
/// the organizer has it.
#[tokio::test]
async fn an_invitation_has_what_must_be_there() {
    let world = world().await;
    let nameless = meeting("m", "Plan", START).replace("SUMMARY:Plan\r\n", "");
    world.put(AT, nameless).await.unwrap();
    let (_, message) = world.members("bob/inbox").await.remove(0);
    assert!(world.text(&message).await.contains("SUMMARY:\r\n"));
    let (_, _, copy) = world.bobs().await;
    assert!(!copy.contains("SUMMARY"), "{copy}");
}
