//! Convoke's own: what was decided about a meeting, as a property and as a report.

use storage::model::Delegate;
use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

const PEOPLE: &str = "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:alice@example.com\n\
    ATTENDEE:mailto:bob@example.com\n";
const PROPERTY: &str = "<X:scheduling-log xmlns:X='urn:x-convoke'/>";

fn at(name: &str) -> String {
    calendar("alice") + name
}

async fn ask(client: &Client, path: &str, depth: &str, since: &str) -> Reply {
    let body =
        format!("<X:scheduling-log-query xmlns:X='urn:x-convoke'>{since}</X:scheduling-log-query>");
    client.report(path, depth, &body).await
}

/// Every text between tags of this name.
fn texts(reply: &Reply, name: &str) -> Vec<String> {
    let text = reply.text();
    let (open, close) = (format!("{name}>"), format!("</X:{name}>"));
    let ends = text.match_indices(&close);
    ends.map(|(end, _)| text[..end].rsplit(&open).next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_owner_reads_what_was_sent_and_why() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    put_new(&alice, &at("m.ics"), &event("m", PEOPLE)).await;
    let read = alice.propfind(&at("m.ics"), "0", PROPERTY).await;
    read.expect(&[207]);
    for part in [
        "<X:actor>alice</X:actor>",
        "<X:occasion>changed</X:occasion>",
        "<X:verdict>sent</X:verdict>",
        "<X:method>REQUEST</X:method>",
        "<X:way>local</X:way>",
        "<D:href>mailto:bob@example.com</D:href>",
        "<X:sequence>0</X:sequence>",
        "<X:rule>RFC 6638 §3.2.1</X:rule>",
        "<X:schedule-status>1.2</X:schedule-status>",
    ] {
        assert!(read.text().contains(part), "{part} in {}", read.text());
    }
    assert_eq!(
        texts(&read, "description"),
        ["REQUEST to bob@example.com (SEQUENCE 0): invited; 1.2 delivered"]
    );
    // Bob's copy has a log of its own, and Alice's is none of his business.
    let listed = ask(&bob, &calendar("bob"), "1", "").await;
    listed.expect(&[207]);
    assert_eq!(texts(&listed, "verdict"), ["created"]);
    bob.propfind(&at("m.ics"), "0", PROPERTY)
        .await
        .expect(&[403]);
}

/// Nobody asks for it who does not know it, and an event without a meeting has none.
#[tokio::test]
async fn it_is_not_in_allprop_and_only_where_something_was_decided() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    put_new(&alice, &at("m.ics"), &event("m", PEOPLE)).await;
    put_new(&alice, &at("plain.ics"), &event("plain", "")).await;
    let all = alice.request("PROPFIND", &at("m.ics")).header("Depth", "0");
    let all = all.send().await;
    assert!(!all.text().contains("scheduling-log"), "{}", all.text());
    let names = "<D:propfind xmlns:D='DAV:'><D:propname/></D:propfind>";
    let asked = alice.request("PROPFIND", &at("m.ics")).header("Depth", "0");
    let named = asked.xml(names.to_owned()).send().await;
    assert!(named.text().contains("scheduling-log"), "{}", named.text());
    let plain = alice.propfind(&at("plain.ics"), "0", PROPERTY).await;
    assert!(plain.text().contains("404"), "{}", plain.text());
    let set = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><X:scheduling-log xmlns:X='urn:x-convoke'/>\
        </D:prop></D:set></D:propertyupdate>";
    let set = alice.request("PROPPATCH", &at("m.ics")).xml(set.to_owned());
    let set = set.send().await;
    assert!(
        set.text().contains("cannot-modify-protected-property"),
        "{}",
        set.text()
    );
}

#[tokio::test]
async fn the_report_is_of_a_calendar_or_of_one_object() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    put_new(&alice, &at("m.ics"), &event("m", PEOPLE)).await;
    put_new(&alice, &at("n.ics"), &event("n", PEOPLE)).await;
    put_new(&alice, &at("plain.ics"), &event("plain", "")).await;
    let count = async |path: &str, depth: &str, since: &str| {
        let reply = ask(&alice, path, depth, since).await;
        reply.expect(&[207]);
        texts(&reply, "occasion").len()
    };
    assert_eq!(count(&calendar("alice"), "1", "").await, 2);
    assert_eq!(count(&calendar("alice"), "0", "").await, 0);
    assert_eq!(count(&at("m.ics"), "0", "").await, 1);
    assert_eq!(count(&at("plain.ics"), "0", "").await, 0);
    let (then, now) = ("2000-01-01T00:00:00Z", "9000-01-01T00:00:00Z");
    for (since, expected) in [(then, 2), (now, 0)] {
        let since = format!("<X:since>{since}</X:since>");
        assert_eq!(count(&calendar("alice"), "1", &since).await, expected);
    }
    let odd = ask(&alice, &calendar("alice"), "1", "<X:since>soon</X:since>").await;
    odd.expect(&[400]);
    let home = ask(&alice, "/dav/calendars/users/alice/", "1", "").await;
    home.expect(&[403]);
    assert!(home.text().contains("supported-report"), "{}", home.text());
}

/// A reader of the calendar is told nothing, a delegate what is not private.
#[tokio::test]
async fn others_read_it_as_far_as_they_see_the_event() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let carol = server.client("carol");
    let private = PEOPLE.to_owned() + "CLASS:CONFIDENTIAL\n";
    put_new(&alice, &at("m.ics"), &event("m", PEOPLE)).await;
    put_new(&alice, &at("p.ics"), &event("p", &private)).await;
    let acl = "<D:acl xmlns:D='DAV:'><D:ace><D:principal><D:href>/dav/principals/users/carol/</D:href></D:principal>\
        <D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>";
    let granted = alice.request("ACL", &calendar("alice")).xml(acl.to_owned());
    granted.send().await.expect(&[200]);
    ask(&carol, &calendar("alice"), "1", "")
        .await
        .expect(&[403]);
    let read = carol.propfind(&at("m.ics"), "0", PROPERTY).await;
    read.expect(&[207]);
    assert!(read.text().contains("403 Forbidden"), "{}", read.text());
    let store = server.store();
    let principal = |name: &'static str| async move {
        let found = store.principal_by_name(name).await.unwrap();
        found.unwrap().id
    };
    let (owner, delegate) = (principal("alice").await, principal("carol").await);
    let delegates = vec![Delegate::reader(delegate)];
    store
        .change_principal(owner, move |it| it.delegates = delegates.clone())
        .await
        .unwrap();
    let read = ask(&carol, &calendar("alice"), "1", "").await;
    read.expect(&[207]);
    assert_eq!(texts(&read, "occasion").len(), 1, "{}", read.text());
    ask(&carol, &at("p.ics"), "0", "").await.expect(&[403]);
    ask(&bob, &calendar("alice"), "1", "").await.expect(&[403]);
}
