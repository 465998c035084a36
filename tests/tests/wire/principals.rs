//! The reports about people and what points to them: RFC 3253 §3.8 and RFC 3744 §9.2 to §9.5.

use tests::{
    client::{Client, Reply},
    server::TestServer,
    xml::Element,
};

use super::{calendar, event, put_new};

const ALICE: &str = "/dav/principals/users/alice/";
const PRINCIPALS: &str = "/dav/principals/";

async fn report(client: &Client, path: &str, name: &str, content: &str) -> Reply {
    let body = format!(
        r#"<D:{name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/">{content}</D:{name}>"#
    );
    client.report(path, "0", &body).await
}

fn hrefs(element: &Element) -> Vec<String> {
    let hrefs = element.descendants("{DAV:}href").into_iter();
    hrefs.map(Element::all_text).collect()
}

/// RFC 3253 §3.8: the hrefs of a property become responses, level by level; a property without nested ones
/// stays as it is, and what is not there is told.
#[tokio::test]
async fn rfc_3253_3_8_hrefs_become_responses() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let content = r#"<D:property name="displayname"/><D:property name="nothing"/>
        <D:property name="owner"><D:property name="displayname"/>
          <D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav">
            <D:property name="resourcetype"/></D:property></D:property>"#;
    let reply = report(&alice, &calendar("alice"), "expand-property", content).await;
    let answer = reply.multistatus();
    assert_eq!(answer.responses[0].href, calendar("alice"));
    assert_eq!(answer.responses[0].status_of("{DAV:}nothing"), Some(404));
    assert_eq!(answer.responses[0].text("{DAV:}displayname"), "calendar");
    let owner = answer.responses[0].property("{DAV:}owner").unwrap();
    assert_eq!(owner.children.len(), 1);
    assert_eq!(owner.children[0].name, "{DAV:}response");
    assert_eq!(hrefs(owner), [ALICE, "/dav/calendars/users/alice/"]);
    let names = owner.descendants("{DAV:}displayname");
    assert_eq!(names[0].all_text(), "Alice");
    assert_eq!(owner.descendants("{DAV:}collection").len(), 1);
}

/// RFC 3253 §3.8: "every DAV:href in the value", also one within other elements, which stay around it.
#[tokio::test]
async fn rfc_3253_3_8_nested_hrefs() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let content = r#"<D:property name="acl"><D:property name="displayname"/></D:property>"#;
    let reply = report(&alice, &calendar("alice"), "expand-property", content).await;
    let answer = reply.multistatus();
    let acl = answer.responses[0].property("{DAV:}acl").unwrap();
    assert!(acl.children.iter().all(|child| child.name == "{DAV:}ace"));
    assert!(!acl.descendants("{DAV:}grant").is_empty());
    let principals = acl.descendants("{DAV:}principal");
    let expanded = principals
        .iter()
        .filter_map(|principal| principal.child("{DAV:}response"));
    let names: Vec<String> = expanded
        .flat_map(|response| response.descendants("{DAV:}displayname"))
        .map(Element::all_text)
        .collect();
    assert!(names.contains(&"Alice".to_owned()), "{}", reply.text());
    // A dead property that points to something, with its attributes, and to nothing.
    let dead = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:see xmlns:X="urn:x" kind="1"><X:also><D:href>/dav/principals/users/bob/</D:href></X:also> and <D:href>http://elsewhere.example/</D:href></X:see></D:prop></D:set></D:propertyupdate>"#;
    let patched = alice.request("PROPPATCH", &calendar("alice"));
    patched.xml(dead.to_owned()).send().await.expect(&[207]);
    let content =
        r#"<D:property name="see" namespace="urn:x"><D:property name="displayname"/></D:property>"#;
    let reply = report(&alice, &calendar("alice"), "expand-property", content).await;
    let answer = reply.multistatus();
    let see = answer.responses[0].property("{urn:x}see").unwrap();
    assert_eq!(
        see.attributes
            .iter()
            .find(|(name, _)| name == "kind")
            .unwrap()
            .1,
        "1"
    );
    assert!(see.text.contains("and"));
    let also = see.child("{urn:x}also").unwrap();
    assert_eq!(also.descendants("{DAV:}displayname")[0].all_text(), "Bob");
    let elsewhere = see.child("{DAV:}response").unwrap();
    assert!(elsewhere.all_text().contains("404"), "{}", reply.text());
}

