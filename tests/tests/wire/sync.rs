//! RFC 6578: sync-collection, and `getctag`.

use std::collections::BTreeMap;

use tests::{client::Client, server::TestServer, xml::Multistatus};

use super::{calendar, event, put_new};

fn body(token: &str, limit: Option<usize>) -> String {
    let limit = limit.map_or(String::new(), |number| {
        format!("<D:limit><D:nresults>{number}</D:nresults></D:limit>")
    });
    format!(
        r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>"#
    )
}

async fn sync(client: &Client, path: &str, token: &str, limit: Option<usize>) -> Multistatus {
    client
        .report(path, "1", &body(token, limit))
        .await
        .multistatus()
}

/// RFC 6578 §3.4 to §3.6: first sync, changes, removals, nothing twice.
#[tokio::test]
async fn rfc_6578_3_4_first_sync_and_changes() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    put_new(&alice, &(home.clone() + "a.ics"), &event("a", "")).await;
    put_new(&alice, &(home.clone() + "b.ics"), &event("b", "")).await;
    let first = sync(&alice, &home, "", None).await;
    // Client behaviour 6: the collection itself is not listed.
    assert_eq!(first.responses.len(), 2, "{:?}", first.hrefs());
    let token = first.sync_token.clone().unwrap();
    assert_eq!(
        token,
        alice
            .propfind(&home, "0", "<D:sync-token/>")
            .await
            .multistatus()
            .responses[0]
            .text("{DAV:}sync-token")
    );
    assert!(sync(&alice, &home, &token, None).await.responses.is_empty());
    put_new(&alice, &(home.clone() + "c.ics"), &event("c", "")).await;
    alice
        .put(&(home.clone() + "a.ics"), &event("a", "LOCATION:x\n"))
        .await
        .expect(&[204]);
    alice.delete(&(home.clone() + "b.ics")).await.expect(&[204]);
    put_new(&alice, &(home.clone() + "d.ics"), &event("d", "")).await;
    alice.delete(&(home.clone() + "d.ics")).await.expect(&[204]);
    let second = sync(&alice, &home, &token, None).await;
    assert_eq!(
        second.response("/a.ics").status_of("{DAV:}getetag"),
        Some(200)
    );
    assert_eq!(
        second.response("/c.ics").status_of("{DAV:}getetag"),
        Some(200)
    );
    assert_eq!(second.response("/b.ics").status, Some(404));
    assert!(second.responses.len() <= 4);
}

/// RFC 6578 §3.8 and §3.2: bad tokens, levels and depths.
#[tokio::test]
async fn rfc_6578_3_8_valid_sync_token() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    for token in ["nonsense", "http://example.com/ns/sync/1", "data:,1_999999"] {
        alice
            .report(&home, "1", &body(token, None))
            .await
            .expect_precondition(403, "{DAV:}valid-sync-token");
    }
    // Client behaviour 6: Depth 1, 0, or none; infinity is refused.
    for depth in ["0", "1"] {
        alice
            .report(&home, depth, &body("", None))
            .await
            .expect(&[207]);
    }
    alice
        .request("REPORT", &home)
        .xml(body("", None))
        .send()
        .await
        .expect(&[207]);
    alice
        .report(&home, "infinity", &body("", None))
        .await
        .expect(&[400]);
    // A token of one calendar is none of another.
    let other = "/dav/calendars/users/alice/other/";
    alice
        .request("MKCALENDAR", other)
        .send()
        .await
        .expect(&[201]);
    alice.delete(other).await.expect(&[204]);
}

