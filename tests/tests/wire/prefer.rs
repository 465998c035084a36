//! RFC 7240 and RFC 8144: how much an answer holds.

use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

const HOME: &str = "/dav/calendars/users/alice/";

async fn propfind(client: &Client, path: &str, depth: &str, prefer: &str) -> Reply {
    let body =
        r#"<D:propfind xmlns:D="DAV:"><D:prop><D:nothing/><D:getetag/></D:prop></D:propfind>"#;
    let draft = client.request("PROPFIND", path).header("Depth", depth);
    draft
        .header("Prefer", prefer)
        .xml(body.to_owned())
        .send()
        .await
}

/// The preferences that an answer says it honoured, joined.
fn applied(reply: &Reply) -> String {
    let all = reply.headers.get_all("Preference-Applied").iter();
    let all: Vec<&str> = all.map(|value| value.to_str().unwrap()).collect();
    all.join(", ")
}

/// RFC 8144 §2.1: every report that answers with a multistatus leaves out what was not found, and says so;
/// a resource of which nothing is left still has a status.
#[tokio::test]
async fn rfc_8144_2_1_minimal_reports() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    put_new(&alice, &path, &event("a", "")).await;
    let prop = "<D:prop><D:nothing/></D:prop>";
    let filter = r#"<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>"#;
    let search = "<D:property-search><D:prop><D:displayname/></D:prop><D:match>alice</D:match></D:property-search>";
    let principals = "/dav/principals/";
    for (place, name, content) in [
        (
            calendar("alice"),
            "C:calendar-query",
            format!("{prop}{filter}"),
        ),
        (
            calendar("alice"),
            "C:calendar-multiget",
            format!("{prop}<D:href>{path}</D:href>"),
        ),
        (
            calendar("alice"),
            "D:sync-collection",
            format!("<D:sync-token/><D:sync-level>1</D:sync-level>{prop}"),
        ),
        (
            principals.to_owned(),
            "D:principal-property-search",
            format!("{search}{prop}"),
        ),
        (
            principals.to_owned(),
            "D:principal-match",
            format!("<D:self/>{prop}"),
        ),
        (
            calendar("alice"),
            "D:acl-principal-prop-set",
            prop.to_owned(),
        ),
        (
            calendar("alice"),
            "D:expand-property",
            r#"<D:property name="nothing"/>"#.to_owned(),
        ),
    ] {
        let body = format!(
            r#"<{name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{content}</{name}>"#
        );
        let depth = if name.starts_with("C:") { "1" } else { "0" };
        for minimal in [false, true] {
            let draft = alice.request("REPORT", &place).header("Depth", depth);
            let draft = match minimal {
                true => draft.header("Prefer", "return=minimal"),
                false => draft,
            };
            let reply = draft.xml(body.clone()).send().await;
            let answer = reply.multistatus();
            assert!(!answer.responses.is_empty(), "{name}");
            for response in &answer.responses {
                let status = response.status_of("{DAV:}nothing");
                assert_eq!(
                    status,
                    (!minimal).then_some(404),
                    "{name}: {}",
                    reply.text()
                );
            }
            assert_eq!(
                reply.text().contains(" 200 OK"),
                minimal,
                "{name}: {}",
                reply.text()
            );
            let expected = if minimal { "return=minimal" } else { "" };
            assert_eq!(applied(&reply), expected, "{name}");
        }
    }
}

/// RFC 8144 §2.2: an empty answer says that everything was set; a failure is told as ever.
#[tokio::test]
async fn rfc_8144_2_2_minimal_proppatch() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let patch = |properties: &str| {
        let body = format!(
            r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{properties}</D:prop></D:set></D:propertyupdate>"#
        );
        let draft = alice.request("PROPPATCH", &calendar("alice")).xml(body);
        draft.header("Prefer", "return=minimal").send()
    };
    let set = patch("<D:displayname>Work</D:displayname>").await;
    set.expect(&[200]);
    assert!(set.body.is_empty());
    assert_eq!(applied(&set), "return=minimal");
    let refused = patch("<D:displayname>Home</D:displayname><D:getetag>x</D:getetag>").await;
    let answer = refused.multistatus();
    assert_eq!(answer.responses[0].status_of("{DAV:}getetag"), Some(403));
    assert_eq!(
        answer.responses[0].status_of("{DAV:}displayname"),
        Some(424)
    );
    assert_eq!(applied(&refused), "");
}

