//! Managed attachments (RFC 8607), as Apple Calendar and others use them.

use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const AGENDA: &str = "<html>\n  <body>\n    <h1>Agenda</h1>\n  </body>\n</html>\n";

/// `POST path?query` with an HTML file.
async fn post(client: &Client, path: &str, query: &str, body: &str) -> Reply {
    client
        .request("POST", &format!("{path}?{query}"))
        .header("Content-Type", "text/html; charset=\"utf-8\"")
        .header("Content-Disposition", "attachment;filename=agenda.html")
        .body(body.to_owned())
        .send()
        .await
}

fn refused(reply: &Reply, element: &str) {
    reply.expect_precondition(403, &format!("{CALDAV}{element}"));
}

fn unfold(text: &str) -> String {
    text.replace("\r\n ", "").replace("\r\n\t", "")
}

/// The ATTACH lines of a resource.
async fn attached(client: &Client, path: &str) -> Vec<String> {
    let got = client.get(path).await;
    got.expect(&[200]);
    lines(got.text())
}

fn lines(text: &str) -> Vec<String> {
    unfold(text)
        .lines()
        .filter(|line| line.starts_with("ATTACH"))
        .map(str::to_owned)
        .collect()
}

/// The value of an ATTACH line, as a path on this server.
fn url(line: &str) -> &str {
    line.split_once(":http")
        .map(|(_, url)| &line[line.len() - url.len() - 4..])
        .unwrap()
}

fn meeting(uid: &str) -> String {
    event(
        uid,
        "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.com\n",
    )
}

/// The path of the only object in somebody's calendar.
async fn only(client: &Client, collection: &str) -> String {
    let listed = client
        .propfind(collection, "1", "<D:getetag/>")
        .await
        .multistatus();
    let hrefs = listed.hrefs();
    let mut objects = hrefs.into_iter().filter(|href| !href.ends_with('/'));
    let one = objects.next().unwrap().to_owned();
    assert_eq!(objects.next(), None);
    one
}

/// RFC 8607 §3.2, §6: how clients find out.
#[tokio::test]
async fn rfc_8607_3_2_support_is_announced() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = "/dav/calendars/users/alice/";
    let options = alice.request("OPTIONS", home).send().await;
    let tokens: Vec<&str> = options.header("DAV").split(", ").collect();
    assert!(
        tokens.contains(&"calendar-managed-attachments"),
        "{tokens:?}"
    );
    assert!(
        !tokens.contains(&"calendar-managed-attachments-no-recurrance"),
        "{tokens:?}"
    );
    let wanted = "<C:managed-attachments-server-URL/><C:max-attachment-size/><C:max-attachments-per-resource/>";
    let found = alice.propfind(home, "0", wanted).await.multistatus();
    // RFC 8607 §6.1: no href; attachments are fetched where the home is
    let server_url = format!("{CALDAV}managed-attachments-server-URL");
    assert_eq!(found.responses[0].text(&server_url), "");
    let found = alice
        .propfind(&calendar("alice"), "0", wanted)
        .await
        .multistatus();
    let number = |name: &str| -> u64 {
        let text = found.responses[0].text(&format!("{CALDAV}{name}"));
        text.parse().unwrap()
    };
    assert_eq!(number("max-attachment-size"), 10 * 1024 * 1024);
    assert_eq!(number("max-attachments-per-resource"), 20);
    let object = calendar("alice") + "a.ics";
    put_new(&alice, &object, &event("a", "")).await;
    let options = alice.request("OPTIONS", &object).send().await;
    assert!(options.header("Allow").contains("POST"));
}