/// RFC 3253 §3.6: with a depth, the members are reported, too.
#[tokio::test]
async fn rfc_3253_3_6_depth() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    let home = "/dav/calendars/users/alice/";
    let body = r#"<D:expand-property xmlns:D="DAV:"><D:property name="owner"><D:property name="displayname"/></D:property></D:expand-property>"#;
    for (depth, resources) in [("0", 1), ("1", 4), ("infinity", 5)] {
        let answer = alice.report(home, depth, body).await.multistatus();
        assert_eq!(answer.responses.len(), resources, "{depth}");
        for response in &answer.responses {
            let owner = response.property("{DAV:}owner").unwrap();
            assert_eq!(
                owner.descendants("{DAV:}displayname")[0].all_text(),
                "Alice"
            );
        }
    }
}

/// RFC 3744 §9.2: each principal that the access control list names, once; only depth 0.
#[tokio::test]
async fn rfc_3744_9_2_acl_principal_prop_set() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let prop = "<D:prop><D:displayname/></D:prop>";
    let reply = report(&alice, &calendar("alice"), "acl-principal-prop-set", prop).await;
    let answer = reply.multistatus();
    // The owner, and those who act for the owner.
    let (readers, writers) = (
        format!("{ALICE}calendar-proxy-read/"),
        format!("{ALICE}calendar-proxy-write/"),
    );
    assert_eq!(answer.hrefs(), [ALICE, &readers, &writers]);
    assert_eq!(answer.responses[0].text("{DAV:}displayname"), "Alice");
    // Who may not read the list does not hear who is in it.
    report(&bob, &calendar("alice"), "acl-principal-prop-set", prop)
        .await
        .expect_precondition(403, "{DAV:}need-privileges");
    for name in [
        "acl-principal-prop-set",
        "principal-match",
        "principal-property-search",
        "principal-search-property-set",
    ] {
        let body = format!(r#"<D:{name} xmlns:D="DAV:">{prop}</D:{name}>"#);
        let place = match name {
            "acl-principal-prop-set" => calendar("alice"),
            _ => PRINCIPALS.to_owned(),
        };
        alice.report(&place, "1", &body).await.expect(&[400]);
    }
}

/// RFC 3744 §9.3: the principals that are the user, or hold the user; and what names the user, or a group of
/// the user, in a property. Without properties each is told with a status (§9.3.1).
#[tokio::test]
async fn rfc_3744_9_3_principal_match() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let myself = report(&alice, PRINCIPALS, "principal-match", "<D:self/>").await;
    let answer = myself.multistatus();
    let mut found = answer.hrefs();
    found.sort_unstable();
    let team = "/dav/principals/groups/team/";
    assert_eq!(found, [team, ALICE]);
    assert!(
        answer
            .responses
            .iter()
            .all(|response| response.status == Some(200))
    );
    // A group as the request's own resource.
    let group = report(&alice, team, "principal-match", "<D:self/>").await;
    assert_eq!(group.multistatus().hrefs(), [team]);
    let stranger = report(
        &server.client("carol"),
        team,
        "principal-match",
        "<D:self/>",
    )
    .await;
    assert!(stranger.multistatus().responses.is_empty());

    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    put_new(&alice, &(calendar("alice") + "b.ics"), &event("b", "")).await;
    let owned =
        "<D:principal-property><D:owner/></D:principal-property><D:prop><D:getetag/></D:prop>";
    let reply = report(&alice, &calendar("alice"), "principal-match", owned).await;
    let answer = reply.multistatus();
    assert_eq!(answer.responses.len(), 2);
    assert!(
        answer
            .responses
            .iter()
            .all(|it| !it.text("{DAV:}getetag").is_empty())
    );
    // A dead property with a whole URL, of a group that the user is in.
    let url = format!("{}{team}", server.url());
    let dead = format!(
        r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:for xmlns:X="urn:x"><D:href>{url}</D:href></X:for></D:prop></D:set></D:propertyupdate>"#
    );
    let patched = alice.request("PROPPATCH", &(calendar("alice") + "a.ics"));
    patched.xml(dead).send().await.expect(&[207]);
    let meant = r#"<D:principal-property><X:for xmlns:X="urn:x"/></D:principal-property>"#;
    let reply = report(&alice, &calendar("alice"), "principal-match", meant).await;
    assert_eq!(reply.multistatus().hrefs(), [calendar("alice") + "a.ics"]);
    report(&alice, PRINCIPALS, "principal-match", "")
        .await
        .expect(&[400]);
}

