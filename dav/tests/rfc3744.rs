//! RFC 3744: access control.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, HOME, World, event};

/// An entry: `grant|deny WHOM PRIVILEGE...`. WHOM is a path, or a word; privileges are of `DAV:` unless
/// they begin with `C:`.
fn ace(text: &str) -> String {
    let mut words = text.split(' ');
    let verb = words.next().unwrap();
    let whom = match words.next().unwrap() {
        path if path.starts_with(['/', 'h']) => format!("<D:href>{path}</D:href>"),
        "owner" => "<D:property><D:owner/></D:property>".to_owned(),
        word => format!("<D:{word}/>"),
    };
    let element = |privilege: &str| match privilege.strip_prefix("C:") {
        Some(name) => format!("<D:privilege><C:{name}/></D:privilege>"),
        None => format!("<D:privilege><D:{privilege}/></D:privilege>"),
    };
    let privileges: String = words.map(element).collect();
    format!("<D:ace><D:principal>{whom}</D:principal><D:{verb}>{privileges}</D:{verb}></D:ace>")
}

fn acl(aces: &[&str]) -> String {
    let aces: String = aces.iter().map(|text| ace(text)).collect();
    document(&aces)
}

fn document(aces: &str) -> String {
    format!("<D:acl xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>{aces}</D:acl>")
}

async fn set(world: &World, path: &str, aces: &[&str]) {
    let answer = world.ask(&format!("ACL {path}"), &[], &acl(aces)).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
}

async fn property(world: &World, path: &str, name: &str) -> Answer {
    let body = format!("<D:propfind xmlns:D='DAV:'><D:prop><D:{name}/></D:prop></D:propfind>");
    world
        .ask(&format!("PROPFIND {path}"), &[("depth", "0")], &body)
        .await
}

const BOB: &str = "/dav/principals/users/bob/";

/// RFC 3744 §8.1.2: the example, with our URLs; and what it grants.
#[tokio::test]
async fn rfc_3744_8_1_2_the_acl_method() {
    let world = World::new().await;
    world.put("calendar/a.ics", &event("a", "Secret")).await;
    let get = || world.ask_bob("GET calendar/a.ics", &[], "");
    get().await.refuses(403, "D:need-privileges");
    set(
        &world,
        "calendar/",
        &[
            "grant http://localhost:8080/dav/principals/users/bob/ read write",
            "grant owner read-acl write-acl",
            "grant all read",
        ],
    )
    .await;
    assert_eq!(get().await.code(), 200);
    let put = |name: &'static str| {
        let world = &world;
        async move {
            let body = event(name, "By Bob");
            world
                .ask_bob(&format!("PUT calendar/{name}.ics"), &[], &body)
                .await
                .code()
        }
    };
    assert_eq!(put("b").await, 201);
    let body = property(&world, "calendar/", "acl").await.body;
    for part in [
        "<D:principal><D:href>/dav/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege><D:privilege><D:write/></D:privilege></D:grant></D:ace>",
        "<D:principal><D:property><D:owner/></D:property></D:principal><D:grant>",
        "<D:principal><D:all/></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>",
        "<D:principal><D:href>/dav/principals/users/alice/</D:href></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/></D:ace>",
        "<D:principal><D:href>/dav/principals/users/alice/calendar-proxy-write/</D:href></D:principal>",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    // what is set takes the place of what was set
    set(&world, "calendar/", &[]).await;
    get().await.refuses(403, "D:need-privileges");
    assert_eq!(put("c").await, 403);
}