/// RFC 8607 §3.4, §5.1: Cal-Managed-ID, and the property with all its parameters.
#[tokio::test]
async fn rfc_8607_3_4_an_attachment_is_added() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "64.ics";
    let before = put_new(&alice, &path, &event("64", "")).await;
    let added = post(&alice, &path, "action=attachment-add", AGENDA).await;
    added.expect(&[201]);
    assert!(added.body.is_empty());
    let id = added.header("Cal-Managed-ID");
    assert!(!id.is_empty());
    assert_ne!(alice.get(&path).await.header("ETag"), before);
    let found = attached(&alice, &path).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let expected = format!(
        "ATTACH;MANAGED-ID={id};FMTTYPE=text/html;SIZE={};FILENAME=agenda.html:{}/dav/attachments/{id}/agenda.html",
        AGENDA.len(),
        server.url()
    );
    assert_eq!(found[0], expected);
    // a second one, without a name
    let bare = alice
        .request("POST", &format!("{path}?action=attachment-add"))
        .body("octets")
        .send()
        .await;
    bare.expect(&[201]);
    let found = attached(&alice, &path).await;
    assert_eq!(found.len(), 2);
    assert!(
        found[1].contains("FMTTYPE=application/octet-stream;SIZE=6"),
        "{found:?}"
    );
}

/// RFC 7240 §4.2, RFC 8144 §3.2, RFC 8607 §3.4 and appendix A: the event comes with the answer.
#[tokio::test]
async fn rfc_8607_3_4_return_representation() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "65.ics";
    let etag = put_new(&alice, &path, &event("65", "")).await;
    let ask = async |action: &str, etag: &str| {
        alice
            .request("POST", &format!("{path}?action={action}"))
            .header("Content-Type", "text/html")
            .header("Prefer", "return=representation")
            .header("If-Match", etag)
            .body(AGENDA)
            .send()
            .await
    };
    let stale = ask("attachment-add", "\"abcdefg-000\"").await;
    stale.expect(&[412]);
    assert_eq!(stale.text(), event("65", ""));
    assert_eq!(stale.header("ETag"), etag);
    assert!(stale.headers.get("Cal-Managed-ID").is_none());
    let added = ask("attachment-add", &etag).await;
    added.expect(&[201]);
    assert_eq!(added.header("Content-Location"), path);
    assert_eq!(added.header("Preference-Applied"), "return=representation");
    let stored = alice.get(&path).await;
    assert_eq!(added.text(), stored.text());
    assert_eq!(added.header("ETag"), stored.header("ETag"));
    let id = added.header("Cal-Managed-ID");
    assert!(lines(added.text())[0].contains(&format!("MANAGED-ID={id};")));
    let updated = ask(
        &format!("attachment-update&managed-id={id}"),
        added.header("ETag"),
    )
    .await;
    updated.expect(&[200]);
    assert!(lines(updated.text())[0].contains(updated.header("Cal-Managed-ID")));
    let removed = ask(
        &format!(
            "attachment-remove&managed-id={}",
            updated.header("Cal-Managed-ID")
        ),
        updated.header("ETag"),
    )
    .await;
    removed.expect(&[200]);
    assert_eq!(lines(removed.text()), [""; 0]);
    // RFC 8607 §5.1: only of what was made
    assert!(removed.headers.get("Cal-Managed-ID").is_none());
}

/// RFC 8607 §3.5: the MANAGED-ID changes, so that other clients see that the octets did.
#[tokio::test]
async fn rfc_8607_3_5_an_attachment_is_updated() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "64.ics";
    put_new(&alice, &path, &event("64", "")).await;
    let added = post(&alice, &path, "action=attachment-add", AGENDA).await;
    let first = added.header("Cal-Managed-ID");
    let before = attached(&alice, &path).await;
    let updated = alice
        .request(
            "POST",
            &format!("{path}?action=attachment-update&managed-id={first}"),
        )
        .header("Content-Type", "text/plain")
        .header(
            "Content-Disposition",
            "attachment; filename*=UTF-8''M%C3%A4rz.txt",
        )
        .body("Discuss attachment draft")
        .send()
        .await;
    updated.expect(&[204]);
    let second = updated.header("Cal-Managed-ID");
    assert_ne!(first, second);
    let after = attached(&alice, &path).await;
    assert_eq!(after.len(), 1);
    assert!(
        after[0].starts_with(&format!(
            "ATTACH;MANAGED-ID={second};FMTTYPE=text/plain;SIZE=24;FILENAME=März.txt:"
        )),
        "{after:?}"
    );
    let got = alice.get(url(&after[0])).await;
    assert_eq!(got.expect(&[200]).text(), "Discuss attachment draft");
    alice.get(url(&before[0])).await.expect(&[404]);
    let again = format!("action=attachment-update&managed-id={first}");
    refused(
        &post(&alice, &path, &again, AGENDA).await,
        "valid-managed-id",
    );
}

