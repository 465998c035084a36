//! The methods of RFC 4918.
#![allow(clippy::unwrap_used)]

mod common;

use common::{HOME, HOST, World, event, lock_info, url};

async fn with_folder(world: &World) {
    assert_eq!(world.status("MKCOL folder/").await, 201);
    world.put("folder/a", "content of a").await;
    assert_eq!(world.status("MKCOL folder/sub/").await, 201);
    world.put("folder/sub/b", "content of b").await;
}

/// RFC 4918 §9.3.1
#[tokio::test]
async fn mkcol() {
    let world = World::new().await;
    assert_eq!(world.status("MKCOL folder/").await, 201);
    assert_eq!(world.status("MKCOL folder/").await, 405);
    assert_eq!(world.status("MKCOL missing/folder/").await, 409);
    let odd = world
        .ask(
            "MKCOL other/",
            &[("content-type", "xzy-foo/bar-512")],
            "afafafaf",
        )
        .await;
    assert_eq!(odd.code(), 415);
    let nameless = world.ask("MKCOL other/", &[], "afafafaf").await;
    assert_eq!(nameless.code(), 415);
    assert_eq!(world.status("PROPFIND other/").await, 404);
}

/// RFC 4918 §9.6.1
#[tokio::test]
async fn delete_takes_all_or_says_what_it_wants() {
    let world = World::new().await;
    with_folder(&world).await;
    for depth in ["0", "1"] {
        let answer = world.ask("DELETE folder/", &[("depth", depth)], "").await;
        assert_eq!(answer.code(), 400, "{answer:?}");
    }
    assert_eq!(
        world
            .ask("DELETE folder/a", &[("depth", "0")], "")
            .await
            .code(),
        204
    );
    assert_eq!(
        world
            .ask("DELETE folder/", &[("depth", "infinity")], "")
            .await
            .code(),
        204
    );
    for path in ["folder/", "folder/sub/b", "folder/a"] {
        assert_eq!(world.status(&format!("DELETE {path}")).await, 404, "{path}");
    }
    assert_eq!(world.status("MKCOL folder/").await, 201);
}

/// RFC 4918 §9.8.5 and §9.9.4
#[tokio::test]
async fn copy_and_move_answer_by_what_was_there() {
    let world = World::new().await;
    with_folder(&world).await;
    world.put("taken", "taken").await;
    let absolute = format!("http://{HOST}{HOME}absolute");
    let public = format!("https://cal.example.org{HOME}public");
    for (line, destination, overwrite, status) in [
        ("COPY folder/a", url("copy"), "F", 201),
        ("COPY folder/a", url("taken"), "F", 412),
        ("COPY folder/a", url("taken"), "T", 204),
        ("COPY folder/a", absolute, "T", 201),
        ("COPY folder/a", public, "T", 201),
        (
            "COPY folder/a",
            "http://elsewhere.example/x".into(),
            "T",
            502,
        ),
        ("COPY folder/a", "folder".into(), "T", 400),
        ("COPY folder/a", url("%zz"), "T", 400),
        ("COPY folder/a", url("missing/x"), "T", 409),
        ("COPY folder/a", url("folder/a"), "T", 403),
        (
            "COPY folder/a",
            "/dav/principals/users/alice/x".into(),
            "T",
            403,
        ),
        ("COPY folder/", url("folder/sub/x/"), "T", 403),
        ("COPY missing", url("x"), "T", 404),
        ("MOVE copy", url("moved"), "F", 201),
        ("MOVE moved", url("taken"), "F", 412),
        ("MOVE moved", url("taken"), "T", 204),
        ("MOVE moved", url("x"), "T", 404),
        ("MOVE folder/a", url("yes"), "maybe", 400),
    ] {
        let headers = [
            ("destination", destination.as_str()),
            ("overwrite", overwrite),
        ];
        let answer = world.ask(line, &headers, "").await;
        assert_eq!(answer.code(), status, "{line} to {destination}: {answer:?}");
    }
    assert_eq!(world.ask("GET taken", &[], "").await.body, "content of a");
    assert_eq!(world.status("GET folder/a").await, 200);
    let answer = world.ask("COPY folder/a", &[], "").await;
    assert_eq!(answer.code(), 400);
    assert!(
        answer.body.contains("Destination header is missing"),
        "{answer:?}"
    );
}