/// RFC 3744 §8.1.1, §8.1.3, §8.1.5
#[tokio::test]
async fn rfc_3744_8_1_1_preconditions() {
    let world = World::new().await;
    let many = vec!["grant all read"; 251];
    let read = "<D:privilege><D:read/></D:privilege>";
    let odd =
        |principal: &str, verbs: &str| document(&format!("<D:ace>{principal}{verbs}</D:ace>"));
    let all = "<D:principal><D:all/></D:principal>";
    let grant = format!("<D:grant>{read}</D:grant>");
    let deny = format!("<D:deny>{read}</D:deny>");
    #[rustfmt::skip]
    let cases = [
        (acl(&["grant /dav/principals/users/bob/ read", "deny /dav/principals/users/bob/ all"]), 403, "D:no-ace-conflict"),
        (acl(&["deny /dav/principals/users/alice/ write"]), 403, "D:no-protected-ace-conflict"),
        (acl(&["deny owner write"]), 403, "D:no-protected-ace-conflict"),
        (acl(&many), 403, "D:limited-number-of-aces"),
        (acl(&["grant all C:schedule-send"]), 403, "D:not-supported-privilege"),
        (acl(&["grant all fly"]), 403, "D:not-supported-privilege"),
        (acl(&["grant /dav/principals/users/nobody/ read"]), 403, "D:recognized-principal"),
        (acl(&["grant /dav/principals/groups/bob/ read"]), 403, "D:recognized-principal"),
        (acl(&["grant /dav/calendars/users/bob/ read"]), 403, "D:recognized-principal"),
        (acl(&["grant http://elsewhere.example.com/users/bob read"]), 403, "D:recognized-principal"),
        (odd("<D:principal><D:property><D:displayname/></D:property></D:principal>", &grant), 403, "D:allowed-principal"),
        (odd("<D:invert><D:principal><D:all/></D:principal></D:invert>", &grant), 403, "D:no-invert"),
        (odd(all, &format!("{grant}{deny}")), 400, ""),
        (odd(&format!("{all}{all}"), &grant), 400, ""),
        (odd(all, ""), 400, ""),
        (odd(all, "<D:grant/>"), 400, ""),
        (odd("<D:principal/>", &grant), 400, ""),
        ("<D:acl xmlns:D='DAV:'><D:other/></D:acl>".to_owned(), 400, ""),
        ("<x/>".to_owned(), 400, ""),
        (odd(all, &format!("{grant}<D:protected/>")), 403, "D:no-protected-ace-conflict"),
        (odd(all, &format!("{grant}<D:inherited><D:href>{HOME}</D:href></D:inherited>")), 403, "D:no-protected-ace-conflict"),
    ];
    for (body, status, element) in cases {
        let answer = world.ask("ACL calendar/", &[], &body).await;
        assert_eq!(answer.code(), status, "{body} {answer:?}");
        assert!(answer.body.contains(element), "{element} {answer:?}");
    }
    // nothing of all that was stored
    let body = property(&world, "calendar/", "acl").await.body;
    assert_eq!(body.matches("<D:ace>").count(), 4, "{body}");
    assert_eq!(world.ask("ACL missing/", &[], &acl(&[])).await.code(), 404);
    let answer = world
        .ask("ACL /dav/principals/users/alice/", &[], &acl(&[]))
        .await;
    assert_eq!(answer.code(), 405);
    assert!(!answer.header("allow").contains("ACL"));
}

/// What `DAV:acl` tells can be sent back as it is.
#[tokio::test]
async fn an_acl_can_be_sent_back() {
    let world = World::new().await;
    set(&world, "", &["grant authenticated read"]).await;
    set(
        &world,
        "calendar/",
        &["deny all unlock", "grant /dav/principals/users/bob/ write"],
    )
    .await;
    let told = property(&world, "calendar/", "acl").await.body;
    let aces = &told[told.find("<D:ace>").unwrap()..told.rfind("</D:acl>").unwrap()];
    let answer = world.ask("ACL calendar/", &[], &document(aces)).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    assert_eq!(property(&world, "calendar/", "acl").await.body, told);
}

/// RFC 3744 §5.5.4, §6: entries of a home hold below it; nearer ones come first.
#[tokio::test]
async fn rfc_3744_5_5_4_inheritance() {
    let world = World::new().await;
    world.put("calendar/a.ics", &event("a", "x")).await;
    set(&world, "", &["grant /dav/principals/users/bob/ read"]).await;
    let bob = |line: &'static str| world.ask_bob(line, &[("depth", "0")], "");
    assert_eq!(bob("GET calendar/a.ics").await.code(), 200);
    assert_eq!(bob("PROPFIND ").await.code(), 207);
    let body = property(&world, "calendar/a.ics", "acl").await.body;
    for inherited in ["", "calendar/"] {
        let element = format!("<D:inherited><D:href>{HOME}{inherited}</D:href></D:inherited>");
        assert_eq!(body.matches(&element).count(), 1, "{element} in {body}");
    }
    set(&world, "calendar/", &["deny all read"]).await;
    bob("GET calendar/a.ics")
        .await
        .refuses(403, "D:need-privileges");
    // the owner is not locked out
    assert_eq!(world.status("GET calendar/a.ics").await, 200);
}