/// RFC 8607 §3.6, §3.9: by POST, and by a PUT without it.
#[tokio::test]
async fn rfc_8607_3_6_an_attachment_is_removed() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "64.ics";
    put_new(&alice, &path, &event("64", "")).await;
    for by_put in [false, true] {
        let added = post(&alice, &path, "action=attachment-add", AGENDA).await;
        let id = added.header("Cal-Managed-ID");
        let before = attached(&alice, &path).await;
        alice.get(url(&before[0])).await.expect(&[200]);
        match by_put {
            true => {
                alice.put(&path, &event("64", "")).await.expect(&[204]);
            }
            false => {
                let query = format!("action=attachment-remove&managed-id={id}");
                let removed = alice
                    .request("POST", &format!("{path}?{query}"))
                    .send()
                    .await;
                removed.expect(&[204]);
            }
        }
        assert_eq!(attached(&alice, &path).await, [""; 0]);
        alice.get(url(&before[0])).await.expect(&[404]);
    }
}

/// RFC 8607 §3.3.2, §3.4: single instances, and components for those that have none (appendix A).
#[tokio::test]
async fn rfc_8607_3_3_2_instances_are_named_by_rid() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "65.ics";
    let series = object(
        "BEGIN:VEVENT\nUID:65\nDTSTAMP:20120201T203412Z\nDTSTART;TZID=America/Montreal:20120206T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:Planning Meeting\nEND:VEVENT\n",
    );
    put_new(&alice, &path, &series).await;
    post(&alice, &path, "action=attachment-add", AGENDA)
        .await
        .expect(&[201]);
    let own = post(
        &alice,
        &path,
        "action=attachment-add&rid=20120220T100000",
        "other",
    )
    .await;
    own.expect(&[201]);
    let text = unfold(alice.get(&path).await.text());
    let components: Vec<&str> = text.split("BEGIN:VEVENT").skip(1).collect();
    assert_eq!(components.len(), 2, "{text}");
    assert_eq!(lines(components[0]).len(), 1);
    let instance = components[1];
    assert_eq!(lines(instance).len(), 2, "{instance}");
    for line in [
        "RECURRENCE-ID;TZID=America/Montreal:20120220T100000\r\n",
        "DTSTART;TZID=America/Montreal:20120220T100000\r\n",
        "DURATION:PT1H\r\n",
        "SUMMARY:Planning Meeting\r\n",
    ] {
        assert!(instance.contains(line), "no {line} in {instance}");
    }
    assert!(!instance.contains("RRULE"), "{instance}");
    // removed from one instance, it stays with the series
    let id = own.header("Cal-Managed-ID");
    let of_series = lines(components[0])[0].clone();
    let shared = of_series.split(['=', ';']).nth(2).unwrap();
    let from_one = format!("action=attachment-remove&managed-id={shared}&rid=20120227T100000");
    post(&alice, &path, &from_one, "").await.expect(&[204]);
    let text = unfold(alice.get(&path).await.text());
    let count = |id: &str| text.matches(&format!("MANAGED-ID={id};")).count();
    assert_eq!((count(shared), count(id)), (2, 1), "{text}");
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 3);

    let cases = [
        ("attachment-add&rid=", "valid-rid"),
        ("attachment-add&rid=M,M", "valid-rid"),
        ("attachment-add&rid=M&rid=M", "valid-rid"),
        ("attachment-add&rid=20120221T100000", "valid-rid"),
        ("attachment-add&rid=20120220T150000Z", "valid-rid"),
        (
            "attachment-remove&rid=20120221T100000&managed-id=ID",
            "valid-rid",
        ),
        // only another instance has it
        ("attachment-remove&rid=M&managed-id=ID", "valid-managed-id"),
        ("attachment-update&rid=M&managed-id=ID", "valid-rid"),
    ];
    for (query, element) in cases {
        let query = format!("action={}", query.replace("ID", id));
        refused(&post(&alice, &path, &query, AGENDA).await, element);
    }
    assert_eq!(
        unfold(alice.get(&path).await.text()),
        text,
        "nothing changed"
    );
}

