//! RFC 4331: what a home holds, what it may hold, and what happens at the bound.

use server::limits::Limits;
use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

const HOME: &str = "/dav/calendars/users/alice/";
/// The quota of the tests.
const QUOTA: u64 = 10_000;

async fn server() -> TestServer {
    TestServer::start_limited(Limits {
        quota_octets: Some(QUOTA),
        ..Limits::default()
    })
    .await
}

/// What is used and what is available, as a collection tells.
async fn quota(client: &Client, path: &str) -> (u64, u64) {
    let properties = "<D:quota-used-bytes/><D:quota-available-bytes/>";
    let answer = client.propfind(path, "0", properties).await.multistatus();
    let number = |name: &str| answer.responses[0].text(name).parse().unwrap();
    (
        number("{DAV:}quota-used-bytes"),
        number("{DAV:}quota-available-bytes"),
    )
}

/// An event of exactly so many octets.
fn event_of(uid: &str, octets: u64) -> String {
    let bare = event(uid, "DESCRIPTION:\n").len() as u64;
    let line = "x".repeat(usize::try_from(octets - bare).unwrap());
    let text = event(uid, &format!("DESCRIPTION:{line}\n"));
    assert_eq!(text.len() as u64, octets);
    text
}

fn refused(reply: &Reply) {
    reply.expect_precondition(507, "{DAV:}quota-not-exceeded");
}

/// RFC 4331 §3 and §4: exact on every collection of the home, and used and available add up; both are live
/// properties that allprop leaves out.
#[tokio::test]
async fn rfc_4331_3_used_and_available_are_exact() {
    let server = server().await;
    let alice = server.client("alice");
    assert_eq!(quota(&alice, HOME).await, (0, QUOTA));
    put_new(
        &alice,
        &(calendar("alice") + "a.ics"),
        &event_of("a", 1_000),
    )
    .await;
    for path in [HOME.to_owned(), calendar("alice"), format!("{HOME}inbox/")] {
        assert_eq!(quota(&alice, &path).await, (1_000, QUOTA - 1_000), "{path}");
    }
    // A copy counts, a move does not, a change counts the difference.
    let go = |method: &'static str, to: &str| {
        let (alice, to) = (alice.clone(), format!("{HOME}{to}"));
        async move {
            let from = calendar("alice") + "a.ics";
            let draft = alice.request(method, &from).header("Destination", &to);
            draft.send().await.expect(&[201]);
        }
    };
    go("COPY", "copy.ics").await;
    assert_eq!(quota(&alice, HOME).await.0, 2_000);
    go("MOVE", "moved.ics").await;
    assert_eq!(quota(&alice, HOME).await.0, 2_000);
    put_new(&alice, &(calendar("alice") + "b.ics"), &event_of("b", 700)).await;
    alice
        .put(&(calendar("alice") + "b.ics"), &event_of("b", 900))
        .await
        .expect(&[204]);
    assert_eq!(quota(&alice, HOME).await.0, 2_900);
    // What was deleted is kept apart from the quota.
    alice
        .delete(&format!("{HOME}copy.ics"))
        .await
        .expect(&[204]);
    assert_eq!(quota(&alice, HOME).await.0, 1_900);
    let all = alice.request("PROPFIND", HOME).header("Depth", "0");
    let all = all.send().await.multistatus();
    assert_eq!(all.responses[0].status_of("{DAV:}quota-used-bytes"), None);
}

/// RFC 4331 §6: up to the last octet and not one more, whichever way a home would grow; what makes it smaller
/// is always possible, and a refusal changes nothing.
#[tokio::test]
async fn rfc_4331_6_quota_not_exceeded() {
    let server = server().await;
    let alice = server.client("alice");
    let place = |name: &str| calendar("alice") + name;
    put_new(&alice, &place("a.ics"), &event_of("a", 6_000)).await;
    refused(&alice.put(&place("b.ics"), &event_of("b", 4_001)).await);
    put_new(&alice, &place("b.ics"), &event_of("b", 4_000)).await;
    assert_eq!(quota(&alice, HOME).await, (QUOTA, 0));
    refused(&alice.put(&place("a.ics"), &event_of("a", 6_001)).await);
    let copy = alice.request("COPY", &place("a.ics"));
    refused(
        &copy
            .header("Destination", &format!("{HOME}a.ics"))
            .send()
            .await,
    );
    let post = alice.request("POST", &(calendar("alice") + "?add-member"));
    refused(&post.body(event("c", "")).send().await);
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:dead xmlns:X="urn:x">1</X:dead></D:prop></D:set></D:propertyupdate>"#;
    let patch = alice
        .request("PROPPATCH", &place("a.ics"))
        .xml(patch.to_owned());
    refused(&patch.send().await);
    assert_eq!(quota(&alice, HOME).await, (QUOTA, 0));
    alice
        .put(&place("a.ics"), &event_of("a", 5_000))
        .await
        .expect(&[204]);
    assert_eq!(quota(&alice, HOME).await, (QUOTA - 1_000, 1_000));
    alice.delete(&place("a.ics")).await.expect(&[204]);
    put_new(&alice, &place("a.ics"), &event_of("a", 6_000)).await;
    assert_eq!(quota(&alice, HOME).await, (QUOTA, 0));
}

/// RFC 4331 §3: without a quota nothing is said of what is available.
#[tokio::test]
async fn rfc_4331_3_without_a_quota() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let properties = "<D:quota-used-bytes/><D:quota-available-bytes/>";
    let answer = alice.propfind(HOME, "0", properties).await.multistatus();
    let status = |name: &str| answer.responses[0].status_of(name);
    assert_eq!(status("{DAV:}quota-used-bytes"), Some(200));
    assert_eq!(status("{DAV:}quota-available-bytes"), Some(404));
}