/// RFC 6578 §3.6: a limit truncates, and going on from there misses nothing.
#[tokio::test]
async fn rfc_6578_3_6_truncation() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    for number in 0..25 {
        put_new(
            &alice,
            &format!("{home}{number:02}.ics"),
            &event(&number.to_string(), ""),
        )
        .await;
    }
    let mut token = String::new();
    let mut seen = BTreeMap::new();
    let mut pages = 0;
    loop {
        let page = sync(&alice, &home, &token, Some(10)).await;
        let truncated = page
            .responses
            .iter()
            .any(|response| response.status == Some(507) && response.href == home);
        let changes: Vec<_> = page
            .responses
            .iter()
            .filter(|response| response.href != home)
            .collect();
        assert!(changes.len() <= 10);
        for response in &changes {
            seen.insert(response.href.clone(), response.text("{DAV:}getetag"));
        }
        token = page.sync_token.unwrap();
        if !truncated && changes.is_empty() {
            break;
        }
        pages += 1;
        assert!(pages < 10, "no end");
        // A change between two pages is not lost.
        if pages == 1 {
            let path = format!("{home}00.ics");
            let reply = alice.put(&path, &event("0", "LOCATION:x\n")).await;
            reply.expect(&[204]);
        }
    }
    assert!(pages >= 3, "{pages}");
    assert_eq!(seen.len(), 25);
    let now = alice.get(&format!("{home}00.ics")).await;
    assert_eq!(seen[&format!("{home}00.ics")], now.header("ETag"));
}

/// Whatever happens, replaying the changes gives the listing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syncing_client_always_arrives_at_the_listing() {
    let server = TestServer::start().await;
    let home = calendar("alice");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (alice, home) = (server.client("alice"), home.clone());
        writers.spawn(async move {
            for number in 0..40 {
                let name = format!("{}", (number * 7 + writer) % 15);
                let path = format!("{home}{writer}-{name}.ics");
                if number % 3 == 2 {
                    alice.delete(&path).await.expect(&[204, 404]);
                } else {
                    alice
                        .put(
                            &path,
                            &event(&format!("{writer}-{name}"), &format!("X-N:{number}\n")),
                        )
                        .await
                        .expect(&[201, 204]);
                }
            }
        });
    }
    let alice = server.client("alice");
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut token = String::new();
    let mut finished = false;
    loop {
        let page = sync(&alice, &home, &token, None).await;
        for response in &page.responses {
            if response.status == Some(404) {
                known.remove(&response.href);
            } else {
                known.insert(response.href.clone(), response.text("{DAV:}getetag"));
            }
        }
        token = page.sync_token.unwrap();
        if finished {
            break;
        }
        finished = tokio::select! {
            biased;
            () = async { while let Some(done) = writers.join_next().await { done.unwrap(); } } => true,
            () = tokio::task::yield_now() => false,
        };
    }
    let listed = alice
        .propfind(&home, "1", "<D:getetag/>")
        .await
        .multistatus();
    let listing: BTreeMap<String, String> = listed
        .responses
        .iter()
        .filter(|response| response.href != home)
        .map(|response| (response.href.clone(), response.text("{DAV:}getetag")))
        .collect();
    assert_eq!(known, listing);
}

/// `getctag` moves with every change of a member, and with nothing else.
#[tokio::test]
async fn getctag_moves_with_changes() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let ctag = || async {
        alice
            .propfind(&home, "0", "<CS:getctag/>")
            .await
            .multistatus()
            .responses[0]
            .text("{http://calendarserver.org/ns/}getctag")
    };
    let start = ctag().await;
    assert_eq!(start, ctag().await);
    put_new(&alice, &(home.clone() + "a.ics"), &event("a", "")).await;
    let put = ctag().await;
    assert_ne!(start, put);
    alice.get(&(home.clone() + "a.ics")).await.expect(&[200]);
    alice
        .put(&(home.clone() + "a.ics"), "nonsense")
        .await
        .expect(&[403]);
    assert_eq!(put, ctag().await);
    alice.delete(&(home.clone() + "a.ics")).await.expect(&[204]);
    assert_ne!(put, ctag().await);
}