/// RFC 8607 §3.11
#[tokio::test]
async fn rfc_8607_3_11_preconditions_of_post() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "64.ics";
    put_new(&alice, &path, &event("64", "")).await;
    let cases = [
        ("", "valid-action"),
        ("action=", "valid-action"),
        ("action=attachment-steal", "valid-action"),
        (
            "action=attachment-add&action=attachment-add",
            "valid-action",
        ),
        ("action=attachment-add&managed-id=x", "valid-managed-id"),
        ("action=attachment-update", "valid-managed-id"),
        ("action=attachment-update&managed-id=x", "valid-managed-id"),
        ("action=attachment-remove", "valid-managed-id"),
        ("action=attachment-remove&managed-id=x", "valid-managed-id"),
        (
            "action=attachment-remove&managed-id=x&managed-id=x",
            "valid-managed-id",
        ),
    ];
    for (query, element) in cases {
        refused(&post(&alice, &path, query, AGENDA).await, element);
    }
    let add = "action=attachment-add";
    let large = "x".repeat(10 * 1024 * 1024);
    post(&alice, &path, add, &large).await.expect(&[201]);
    for _ in 1..20 {
        post(&alice, &path, add, AGENDA).await.expect(&[201]);
    }
    refused(
        &post(&alice, &path, add, AGENDA).await,
        "max-attachments-per-resource",
    );
    // what cannot have any
    post(&alice, &(calendar("alice") + "none.ics"), add, AGENDA)
        .await
        .expect(&[404]);
    post(&alice, "/dav/calendars/users/alice/", add, AGENDA)
        .await
        .expect(&[405]);
}

/// RFC 8607 §3.7, §3.11, §3.12.2: used again by whoever made it, with SIZE set right.
#[tokio::test]
async fn rfc_8607_3_7_an_attachment_is_used_again_by_put() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "64.ics";
    put_new(&alice, &path, &event("64", "")).await;
    post(&alice, &path, "action=attachment-add", AGENDA).await;
    let line = attached(&alice, &path).await.remove(0);
    let other = event("other", &format!("{line}\n"));
    let second = calendar("alice") + "other.ics";
    alice.put(&second, &other).await.expect(&[201]);
    assert_eq!(attached(&alice, &second).await, std::slice::from_ref(&line));
    let wrong = line.replace(&format!("SIZE={}", AGENDA.len()), "SIZE=1");
    assert_ne!(wrong, line);
    let reply = alice
        .put(&second, &event("other", &format!("{wrong}\n")))
        .await;
    assert!(reply.headers.get("ETag").is_none());
    assert_eq!(attached(&alice, &second).await, std::slice::from_ref(&line));
    alice.delete(&path).await.expect(&[204]);
    alice.get(url(&line)).await.expect(&[200]);
    let stolen = calendar("bob") + "stolen.ics";
    refused(
        &bob.put(&stolen, &other).await,
        "valid-managed-id-parameter",
    );
    let invented = event(
        "x",
        "ATTACH;MANAGED-ID=97S:https://cal.example.com/attach/1\n",
    );
    refused(
        &alice.put(&stolen.replace("bob", "alice"), &invented).await,
        "valid-managed-id-parameter",
    );
}

