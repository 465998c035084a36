//! RFC 5842 §3.1: `DAV:resource-id` names a resource for ever.

use std::collections::BTreeSet;

use tests::{client::Client, server::TestServer};

use super::{calendar, event, put_new};

const HOME: &str = "/dav/calendars/users/alice/";

async fn id_of(client: &Client, path: &str) -> String {
    let answer = client.propfind(path, "0", "<D:resource-id/>").await;
    let id = answer.multistatus().responses[0].text("{DAV:}resource-id");
    assert!(
        id.starts_with("urn:uuid:") && id.len() == 45,
        "{path}: {id:?}"
    );
    id
}

/// Whatever is stored has one, no two have the same, and `allprop` leaves it out.
#[tokio::test]
async fn rfc_5842_3_1_everything_has_its_own() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    put_new(&bob, &(calendar("bob") + "a.ics"), &event("a", "")).await;
    let body = r#"<D:propfind xmlns:D="DAV:"><D:prop><D:resource-id/></D:prop></D:propfind>"#;
    let mut seen = BTreeSet::new();
    for (client, home) in [(&alice, HOME), (&bob, "/dav/calendars/users/bob/")] {
        let draft = client.request("PROPFIND", home).header("Depth", "infinity");
        let all = draft.xml(body.to_owned()).send().await.multistatus();
        assert_eq!(all.responses.len(), 5, "{:?}", all.hrefs());
        for response in &all.responses {
            assert!(
                seen.insert(response.text("{DAV:}resource-id")),
                "{response:?}"
            );
        }
    }
    let all = alice.request("PROPFIND", HOME).header("Depth", "0");
    let all = all.send().await.multistatus();
    assert_eq!(all.responses[0].status_of("{DAV:}resource-id"), None);
    assert_eq!(id_of(&alice, HOME).await, id_of(&alice, HOME).await);
}

/// It stays through changes of content and properties, moves and renames, also of the collection; a copy and
/// what is made anew under the same name have their own.
#[tokio::test]
async fn rfc_5842_3_1_stable_over_changes_and_moves() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let first = calendar("alice") + "a.ics";
    put_new(&alice, &first, &event("a", "")).await;
    let id = id_of(&alice, &first).await;
    alice
        .put(&first, &event("a", "LOCATION:x\n"))
        .await
        .expect(&[204]);
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:dead xmlns:X="urn:x">1</X:dead></D:prop></D:set></D:propertyupdate>"#;
    let patched = alice.request("PROPPATCH", &first).xml(patch.to_owned());
    patched.send().await.expect(&[207]);
    assert_eq!(id_of(&alice, &first).await, id);

    let work = format!("{HOME}work/");
    alice
        .request("MKCALENDAR", &work)
        .send()
        .await
        .expect(&[201]);
    let work_id = id_of(&alice, &work).await;
    let go = |method: &'static str, from: String, to: String| {
        let alice = alice.clone();
        async move {
            let draft = alice.request(method, &from).header("Destination", &to);
            draft.send().await.expect(&[201]);
        }
    };
    go("COPY", first.clone(), format!("{work}copy.ics")).await;
    assert_ne!(id_of(&alice, &format!("{work}copy.ics")).await, id);
    alice
        .delete(&format!("{work}copy.ics"))
        .await
        .expect(&[204]);
    go("MOVE", first.clone(), format!("{work}moved.ics")).await;
    assert_eq!(id_of(&alice, &format!("{work}moved.ics")).await, id);
    let renamed = format!("{HOME}renamed/");
    go("MOVE", work.clone(), renamed.clone()).await;
    assert_eq!(id_of(&alice, &renamed).await, work_id);
    assert_eq!(id_of(&alice, &format!("{renamed}moved.ics")).await, id);
    go("COPY", renamed.clone(), format!("{HOME}twin/")).await;
    assert_ne!(id_of(&alice, &format!("{HOME}twin/")).await, work_id);
    assert_ne!(id_of(&alice, &format!("{HOME}twin/moved.ics")).await, id);

    // The clock stands still, so that only the identities tell the old from the new.
    put_new(&alice, &first, &event("b", "")).await;
    let second = id_of(&alice, &first).await;
    assert_ne!(second, id);
    alice.delete(&first).await.expect(&[204]);
    put_new(&alice, &first, &event("c", "")).await;
    assert_ne!(id_of(&alice, &first).await, second);
}

/// What comes back out of the trash is what it was; a restart changes nothing.
#[tokio::test]
async fn rfc_5842_3_1_survives_trash_and_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(folder.path()).await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    put_new(&alice, &path, &event("a", "")).await;
    let id = id_of(&alice, &path).await;
    server.advance(std::time::Duration::from_secs(60));
    alice.delete(&path).await.expect(&[204]);
    let (trash, _) = server.desk().trash_list("alice", None, None).await.unwrap();
    server.desk().restore_item(&trash[0].id).await.unwrap();
    assert_eq!(id_of(&alice, &path).await, id);
    server.stop().await;
    let server = TestServer::start_on(folder.path()).await;
    assert_eq!(id_of(&server.client("alice"), &path).await, id);
}