/// RFC 3744 §5.5, §7.3, §7.4: entries on a single object.
#[tokio::test]
async fn entries_of_single_objects() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world
            .put(&format!("calendar/{name}.ics"), &event(name, "x"))
            .await;
    }
    let bob = |line: String| async {
        let line = line;
        world.ask_bob(&line, &[("depth", "1")], "").await
    };
    set(
        &world,
        "calendar/a.ics",
        &["grant /dav/principals/users/bob/ read"],
    )
    .await;
    assert_eq!(bob("GET calendar/a.ics".into()).await.code(), 200);
    assert_eq!(bob("GET calendar/b.ics".into()).await.code(), 403);
    assert_eq!(bob("PROPFIND calendar/".into()).await.code(), 403);
    // a change of its content does not change who may read it
    world.put("calendar/a.ics", &event("a", "y")).await;
    assert_eq!(bob("GET calendar/a.ics".into()).await.code(), 200);
    // what moves keeps its entries, a copy has none
    let to = |name: &str| format!("http://localhost:8080{HOME}{name}");
    let destination = to("calendar/moved.ics");
    let moved = world
        .ask("MOVE calendar/a.ics", &[("destination", &destination)], "")
        .await;
    assert_eq!(moved.code(), 201);
    assert_eq!(bob("GET calendar/moved.ics".into()).await.code(), 200);
    assert_eq!(world.status("MKCOL files/").await, 201);
    let destination = to("files/copy.ics");
    let copied = world
        .ask(
            "COPY calendar/moved.ics",
            &[("destination", &destination)],
            "",
        )
        .await;
    assert_eq!(copied.code(), 201);
    assert_eq!(bob("GET files/copy.ics".into()).await.code(), 403);
    // what is hidden from somebody does not show in a listing
    set(
        &world,
        "calendar/",
        &["grant /dav/principals/users/bob/ read"],
    )
    .await;
    set(
        &world,
        "calendar/moved.ics",
        &["deny /dav/principals/users/bob/ read"],
    )
    .await;
    let listing = bob("PROPFIND calendar/".into()).await;
    assert_eq!(listing.code(), 207);
    assert!(
        listing.body.contains("b.ics") && !listing.body.contains("moved.ics"),
        "{listing:?}"
    );
}

/// RFC 3744 §7.5
#[tokio::test]
async fn rfc_3744_7_5_locks_protect_entries() {
    let world = World::new().await;
    let token = world.lock("calendar/", &[]).await;
    let body = acl(&["grant all read"]);
    world
        .ask("ACL calendar/", &[], &body)
        .await
        .refuses(423, "D:lock-token-submitted");
    let lists = format!("(<{token}>)");
    let answer = world.ask("ACL calendar/", &[("if", &lists)], &body).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
}

/// RFC 3744 appendix B: ACL needs write-acl, and DAV:acl read-acl.
#[tokio::test]
async fn who_may_change_and_see_entries() {
    let world = World::new().await;
    let body = acl(&["grant all all"]);
    let bob = |line: &'static str| world.ask_bob(line, &[("depth", "0")], &body);
    bob("ACL calendar/").await.refuses(403, "D:need-privileges");
    let property = "<D:propfind xmlns:D='DAV:'><D:prop><D:acl/></D:prop></D:propfind>";
    set(
        &world,
        "calendar/",
        &["grant /dav/principals/users/bob/ read"],
    )
    .await;
    let told = world
        .ask_bob("PROPFIND calendar/", &[("depth", "0")], property)
        .await;
    assert!(told.body.contains("403 Forbidden"), "{told:?}");
    set(
        &world,
        "calendar/",
        &[&format!("grant {BOB} read read-acl write-acl")],
    )
    .await;
    let told = world
        .ask_bob("PROPFIND calendar/", &[("depth", "0")], property)
        .await;
    assert!(told.body.contains("<D:ace>"), "{told:?}");
    assert_eq!(bob("ACL calendar/").await.code(), 200);
}