/// RFC 4918 §9.8.3
#[tokio::test]
async fn copy_reaches_as_deep_as_asked() {
    let world = World::new().await;
    with_folder(&world).await;
    for (to, depth, status) in [
        ("shallow/", "0", 201),
        ("deep/", "infinity", 201),
        ("other/", "1", 400),
    ] {
        let destination = url(to);
        let headers = [("destination", &*destination), ("depth", depth)];
        let answer = world.ask("COPY folder/", &headers, "").await;
        assert_eq!(answer.code(), status, "{depth}: {answer:?}");
    }
    assert_eq!(world.status("GET shallow/a").await, 404);
    assert_eq!(
        world.ask("GET deep/sub/b", &[], "").await.body,
        "content of b"
    );
}

/// RFC 4918 §9.9.2
#[tokio::test]
async fn move_takes_everything_along() {
    let world = World::new().await;
    with_folder(&world).await;
    let destination = url("moved/");
    let shallow = world
        .ask(
            "MOVE folder/",
            &[("destination", &destination), ("depth", "0")],
            "",
        )
        .await;
    assert_eq!(shallow.code(), 400);
    assert_eq!(
        world
            .ask("MOVE folder/", &[("destination", &destination)], "")
            .await
            .code(),
        201
    );
    assert_eq!(
        world.ask("GET moved/sub/b", &[], "").await.body,
        "content of b"
    );
    assert_eq!(world.status("GET folder/a").await, 404);
}