/// RFC 6578 §3.4 to §3.6 on a calendar home: its collections, by changes of their own properties, their
/// names and their lives; what happens in them is told by their own tokens (§3.5.1).
#[tokio::test]
async fn rfc_6578_3_5_the_calendar_home() {
    const HOME: &str = "/dav/calendars/users/alice/";
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let changed = |page: &Multistatus| {
        let there = page.responses.iter().filter(|it| it.status.is_none());
        let mut hrefs: Vec<String> = there.map(|it| it.href.clone()).collect();
        hrefs.sort_unstable();
        hrefs
    };
    let removed = |page: &Multistatus| {
        let gone = page.responses.iter().filter(|it| it.status == Some(404));
        gone.map(|it| it.href.clone()).collect::<Vec<String>>()
    };
    let path = |name: &str| format!("{HOME}{name}/");
    let first = sync(&alice, HOME, "", None).await;
    let all = ["calendar", "inbox", "outbox"].map(path);
    assert_eq!(changed(&first), all);
    let mut token = first.sync_token.unwrap();
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Home</D:displayname></D:prop></D:set></D:propertyupdate>"#;
    let ask = |method: &'static str, name: &str, destination: &str| {
        let draft = alice.request(method, &path(name));
        let draft = match destination {
            "" => draft,
            name => draft.header("Destination", &path(name)),
        };
        let draft = match method {
            "PROPPATCH" => draft.xml(patch.to_owned()),
            _ => draft,
        };
        draft.send()
    };
    for (method, name, destination, there, gone) in [
        ("MKCALENDAR", "work", "", vec!["work"], vec![]),
        ("PROPPATCH", "work", "", vec!["work"], vec![]),
        ("PROPPATCH", "calendar", "", vec!["calendar"], vec![]),
        ("MOVE", "work", "moved", vec!["moved"], vec!["work"]),
        ("COPY", "moved", "work", vec!["work"], vec![]),
        ("DELETE", "moved", "", vec![], vec!["moved"]),
    ] {
        let reply = ask(method, name, destination).await;
        assert!(
            reply.status.is_success(),
            "{method} {name}: {}",
            reply.text()
        );
        let page = sync(&alice, HOME, &token, None).await;
        let paths = |names: Vec<&str>| names.into_iter().map(path).collect::<Vec<String>>();
        assert_eq!(changed(&page), paths(there), "{method} {name}");
        assert_eq!(removed(&page), paths(gone), "{method} {name}");
        token = page.sync_token.unwrap();
    }
    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    let page = sync(&alice, HOME, &token, None).await;
    assert!(page.responses.is_empty(), "{:?}", page.hrefs());
    // A limit cuts the list, and going on misses nothing.
    let (mut seen, mut token) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = sync(&alice, HOME, &token, Some(1)).await;
        seen.extend(changed(&page));
        token = page.sync_token.clone().unwrap();
        if !page.responses.iter().any(|it| it.status == Some(507)) {
            break;
        }
    }
    assert_eq!(seen, ["calendar", "inbox", "outbox", "work"].map(path));
    // A token of before a restore, or of nobody, is refused (§3.2).
    alice
        .report(HOME, "0", &body("urn:convoke:sync:1-1-1", None))
        .await
        .expect_precondition(403, "{DAV:}valid-sync-token");
}