/// RFC 4791 §6.1.1: a new calendar tells all signed-in people when its owner is busy, until the owner
/// takes that away.
#[tokio::test]
async fn rfc_4791_6_1_1_free_busy_can_be_taken_away() {
    let world = World::new().await;
    world.put("calendar/a.ics", &event("a", "x")).await;
    let query = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20260101T000000Z' end='20260103T000000Z'/></C:free-busy-query>";
    let ask = || world.ask_bob("REPORT calendar/", &[("depth", "1")], query);
    assert!(ask().await.body.contains(":20260102T100000Z"));
    set(&world, "calendar/", &[]).await;
    assert_eq!(ask().await.code(), 404);
}

/// calendarserver calendar-proxy §3.1: what a delegate may do follows from the group.
#[tokio::test]
async fn delegates_read_and_write() {
    let world = World::new().await;
    world.put("calendar/a.ics", &event("a", "x")).await;
    let members = |who: &str| {
        format!(
            "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:group-member-set>{who}\
             </D:group-member-set></D:prop></D:set></D:propertyupdate>"
        )
    };
    let name = async |group: &str, who: &str| {
        let line = format!("PROPPATCH /dav/principals/users/alice/calendar-proxy-{group}/");
        assert_eq!(world.ask(&line, &[], &members(who)).await.code(), 207);
    };
    let codes = async || {
        let get = world.ask_bob("GET calendar/a.ics", &[], "").await.code();
        let body = event("a", "y");
        let put = world.ask_bob("PUT calendar/a.ics", &[], &body).await.code();
        (get, put)
    };
    let bob = format!("<D:href>{BOB}</D:href>");
    assert_eq!(codes().await, (403, 403));
    name("read", &bob).await;
    assert_eq!(codes().await, (200, 403));
    name("write", &bob).await;
    assert_eq!(codes().await, (200, 204));
    name("write", "").await;
    name("read", "").await;
    assert_eq!(codes().await, (403, 403));
}

/// RFC 3744 §5.5.1: who did not sign in reads what everyone may read, and is asked to sign in for
/// everything else, whether it is there or not.
#[tokio::test]
async fn rfc_3744_5_5_1_everyone() {
    let world = World::new().await;
    for name in ["a", "b"] {
        world
            .put(&format!("calendar/{name}.ics"), &event(name, "x"))
            .await;
    }
    let code = async |line: &str| world.ask_anybody(line, &[("depth", "1")], "").await.code();
    let closed = [
        "GET calendar/a.ics",
        "GET calendar/missing.ics",
        "GET missing/a.ics",
        "GET /dav/calendars/users/nobody/calendar/a.ics",
        "PROPFIND calendar/",
        "PROPFIND /dav/principals/users/alice/",
        "PROPFIND /",
        "OPTIONS calendar/",
        "DELETE calendar/a.ics",
    ];
    for line in closed {
        assert_eq!(code(line).await, 401, "{line}");
    }
    for whom in ["all", "unauthenticated"] {
        set(&world, "calendar/", &[&format!("grant {whom} all")]).await;
        set(&world, "calendar/b.ics", &["deny all all"]).await;
        assert_eq!(code("GET calendar/a.ics").await, 200, "{whom}");
        for line in [
            "GET calendar/b.ics",
            "GET calendar/missing.ics",
            "PROPFIND ",
            "DELETE calendar/a.ics",
        ] {
            assert_eq!(code(line).await, 401, "{whom} {line}");
        }
        let listing = world
            .ask_anybody("PROPFIND calendar/", &[("depth", "1")], "")
            .await;
        assert!(
            listing.body.contains("a.ics") && !listing.body.contains("b.ics"),
            "{listing:?}"
        );
    }
    let body =
        "<D:propfind xmlns:D='DAV:'><D:prop><D:current-user-principal/></D:prop></D:propfind>";
    let told = world
        .ask_anybody("PROPFIND calendar/", &[("depth", "0")], body)
        .await;
    assert!(told.body.contains("<D:unauthenticated/>"), "{told:?}");
    set(&world, "calendar/", &["grant authenticated read"]).await;
    assert_eq!(code("GET calendar/a.ics").await, 401);
}