/// RFC 8607 §3.8, §3.9, §3.10: an attachment's URL is there to be fetched, with ranges and tags.
#[tokio::test]
async fn rfc_8607_3_10_an_attachment_is_fetched() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "64.ics";
    put_new(&alice, &path, &event("64", "")).await;
    post(&alice, &path, "action=attachment-add", AGENDA).await;
    let line = attached(&alice, &path).await.remove(0);
    let url = url(&line);
    let got = alice.get(url).await;
    assert_eq!(got.expect(&[200]).text(), AGENDA);
    assert_eq!(got.header("Content-Type"), "text/html; charset=\"utf-8\"");
    assert_eq!(
        got.header("Content-Disposition"),
        "attachment; filename=\"agenda.html\""
    );
    assert_eq!(got.header("X-Content-Type-Options"), "nosniff");
    assert_eq!(got.header("Content-Security-Policy"), "sandbox");
    let etag = got.header("ETag");
    let with = async |method: &str, name: &str, value: &str| {
        let request = alice.request(method, url).header(name, value);
        request.send().await
    };
    let head = with("HEAD", "Accept", "*/*").await;
    assert_eq!(head.header("Content-Length"), AGENDA.len().to_string());
    assert!(head.body.is_empty());
    with("GET", "If-None-Match", etag).await.expect(&[304]);
    with("GET", "If-Match", "\"other\"").await.expect(&[412]);
    let part = with("GET", "Range", "bytes=2-5").await;
    assert_eq!(part.expect(&[206]).text(), &AGENDA[2..6]);
    with("GET", "Range", "bytes=900-").await.expect(&[416]);
    for method in ["PUT", "DELETE", "PROPFIND", "POST", "MOVE"] {
        let reply = with(method, "Destination", "/dav/").await;
        reply.expect(&[405]);
        assert_eq!(reply.header("Allow"), "OPTIONS, GET, HEAD", "{method}");
    }
    bob.get(url).await.expect(&[404]);
    server.anonymous().get(url).await.expect(&[401]);
    for odd in [
        url.replace("agenda.html", "other.html"),
        format!("{url}/more"),
        "/dav/attachments/00000000000000000000000000000000/agenda.html".to_owned(),
        "/dav/attachments/x/agenda.html".to_owned(),
    ] {
        alice.get(&odd).await.expect(&[404]);
    }
}

/// RFC 8607 §3.12.2, §3.12.6; client behaviours 21: attendees hear of it, can fetch, and cannot add.
#[tokio::test]
async fn rfc_8607_3_12_6_attendees_are_told() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.client("alice"),
        server.client("bob"),
        server.client("carol"),
    );
    let path = calendar("alice") + "meeting.ics";
    alice.put(&path, &meeting("meeting")).await.expect(&[201]);
    let copy = only(&bob, &calendar("bob")).await;
    let before = bob.get(&copy).await;
    let added = post(&alice, &path, "action=attachment-add", AGENDA).await;
    added.expect(&[201]);
    assert!(!added.header("Schedule-Tag").is_empty());
    let after = bob.get(&copy).await;
    assert_ne!(before.header("Schedule-Tag"), after.header("Schedule-Tag"));
    let line = lines(after.text()).remove(0);
    assert_eq!(line, attached(&alice, &path).await[0]);
    for (client, status) in [(&alice, 200), (&bob, 200), (&carol, 404)] {
        client.get(url(&line)).await.expect(&[status]);
    }
    let inbox = bob
        .propfind("/dav/calendars/users/bob/inbox/", "1", "<D:getetag/>")
        .await
        .multistatus();
    assert_eq!(inbox.hrefs().len(), 3, "the invitation and its update");
    // nobody is asked anew
    assert!(!unfold(after.text()).contains("SEQUENCE:1"));
    let id = added.header("Cal-Managed-ID");
    for query in [
        "action=attachment-add".to_owned(),
        format!("action=attachment-update&managed-id={id}"),
        format!("action=attachment-remove&managed-id={id}"),
    ] {
        refused(
            &post(&bob, &copy, &query, AGENDA).await,
            "allowed-attendee-scheduling-object-change",
        );
    }
    let query = format!("action=attachment-remove&managed-id={id}");
    post(&alice, &path, &query, "").await.expect(&[204]);
    assert_eq!(attached(&bob, &copy).await, [""; 0]);
    bob.get(url(&line)).await.expect(&[404]);
}