/// RFC 8144 §2.3: 201 with an empty body; a failure is told as ever.
#[tokio::test]
async fn rfc_8144_2_3_minimal_mkcalendar_and_mkcol() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let make = |method: &'static str, name: &str, properties: &str| {
        let root = match method {
            "MKCOL" => "D:mkcol",
            _ => "C:mkcalendar",
        };
        let body = format!(
            r#"<{root} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>{properties}</D:prop></D:set></{root}>"#
        );
        let draft = alice.request(method, &format!("{HOME}{name}/")).xml(body);
        draft.header("Prefer", "return=minimal").send()
    };
    for method in ["MKCALENDAR", "MKCOL"] {
        let made = make(method, method, "<D:displayname>Work</D:displayname>").await;
        made.expect(&[201]);
        assert!(made.body.is_empty(), "{method}");
        assert_eq!(applied(&made), "return=minimal", "{method}");
        let refused = make(method, "other", "<D:getetag>x</D:getetag>").await;
        refused.expect(&[207, 403]);
        assert!(refused.text().contains("getetag"), "{method}");
        assert_eq!(applied(&refused), "", "{method}");
    }
}

/// RFC 8144 §3.1: COPY and MOVE answer with what came to stand at the destination, if that is an object.
#[tokio::test]
async fn rfc_8144_3_1_representation_after_copy_and_move() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    let text = event("a", "");
    put_new(&alice, &path, &text).await;
    let go = |method: &'static str, from: &str, to: &str, overwrite: &str| {
        let draft = alice.request(method, from);
        let draft = draft
            .header("Destination", to)
            .header("Overwrite", overwrite);
        draft.header("Prefer", "return=representation").send()
    };
    let copy = format!("{HOME}copy.ics");
    for status in [201, 200] {
        let copied = go("COPY", &path, &copy, "T").await;
        copied.expect(&[status]);
        assert_eq!(copied.text(), text);
        assert_eq!(copied.header("Content-Location"), copy);
        assert_eq!(copied.header("ETag"), alice.get(&copy).await.header("ETag"));
        assert_eq!(applied(&copied), "return=representation");
    }
    // RFC 8144 §3.2: what stands in the way comes with the refusal.
    let other = event("a", "LOCATION:x\n");
    alice.put(&copy, &other).await.expect(&[204]);
    let refused = go("COPY", &path, &copy, "F").await;
    refused.expect(&[412]);
    assert_eq!(refused.text(), other);
    let moved = go("MOVE", &path, &(calendar("alice") + "b.ics"), "F").await;
    moved.expect(&[201]);
    assert_eq!(moved.text(), text);
    let collection = go("COPY", &calendar("alice"), &format!("{HOME}twin/"), "F").await;
    collection.expect(&[201]);
    assert_eq!(applied(&collection), "");
}

/// RFC 8144 §3.1 and §3.2: PUT, and who lost the race; without the preference nothing of it.
#[tokio::test]
async fn rfc_8144_3_2_representation_with_412() {
    // C6.5
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    let (first, second) = (event("a", ""), event("a", "LOCATION:x\n"));
    let put = |text: &str, condition: (&'static str, &'static str), prefer: &'static str| {
        let draft = alice.request("PUT", &path).header(condition.0, condition.1);
        let draft = draft.header("Prefer", prefer).body(text.to_owned());
        draft.header("Content-Type", "text/calendar").send()
    };
    let (new, stale) = (("If-None-Match", "*"), ("If-Match", "\"stale\""));
    let made = put(&first, new, "return=representation").await;
    made.expect(&[201]);
    assert_eq!(made.text(), first);
    for condition in [new, stale] {
        let lost = put(&second, condition, "return=representation").await;
        lost.expect(&[412]);
        assert_eq!(lost.text(), first);
        assert_eq!(lost.header("ETag"), made.header("ETag"));
        let plain = put(&second, condition, "return=minimal").await;
        plain.expect(&[412]);
        assert!(!plain.text().contains("VCALENDAR"));
    }
}

/// RFC 8144 §4: the resource itself is left out where there is a depth, in PROPFIND and in REPORT, also
/// together with return=minimal.
#[tokio::test]
async fn rfc_8144_4_depth_noroot() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    put_new(&alice, &path, &event("a", "")).await;
    for (depth, prefer, hrefs, honoured) in [
        ("0", "depth-noroot", vec![calendar("alice")], ""),
        ("1", "depth-noroot", vec![path.clone()], "depth-noroot"),
        (
            "infinity",
            "return=minimal, depth-noroot",
            vec![path.clone()],
            "return=minimal, depth-noroot",
        ),
    ] {
        let reply = propfind(&alice, &calendar("alice"), depth, prefer).await;
        assert_eq!(reply.multistatus().hrefs(), hrefs, "{depth}");
        assert_eq!(applied(&reply), honoured, "{depth}");
        let body =
            r#"<D:expand-property xmlns:D="DAV:"><D:property name="getetag"/></D:expand-property>"#;
        let draft = alice
            .request("REPORT", &calendar("alice"))
            .header("Depth", depth);
        let draft = draft.header("Prefer", prefer).xml(body.to_owned());
        let reply = draft.send().await;
        assert_eq!(reply.multistatus().hrefs(), hrefs, "REPORT {depth}");
        assert_eq!(applied(&reply), honoured, "REPORT {depth}");
    }
}
