//! No interleaving of requests loses an update.

use tests::server::TestServer;

use super::{calendar, event};

/// Many writers count in one object, each with what it read; every success is in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_between_if_match_writers() {
    const WRITERS: usize = 8;
    const SUCCESSES_EACH: usize = 12;
    for server in [TestServer::start().await, TestServer::start_on_disk().await] {
        let path = calendar("alice") + "counter.ics";
        server
            .client("alice")
            .put(&path, &event("counter", "X-COUNT:0\n"))
            .await
            .expect(&[201]);
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            let (alice, path) = (server.client("alice"), path.clone());
            writers.spawn(async move {
                let mut successes = 0;
                while successes < SUCCESSES_EACH {
                    let read = alice.get(&path).await;
                    let count: usize = read
                        .text()
                        .split("X-COUNT:")
                        .nth(1)
                        .unwrap()
                        .split("\r\n")
                        .next()
                        .unwrap()
                        .parse()
                        .unwrap();
                    let reply = alice
                        .request("PUT", &path)
                        .header("Content-Type", "text/calendar")
                        .header("If-Match", read.header("ETag"))
                        .body(event("counter", &format!("X-COUNT:{}\n", count + 1)))
                        .send()
                        .await;
                    reply.expect(&[204, 412]);
                    successes += usize::from(reply.status == 204);
                }
            });
        }
        while let Some(done) = writers.join_next().await {
            done.unwrap();
        }
        let end = server.client("alice").get(&path).await;
        assert!(
            end.text()
                .contains(&format!("X-COUNT:{}\r\n", WRITERS * SUCCESSES_EACH)),
            "{}",
            end.text()
        );
    }
}

/// Of many who create the same name, one does; of many who create the same UID, one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_creator_wins() {
    let server = TestServer::start().await;
    for round in 0..10 {
        let mut creators = tokio::task::JoinSet::new();
        for creator in 0..8 {
            let alice = server.client("alice");
            creators.spawn(async move {
                let same_name = creator % 2 == 0;
                let name = if same_name {
                    format!("round-{round}.ics")
                } else {
                    format!("round-{round}-{creator}.ics")
                };
                let text = event(&format!("round-{round}"), &format!("X-CREATOR:{creator}\n"));
                let reply = alice
                    .request("PUT", &(calendar("alice") + &name))
                    .header("Content-Type", "text/calendar")
                    .header("If-None-Match", "*")
                    .body(text)
                    .send()
                    .await;
                reply.expect(&[201, 403, 412]);
                usize::from(reply.status == 201)
            });
        }
        let mut winners = 0;
        while let Some(won) = creators.join_next().await {
            winners += won.unwrap();
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

/// A calendar is deleted while others write into it and read it: nothing breaks, nothing stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_is_deleted_under_its_writers() {
    let server = TestServer::start().await;
    let home = "/dav/calendars/users/alice/busy/";
    for _ in 0..5 {
        let alice = server.client("alice");
        alice
            .request("MKCALENDAR", home)
            .send()
            .await
            .expect(&[201]);
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let alice = server.client("alice");
            writers.spawn(async move {
                for number in 0..20 {
                    let name = format!("{writer}-{number}");
                    alice
                        .put(&format!("{home}{name}.ics"), &event(&name, ""))
                        .await
                        .expect(&[201, 404, 409]);
                    alice
                        .propfind(home, "1", "<D:getetag/>")
                        .await
                        .expect(&[207, 404]);
                }
            });
        }
        alice.delete(home).await.expect(&[204]);
        while let Some(done) = writers.join_next().await {
            done.unwrap();
        }
        alice
            .propfind(home, "0", "<D:getetag/>")
            .await
            .expect(&[404]);
        // Its UIDs are free again, in any calendar.
        let reply = alice
            .put(&(calendar("alice") + "again.ics"), &event("0-0", ""))
            .await;
        reply.expect(&[201, 204]);
    }
}