/// RFC 3744 §9.4: all conditions must hold, caseless, within the collection that is asked or all of them; a
/// property that cannot be searched matches nobody.
#[tokio::test]
async fn rfc_3744_9_4_principal_property_search() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let by = |property: &str, text: &str| {
        format!(
            "<D:property-search><D:prop>{property}</D:prop><D:match>{text}</D:match></D:property-search>"
        )
    };
    let name = |text: &str| by("<D:displayname/>", text);
    let mail = |text: &str| by("<C:calendar-user-address-set/>", text);
    let both = by("<D:displayname/><C:calendar-user-address-set/>", "alice");
    let everywhere = "<D:apply-to-principal-collection-set/>";
    let rooms = "/dav/principals/locations/";
    for (place, search, found) in [
        (PRINCIPALS, name("LIC"), vec![ALICE]),
        (PRINCIPALS, both, vec![ALICE]),
        (PRINCIPALS, name("alice") + &mail("bob@"), vec![]),
        (PRINCIPALS, name("alice") + &mail("alice@"), vec![ALICE]),
        (PRINCIPALS, by("<D:nothing/>", "alice"), vec![]),
        (rooms, name("alice"), vec![]),
        (rooms, name("alice") + everywhere, vec![ALICE]),
        (rooms, name("room"), vec!["/dav/principals/locations/room/"]),
    ] {
        let search = search + "<D:prop><D:displayname/></D:prop>";
        let reply = report(&alice, place, "principal-property-search", &search).await;
        assert_eq!(reply.multistatus().hrefs(), found, "{place} {search}");
    }
    report(&alice, PRINCIPALS, "principal-property-search", "")
        .await
        .expect(&[400]);
}

/// RFC 3744 §9.5: 200 with the properties that can be searched, each described in a language that is named.
#[tokio::test]
async fn rfc_3744_9_5_principal_search_property_set() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let reply = report(&alice, PRINCIPALS, "principal-search-property-set", "").await;
    reply.expect(&[200]);
    let set = reply.xml();
    assert_eq!(set.name, "{DAV:}principal-search-property-set");
    let mut names = Vec::new();
    for row in &set.children {
        assert_eq!(row.name, "{DAV:}principal-search-property");
        names.push(row.child("{DAV:}prop").unwrap().children[0].name.clone());
        let description = row.child("{DAV:}description").unwrap();
        assert!(!description.all_text().is_empty());
        assert!(
            description
                .attributes
                .contains(&("xml:lang".to_owned(), "en".to_owned()))
        );
    }
    // What it names can be searched, and nothing that cannot is named.
    assert!(names.contains(&"{DAV:}displayname".to_owned()));
    assert!(names.contains(&"{urn:x-convoke}capacity".to_owned()));
    assert_eq!(names.len(), 10);
}