/// RFC 4918 §9.10.1
#[tokio::test]
async fn lock_answers_with_the_lock() {
    let world = World::new().await;
    world.put("file", "x").await;
    let answer = world
        .ask(
            "LOCK file",
            &[("timeout", "Second-60"), ("depth", "0")],
            &lock_info("exclusive"),
        )
        .await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    let token = answer
        .header("lock-token")
        .trim_matches(['<', '>'])
        .to_owned();
    assert!(token.starts_with("urn:uuid:"), "{token}");
    for part in [
        "<D:lockdiscovery>",
        "<D:exclusive/>",
        "<D:depth>0</D:depth>",
        "Second-60",
        &token,
        "Alice",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let infinite = world
        .ask(
            "LOCK other",
            &[("timeout", "Infinite")],
            &lock_info("shared"),
        )
        .await;
    assert_eq!(infinite.code(), 201);
    assert!(infinite.body.contains("<D:depth>infinity</D:depth>"));
    assert!(
        !infinite.body.contains("Infinite") && infinite.body.contains("Second-"),
        "{infinite:?}"
    );
    assert_eq!(world.ask("GET other", &[], "").await.body, "");
}

/// RFC 4918 §9.10.6
#[tokio::test]
async fn lock_refuses() {
    let world = World::new().await;
    world.put("file", "x").await;
    world.lock("file", &[]).await;
    for scope in ["exclusive", "shared"] {
        world
            .ask("LOCK file", &[], &lock_info(scope))
            .await
            .refuses(423, "D:no-conflicting-lock");
    }
    assert_eq!(
        world
            .ask("LOCK missing/file", &[], &lock_info("shared"))
            .await
            .code(),
        409
    );
    assert_eq!(
        world
            .ask("LOCK other", &[("depth", "1")], &lock_info("shared"))
            .await
            .code(),
        400
    );
    assert_eq!(
        world
            .ask("LOCK other", &[("timeout", "soon")], &lock_info("shared"))
            .await
            .code(),
        400
    );
    assert_eq!(world.ask("LOCK other", &[], "<x/>").await.code(), 400);
    assert_eq!(world.ask("LOCK other", &[], "not XML").await.code(), 400);
    assert_eq!(world.ask("LOCK file", &[], "").await.code(), 400);
    assert_eq!(world.status("GET other").await, 404);
}

/// RFC 4918 §9.10.2
#[tokio::test]
async fn lock_is_refreshed_by_its_token() {
    let world = World::new().await;
    world.put("file", "x").await;
    let token = world.lock("file", &[("timeout", "Second-60")]).await;
    world.clock.advance(50_000);
    let list = format!("(<{token}>)");
    let answer = world
        .ask("LOCK file", &[("if", &list), ("timeout", "Second-90")], "")
        .await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    assert!(answer.body.contains("Second-90"), "{answer:?}");
    assert_eq!(answer.header("lock-token"), "");
    world.clock.advance(60_000);
    assert_eq!(world.ask("PUT file", &[], "y").await.code(), 423);
    world.clock.advance(60_000);
    assert_eq!(world.ask("PUT file", &[], "y").await.code(), 204);
    world
        .ask("LOCK file", &[("if", &list)], "")
        .await
        .refuses(412, "D:lock-token-matches-request-uri");
}

/// RFC 4918 §9.10.3
#[tokio::test]
async fn a_member_may_stand_in_the_way_of_a_deep_lock() {
    let world = World::new().await;
    with_folder(&world).await;
    world.lock("folder/a", &[]).await;
    let answer = world
        .ask(
            "LOCK folder/",
            &[("depth", "infinity")],
            &lock_info("exclusive"),
        )
        .await;
    assert_eq!(answer.code(), 207, "{answer:?}");
    for part in [
        "folder/a</D:href>",
        "HTTP/1.1 423 Locked",
        "<D:no-conflicting-lock>",
        "HTTP/1.1 424 Failed Dependency",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert_eq!(
        world
            .ask("LOCK folder/", &[("depth", "0")], &lock_info("exclusive"))
            .await
            .code(),
        200
    );
}

/// RFC 4918 §9.11
#[tokio::test]
async fn unlock_wants_the_right_token() {
    let world = World::new().await;
    world.put("file", "x").await;
    let token = world.lock("file", &[]).await;
    assert_eq!(world.status("UNLOCK file").await, 400);
    assert_eq!(
        world
            .ask("UNLOCK file", &[("lock-token", &token)], "")
            .await
            .code(),
        400
    );
    let wrong = world
        .ask("UNLOCK file", &[("lock-token", "<urn:uuid:wrong>")], "")
        .await;
    wrong.refuses(409, "D:lock-token-matches-request-uri");
    let right = format!("<{token}>");
    assert_eq!(
        world
            .ask("UNLOCK file", &[("lock-token", &right)], "")
            .await
            .code(),
        204
    );
    assert_eq!(world.ask("PUT file", &[], "y").await.code(), 204);
}

/// RFC 4918 §7 and §10.4.1
#[tokio::test]
async fn locks_hold_until_their_token_is_submitted() {
    let world = World::new().await;
    with_folder(&world).await;
    let token = world.lock("folder/", &[("depth", "infinity")]).await;
    let destination = url("folder/copy");
    let away = url("away");
    for (line, headers) in [
        ("PUT folder/a", vec![]),
        ("PUT folder/new", vec![]),
        ("MKCOL folder/new/", vec![]),
        ("DELETE folder/a", vec![]),
        ("DELETE folder/", vec![]),
        ("MOVE folder/a", vec![("destination", away.as_str())]),
        ("COPY folder/a", vec![("destination", destination.as_str())]),
    ] {
        let answer = world.ask(line, &headers, "").await;
        answer.refuses(423, "D:lock-token-submitted");
        assert!(answer.body.contains("folder"), "{answer:?}");
    }
    assert_eq!(
        world
            .ask("COPY folder/a", &[("destination", &away)], "")
            .await
            .code(),
        201
    );
    let list = format!("<{HOME}folder/> (<{token}>)");
    assert_eq!(
        world
            .ask("PUT folder/a", &[("if", &list)], "new")
            .await
            .code(),
        204
    );
    // Only who took the lock may use its token (RFC 4918 §6.4); Bob may not write there at all.
    assert_eq!(
        world
            .ask_bob(&format!("PUT {HOME}folder/a"), &[("if", &list)], "new")
            .await
            .code(),
        403
    );
}

/// RFC 4918 §10.4
#[tokio::test]
async fn the_if_header_decides() {
    let world = World::new().await;
    let etag = world.put("file", "x").await;
    world.put("other", "y").await;
    for (value, status) in [
        (format!("([{etag}])"), 204),
        ("([\"wrong\"])".into(), 412),
        ("(Not [\"wrong\"])".into(), 204),
        ("(<DAV:no-lock>)".into(), 412),
        ("(<DAV:no-lock>) (Not <DAV:no-lock>)".into(), 204),
        (format!("<{HOME}file> ([{etag}])"), 204),
        (format!("<http://{HOST}{HOME}file> ([{etag}])"), 204),
        (format!("<{HOME}other> ([{etag}])"), 412),
        (format!("<{HOME}missing> (Not [{etag}])"), 204),
        ("<http://elsewhere.example/> (<urn:uuid:1>)".into(), 412),
        ("(".into(), 400),
        ("nonsense".into(), 400),
    ] {
        // The same octets, so that the entity tag stays.
        let answer = world.ask("PUT file", &[("if", &value)], "x").await;
        assert_eq!(answer.code(), status, "{value}: {answer:?}");
    }
}

/// RFC 4918 §10.4 holds for methods that read as well.
#[tokio::test]
async fn the_if_header_decides_about_reading() {
    let world = World::new().await;
    let etag = world.put("file", "x").await;
    let token = world.lock("file", &[]).await;
    for (value, status) in [
        (format!("([{etag}])"), 200),
        (format!("(<{token}> [{etag}])"), 200),
        (format!("(Not <{token}>)"), 412),
        ("([\"wrong\"])".into(), 412),
        (format!("<{HOME}file> (<{token}>)"), 200),
        ("(".into(), 400),
    ] {
        assert_eq!(
            world.ask("GET file", &[("if", &value)], "").await.code(),
            status,
            "{value}"
        );
    }
}

/// RFC 4918 §10.4: a report is not made of a state that the client does not expect.
#[tokio::test]
async fn the_if_header_decides_about_reports() {
    let world = World::new().await;
    let etag = world.put("calendar/1.ics", &event("1", "One")).await;
    let token = world.lock("calendar/", &[]).await;
    let hidden = "<D:expand-property xmlns:D='DAV:'/>";
    let unknown = "<D:unknown xmlns:D='DAV:'/>";
    for (path, value, body, status) in [
        ("calendar/1.ics", format!("([{etag}])"), hidden, 207),
        ("calendar/1.ics", "([\"wrong\"])".into(), hidden, 412),
        (
            "calendar/1.ics",
            format!("<{HOME}calendar/> (<{token}>)"),
            hidden,
            207,
        ),
        ("calendar/", format!("(<{token}>)"), hidden, 207),
        ("calendar/", format!("(Not <{token}>)"), hidden, 412),
        (
            "calendar/",
            format!("<{HOME}calendar/1.ics> ([\"wrong\"])"),
            hidden,
            412,
        ),
        ("calendar/", "(".into(), hidden, 400),
        // What fails without the header fails as it does without it (RFC 9110 §13.2.1).
        ("calendar/", format!("(Not <{token}>)"), unknown, 403),
        ("missing/", "(<DAV:no-lock>)".into(), hidden, 404),
    ] {
        let line = format!("REPORT {path}");
        let answer = world.ask(&line, &[("if", &value)], body).await;
        assert_eq!(answer.code(), status, "{value}: {answer:?}");
    }
}

/// RFC 4918 §10.4: a lock stays where the state is not the one that the client expects.
#[tokio::test]
async fn the_if_header_decides_about_unlocking() {
    let world = World::new().await;
    let etag = world.put("file", "x").await;
    let token = world.lock("file", &[]).await;
    let lock_token = format!("<{token}>");
    for (name, value, status) in [
        ("if", "([\"wrong\"])".to_owned(), 412),
        ("if", format!("(Not <{token}>)"), 412),
        ("if-match", "\"wrong\"".to_owned(), 412),
        ("if", "(".to_owned(), 400),
        ("if", format!("(<{token}> [{etag}])"), 204),
    ] {
        let headers = [("lock-token", lock_token.as_str()), (name, &value)];
        let answer = world.ask("UNLOCK file", &headers, "").await;
        assert_eq!(answer.code(), status, "{value}: {answer:?}");
    }
}

/// RFC 4918 §8.6: names that are compared decoded.
#[tokio::test]
async fn names_may_be_spelled_in_any_encoding() {
    let world = World::new().await;
    world.put("a%20b@%C3%A4", "x").await;
    assert_eq!(world.status("GET %61%20b%40%c3%a4").await, 200);
    assert_eq!(world.status("GET a%2fb").await, 400);
    assert_eq!(world.status("GET ../bob/calendar/").await, 400);
}

/// RFC 3744 §7.1.1
#[tokio::test]
async fn strangers_hear_which_privilege_is_missing() {
    let world = World::new().await;
    world.put("calendar/1.ics", &event("1", "Private")).await;
    for line in ["GET", "PUT", "DELETE"] {
        let answer = world
            .ask_bob(
                &format!("{line} {HOME}calendar/1.ics"),
                &[],
                &event("1", "Mine"),
            )
            .await;
        answer.refuses(403, "D:need-privileges");
        assert!(!answer.body.contains("Private"));
    }
    assert!(
        world
            .ask("GET calendar/1.ics", &[], "")
            .await
            .body
            .contains("Private")
    );
}

/// RFC 3744 §7.1.1, and RFC 4918 §5.2: a collection is named with its slash. Whether something stands where
/// a stranger looks, and of which kind, is not told: it is named as the stranger did.
#[tokio::test]
async fn strangers_hear_the_name_that_they_used() {
    let world = World::new().await;
    world.put("calendar/1.ics", &event("1", "Private")).await;
    let sync = "<D:sync-collection xmlns:D='DAV:'><D:sync-token/><D:sync-level>1</D:sync-level>\
        <D:prop/></D:sync-collection>";
    let find = "<D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>";
    let patch = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
        </D:prop></D:set></D:propertyupdate>";
    for (line, body, href) in [
        ("PROPFIND calendar/", find, "calendar/"),
        ("PROPFIND calendar", find, "calendar"),
        ("PROPFIND missing/", find, "missing/"),
        ("PROPFIND missing", find, "missing"),
        ("PROPFIND calendar/1.ics", find, "calendar/1.ics"),
        ("REPORT calendar/", sync, "calendar/"),
        ("REPORT %63alendar/", sync, "calendar/"),
        ("PROPPATCH calendar/", patch, "calendar/"),
        ("LOCK calendar/", &lock_info("shared"), "calendar/"),
        // Membership is a collection's, however the member is named.
        ("PUT calendar/new.ics", &event("2", "Mine"), "calendar/"),
        ("MKCOL calendar", "", ""),
        ("DELETE calendar/", "", ""),
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let line = format!("{method} {HOME}{path}");
        let answer = world.ask_bob(&line, &[("depth", "infinity")], body).await;
        answer.refuses(403, "D:need-privileges");
        let href = format!("<D:href>{HOME}{href}</D:href>");
        assert!(answer.body.contains(&href), "{line}: {answer:?}");
        // Where several privileges are missing, each is named with the resource (RFC 3744 §7.1.1).
        let named = answer.body.matches("<D:href>").count();
        assert_eq!(
            named,
            answer.body.matches(&href).count(),
            "{line}: {answer:?}"
        );
    }
}
