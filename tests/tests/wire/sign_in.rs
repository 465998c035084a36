//! RFC 7617, and what clients make of a 401.

use tests::{client::Client, server::TestServer};

/// Client behaviour 1: one realm in every 401, OPTIONS included; 401 and not 404 without credentials.
#[tokio::test]
async fn rfc_7617_2_every_401_has_the_same_realm() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let mut challenges = Vec::new();
    for method in [
        "OPTIONS",
        "PROPFIND",
        "GET",
        "PUT",
        "REPORT",
        "DELETE",
        "MKCALENDAR",
    ] {
        for path in ["/", "/dav/", "/dav/calendars/users/alice/", "/nothing/here"] {
            let reply = nobody.request(method, path).send().await;
            reply.expect(&[401]);
            challenges.push(reply.header("WWW-Authenticate").to_owned());
        }
    }
    let wrong = Client::signed_in(server.url(), "alice", "wrong");
    let reply = wrong.request("PROPFIND", "/").send().await;
    reply.expect(&[401]);
    challenges.push(reply.header("WWW-Authenticate").to_owned());
    challenges.dedup();
    assert_eq!(challenges.len(), 1, "{challenges:?}");
    assert!(
        challenges[0].starts_with("Basic realm=\""),
        "{challenges:?}"
    );
}

/// Unknown people and wrong passwords are answered alike.
#[tokio::test]
async fn unknown_people_look_like_wrong_passwords() {
    let server = TestServer::start().await;
    let unknown = Client::signed_in(server.url(), "nobody", "alice")
        .get("/dav/")
        .await;
    let wrong = Client::signed_in(server.url(), "alice", "nobody")
        .get("/dav/")
        .await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.status, wrong.status);
    assert_eq!(unknown.body, wrong.body);
}

/// Broken credentials are a 401, not a crash.
#[tokio::test]
async fn broken_authorization_headers() {
    let server = TestServer::start().await;
    for value in [
        "",
        "Basic",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Bearer x",
        "Basic YWxpY2U6\u{fc}",
    ] {
        let reply = server
            .anonymous()
            .request("GET", "/dav/")
            .header("Authorization", value)
            .send()
            .await;
        reply.expect(&[400, 401]);
    }
}

/// One person does not see or change what is another's.
#[tokio::test]
async fn rfc_3744_3_a_home_is_its_owners() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = "/dav/calendars/users/alice/calendar/private.ics";
    super::put_new(&alice, path, &super::event("private", "")).await;
    let bob = server.client("bob");
    bob.get(path).await.expect(&[403, 404]);
    bob.put(path, &super::event("private", ""))
        .await
        .expect(&[403, 404]);
    bob.delete(path).await.expect(&[403, 404]);
    bob.propfind("/dav/calendars/users/alice/calendar/", "1", "<D:getetag/>")
        .await
        .expect(&[403, 404]);
    bob.request("MKCALENDAR", "/dav/calendars/users/alice/mine/")
        .send()
        .await
        .expect(&[403, 404]);
    bob.request("COPY", path)
        .header(
            "Destination",
            "/dav/calendars/users/bob/calendar/stolen.ics",
        )
        .send()
        .await
        .expect(&[403, 404]);
    let multiget = format!(
        r#"<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><D:href>{path}</D:href></C:calendar-multiget>"#
    );
    let reply = bob
        .report("/dav/calendars/users/bob/calendar/", "1", &multiget)
        .await;
    assert!(!String::from_utf8_lossy(&reply.body).contains("SUMMARY"));
    alice.get(path).await.expect(&[200]);
    // An administrator reads and writes every home.
    let admin = server.client("admin");
    admin.get(path).await.expect(&[200]);
    admin
        .put(path, &super::event("private", "LOCATION:Here\n"))
        .await
        .expect(&[204]);
}
