#![allow(clippy::unwrap_used)]

use http::StatusCode;
use http_body_util::Full;
use tower::ServiceExt;

use crate::{method::METHODS, testing::world};

/// RFC 6764 §5, client behaviours 1
#[tokio::test]
async fn the_well_known_address_redirects_every_method() {
    let world = world().await;
    for method in METHODS {
        for path in ["/.well-known/caldav", "/.well-known/caldav/"] {
            // Nobody is signed in.
            let request = http::Request::builder().method(method.name).uri(path);
            let request = request.body(Full::new(bytes::Bytes::new())).unwrap();
            let response = world.dav.clone().oneshot(request).await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::MOVED_PERMANENTLY,
                "{}",
                method.name
            );
            assert_eq!(response.headers()["location"], "/dav/");
        }
    }
}

/// Client behaviours 2
#[tokio::test]
async fn options_say_what_is_there() {
    let world = world().await;
    for path in [
        "*",
        "/",
        "/dav/principals/users/alice/",
        "/dav/calendars/users/alice/",
    ] {
        let answer = world.send(&world.alice, "OPTIONS", path, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK);
        let classes = answer.header("dav");
        for class in [
            "1",
            "2",
            "3",
            "access-control",
            "calendar-access",
            "calendar-auto-schedule",
            "extended-mkcol",
        ] {
            assert!(
                classes.split(", ").any(|found| found == class),
                "{path}: {classes}"
            );
        }
        assert!(answer.header("allow").contains("PROPFIND"));
    }
}

/// RFC 9110 §15.5.6, client behaviours 4
#[tokio::test]
async fn what_is_not_allowed_says_what_is() {
    let world = world().await;
    for (method, path) in [
        ("PUT", "/"),
        ("PUT", "/dav/calendars/users/alice/"),
        ("DELETE", "/dav/principals/users/alice/"),
        ("MKCOL", "/dav/"),
        ("POST", "/dav/calendars/users/alice/inbox/"),
        ("GET", "/dav/principals/"),
    ] {
        let answer = world
            .send(&world.alice, method, path, &["If-Match: nothing"], "")
            .await;
        let refused = [
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::PRECONDITION_FAILED,
        ];
        assert!(
            refused.contains(&answer.status),
            "{method} {path}: {}",
            answer.status
        );
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            let allow = answer.header("allow");
            assert!(
                allow.contains("PROPFIND") && !allow.split(", ").any(|one| one == method),
                "{path}: {allow}"
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused() {
    let world = world().await;
    let large = "x".repeat(1024 * 1024 + 1);
    let cases = [
        ("BREW", "/dav/", "", StatusCode::NOT_IMPLEMENTED),
        ("PROPFIND", "/dav/a%2Fb/", "", StatusCode::BAD_REQUEST),
        ("PROPFIND", "/dav/../etc/", "", StatusCode::BAD_REQUEST),
        ("PROPFIND", "/principals/", "", StatusCode::NOT_FOUND),
        (
            "PROPFIND",
            "/dav/principals/users/nobody/",
            "",
            StatusCode::NOT_FOUND,
        ),
        (
            "PROPFIND",
            "/dav/principals/groups/alice/",
            "",
            StatusCode::NOT_FOUND,
        ),
        ("PROPFIND", "/dav/", &large, StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (method, path, body, expected) in cases {
        let answer = world
            .send(&world.alice, method, path, &["Depth: 0"], body)
            .await;
        assert_eq!(answer.status, expected, "{method} {path}");
    }
}