/// RFC 6578 §3.3: what an endless report does not look into it says once, and why; nothing else of it.
#[tokio::test]
async fn rfc_6578_3_3_child_collections() {
    const HOME: &str = "/dav/calendars/users/alice/";
    let server = TestServer::start().await;
    let alice = server.client("alice");
    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    let endless = body("", None).replace(
        "<D:sync-level>1</D:sync-level>",
        "<D:sync-level>infinite</D:sync-level>",
    );
    let ask = async |path: &str| alice.report(path, "0", &endless).await.multistatus();
    let home = ask(HOME).await;
    let told: Vec<_> = home
        .responses
        .iter()
        .map(|it| (it.href.as_str(), it.status, it.preconditions.join(" ")))
        .collect();
    let child = |name, why: &str| (name, Some(403), format!("{{DAV:}}{why}"));
    assert_eq!(
        told,
        [
            child(
                "/dav/calendars/users/alice/calendar/",
                "sync-traversal-supported"
            ),
            child(
                "/dav/calendars/users/alice/inbox/",
                "sync-traversal-supported"
            ),
            child("/dav/calendars/users/alice/outbox/", "supported-report"),
        ]
    );
    assert!(home.responses.iter().all(|it| it.properties.is_empty()));
    // Where there is nothing below, it is as any other.
    let calendar = ask(&calendar("alice")).await;
    let event = calendar.response("/a.ics");
    assert_eq!(event.status_of("{DAV:}getetag"), Some(200));
    alice
        .report(&format!("{HOME}outbox/"), "0", &endless)
        .await
        .expect_precondition(403, "{DAV:}supported-report");
}

/// `getctag` moves exactly when something of the collection's members changed.
#[tokio::test]
async fn getctag_moves_exactly_when_it_should() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let work = "/dav/calendars/users/bob/work/";
    bob.request("MKCALENDAR", work).send().await.expect(&[201]);
    let places = [
        calendar("bob"),
        work.to_owned(),
        "/dav/calendars/users/bob/inbox/".to_owned(),
        "/dav/calendars/users/bob/".to_owned(),
    ];
    let ctags = || async {
        let mut all = Vec::new();
        for place in &places {
            let answer = bob
                .propfind(place, "0", "<CS:getctag/>")
                .await
                .multistatus();
            all.push(answer.responses[0].text("{http://calendarserver.org/ns/}getctag"));
        }
        all
    };
    let a = calendar("bob") + "a.ics";
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:dead xmlns:X="urn:x">1</X:dead></D:prop></D:set></D:propertyupdate>"#;
    let lock = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;
    let invitation = event(
        "meeting",
        "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\n",
    );
    let moved = format!("{work}a.ics");
    // What is done, and which of calendar, work, inbox and home move.
    for (what, method, path, body, expected) in [
        ("a new event", "PUT", &a, event("a", ""), "calendar"),
        ("reading", "GET", &a, String::new(), ""),
        ("a refused change", "PUT", &a, "nonsense".to_owned(), ""),
        (
            "a changed event",
            "PUT",
            &a,
            event("a", "LOCATION:x\n"),
            "calendar",
        ),
        (
            "a property of it",
            "PROPPATCH",
            &a,
            patch.to_owned(),
            "calendar",
        ),
        (
            "a property of the calendar",
            "PROPPATCH",
            &places[0],
            patch.to_owned(),
            "home",
        ),
        ("a lock", "LOCK", &places[1], lock.to_owned(), ""),
        ("a move", "MOVE", &a, String::new(), ""),
        ("an invitation", "invite", &a, invitation, "calendar inbox"),
        ("a deletion that fails", "DELETE", &a, String::new(), ""),
    ] {
        let before = ctags().await;
        match method {
            "invite" => {
                let place = calendar("alice") + "meeting.ics";
                alice.put(&place, &body).await.expect(&[201]);
            }
            "MOVE" => {
                // The calendar "work" is locked by now.
                let draft = bob.request(method, path).header("Destination", &moved);
                draft.send().await.expect(&[423]);
                bob.delete(path).await.expect(&[204]);
                let after = ctags().await;
                assert_ne!(before[0], after[0], "a deletion");
                assert_eq!(before[1..], after[1..], "a deletion");
                continue;
            }
            _ => {
                bob.request(method, path).body(body).send().await;
            }
        }
        let after = ctags().await;
        let names = ["calendar", "work", "inbox", "home"].iter();
        let moved: Vec<&str> = names
            .zip(before.iter().zip(&after))
            .filter(|(_, (before, after))| before != after)
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(moved.join(" "), expected, "{what}");
    }
}
