//! What the examples of RFC 3744 §5 and §7.2.1 show: rights as properties, with its requests. (The ACL method
//! of §8 is tested beside the code; the reports of §9 in `principals`.)

use tests::{
    client::Client,
    server::TestServer,
    xml::{Element, Response},
};

use super::{calendar, event, put_new};

const ALICE: &str = "/dav/principals/users/alice/";
const HOME: &str = "/dav/calendars/users/alice/";

const READ_FOR_BOB: &str = "<D:acl xmlns:D=\"DAV:\"><D:ace><D:principal>\
    <D:href>/dav/principals/users/bob/</D:href></D:principal>\
    <D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>";

/// The response about one resource, asked for these properties.
async fn properties(client: &Client, path: &str, names: &[&str]) -> Response {
    let names: String = names.iter().map(|name| format!("<D:{name}/>")).collect();
    let mut answer = client.propfind(path, "0", &names).await.multistatus();
    assert_eq!(answer.responses.len(), 1);
    answer.responses.remove(0)
}

fn found<'a>(response: &'a Response, name: &str) -> &'a Element {
    let name = format!("{{DAV:}}{name}");
    assert_eq!(response.status_of(&name), Some(200), "{name}");
    response.property(&name).expect("it is there")
}

/// The local names of the privileges below an element, in its order.
fn privileges(element: &Element) -> Vec<String> {
    let privileges = element.descendants("{DAV:}privilege");
    let names = privileges.iter().flat_map(|privilege| &privilege.children);
    names
        .map(|name| name.name.rsplit('}').next().unwrap_or_default().to_owned())
        .collect()
}

/// RFC 3744 §5.1.1 and §5.1.2: the owner is told, and given to nobody.
#[tokio::test]
async fn rfc_3744_5_1_the_owner() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice");
    let told = properties(&alice, &path, &["owner"]).await;
    assert_eq!(told.text("{DAV:}owner"), ALICE);
    let body = "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><D:owner>\
        <D:href>/dav/principals/users/bob/</D:href></D:owner></D:prop></D:set></D:propertyupdate>";
    let refused = alice.request("PROPPATCH", &path).xml(body.to_owned());
    let refused = refused.send().await;
    refused.expect(&[207]);
    let answer = refused.multistatus();
    assert_eq!(answer.responses[0].status_of("{DAV:}owner"), Some(403));
    assert!(
        refused
            .text()
            .contains("<D:cannot-modify-protected-property/>"),
        "{}",
        refused.text()
    );
    let told = properties(&alice, &path, &["owner"]).await;
    assert_eq!(told.text("{DAV:}owner"), ALICE);
}

/// RFC 3744 §5.3.1: a tree of what there is, each with a description, and abstract where it cannot be granted.
#[tokio::test]
async fn rfc_3744_5_3_1_supported_privileges() {
    let server = TestServer::start().await;
    let told = properties(
        &server.client("alice"),
        &calendar("alice"),
        &["supported-privilege-set"],
    )
    .await;
    let set = found(&told, "supported-privilege-set");
    let root = set.child("{DAV:}supported-privilege").expect("one root");
    assert_eq!(set.children.len(), 1);
    let name = |node: &Element| {
        let privilege = node.child("{DAV:}privilege").expect("a name");
        privilege.children[0].name.clone()
    };
    assert_eq!(name(root), "{DAV:}all");
    let all = root.descendants("{DAV:}supported-privilege");
    for node in &all {
        let description = node.child("{DAV:}description");
        let text = description.map(Element::all_text).unwrap_or_default();
        assert!(!text.is_empty(), "{}", name(node));
    }
    let write = all.iter().find(|node| name(node) == "{DAV:}write");
    let within: Vec<String> = write
        .expect("write is supported")
        .descendants("{DAV:}supported-privilege")
        .into_iter()
        .map(name)
        .collect();
    for part in ["write-properties", "write-content", "bind", "unbind"] {
        assert!(
            within.contains(&format!("{{DAV:}}{part}")),
            "{part}: {within:?}"
        );
    }
}

/// RFC 3744 §5.4.1: one's own privileges, the parts of those that are made of others too.
#[tokio::test]
async fn rfc_3744_5_4_1_current_privileges() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = format!("{}e.ics", calendar("alice"));
    put_new(&alice, &path, &event("e", "")).await;
    alice
        .request("ACL", &path)
        .xml(READ_FOR_BOB.to_owned())
        .send()
        .await
        .expect(&[200]);
    let told = properties(&bob, &path, &["current-user-privilege-set"]).await;
    let own = privileges(found(&told, "current-user-privilege-set"));
    // RFC 4791 §6.1.1: read-free-busy is a part of read.
    for name in ["read", "read-free-busy"] {
        assert!(own.iter().any(|held| held == name), "{name}: {own:?}");
    }
    assert!(!own.iter().any(|held| held == "write"), "{own:?}");
}

/// RFC 3744 §5.5.5, §5.6.5, §5.8.1 and §5.9: the list, what binds it, and where principals are.
#[tokio::test]
async fn rfc_3744_5_9_a_list_and_what_binds_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let asked = [
        "owner",
        "supported-privilege-set",
        "current-user-privilege-set",
        "acl",
        "acl-restrictions",
        "inherited-acl-set",
        "principal-collection-set",
    ];
    let told = properties(&alice, &calendar("alice"), &asked).await;
    let acl = found(&told, "acl");
    for ace in &acl.children {
        let has = |name: &str| ace.child(&format!("{{DAV:}}{name}")).is_some();
        assert!(has("principal") && has("grant") != has("deny"), "{ace:?}");
    }
    let of_owner = acl.children.iter().find(|ace| {
        let principal = ace.child("{DAV:}principal");
        principal.is_some_and(|principal| principal.all_text().trim() == ALICE)
    });
    let of_owner = of_owner.expect("the owner has an entry");
    assert_eq!(privileges(of_owner), ["all"]);
    assert!(of_owner.child("{DAV:}protected").is_some());
    let restrictions = found(&told, "acl-restrictions");
    assert!(restrictions.child("{DAV:}no-invert").is_some());
    found(&told, "inherited-acl-set");
    assert_eq!(
        told.text("{DAV:}principal-collection-set"),
        "/dav/principals/"
    );

    // Who may read a calendar, and not its list, is told the one and refused the other.
    let granting = alice
        .request("ACL", HOME)
        .xml(READ_FOR_BOB.to_owned())
        .send()
        .await;
    granting.expect(&[200]);
    let told = properties(&bob, &calendar("alice"), &["owner", "acl"]).await;
    assert_eq!(told.status_of("{DAV:}owner"), Some(200));
    assert_eq!(told.status_of("{DAV:}acl"), Some(403));
}

/// RFC 3744 §7.2.1: OPTIONS says that rights are kept, and how they are changed.
#[tokio::test]
async fn rfc_3744_7_2_1_options() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let told = alice.request("OPTIONS", &calendar("alice")).send().await;
    told.expect(&[200, 204]);
    let lists = |header: &str, word: &str| {
        let mut words = told.header(header).split(',').map(str::trim);
        words.any(|it| it == word)
    };
    assert!(lists("DAV", "access-control"));
    assert!(lists("Allow", "ACL"));
}
