//! The service as a function: by table, from request to answer.
#![allow(clippy::unwrap_used)]

use http_body_util::BodyExt;
use serde_json::Value;

use super::*;
use crate::header::testing::headers;

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn problem(&self) -> String {
        assert_eq!(
            self.headers["content-type"],
            "application/problem+json; charset=utf-8"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let kind = problem["type"].as_str().unwrap();
        kind.strip_prefix("urn:ietf:params:tzdist:error:")
            .unwrap()
            .to_owned()
    }
}

async fn ask_with(method: &str, place: &str, lines: &[(&'static str, &str)]) -> Answer {
    let uri: Uri = format!("{CONTEXT_PATH}{place}").parse().unwrap();
    let address = Address::read(uri.path()).unwrap();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let response = answer(&address, &method, &uri, &headers(lines));
    let (parts, body) = response.into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(octets.to_vec()).unwrap(),
    }
}

async fn ask(place: &str) -> Answer {
    ask_with("GET", place, &[]).await
}

/// RFC 7808 §10.4, RFC 7807
#[tokio::test]
async fn what_is_wrong_is_said_by_its_name() {
    const RANGE: &str = "start=2010-01-01T00:00:00Z&end=2011-01-01T00:00:00Z";
    let same_end = "start=2010-01-01T00:00:00Z&end=2010-01-01T00:00:00Z";
    let cases: &[(&str, u16, &str)] = &[
        ("", 404, "invalid-action"),
        ("/nothing", 404, "invalid-action"),
        ("/zones/Mars%2FOlympus", 404, "tzid-not-found"),
        ("/zones/%FF", 404, "invalid-action"),
        ("/zones/UTC?start=soon", 400, "invalid-start"),
        (
            "/zones/UTC?start=2010-01-01T00:00:00%2B01:00",
            400,
            "invalid-start",
        ),
        (
            "/zones/UTC?start=2010-01-01T00:00:00.5Z",
            400,
            "invalid-start",
        ),
        (
            "/zones/UTC?start=2010-01-01T00:00:00Z&start=2010-01-01T00:00:00Z",
            400,
            "invalid-start",
        ),
        ("/zones/UTC?end=", 400, "invalid-end"),
        (&format!("/zones/UTC?{same_end}"), 400, "invalid-end"),
        ("/zones/UTC/observances", 400, "invalid-start"),
        (
            "/zones/UTC/observances?start=2010-01-01T00:00:00Z",
            400,
            "invalid-end",
        ),
        (
            &format!("/zones/UTC/observances?{same_end}"),
            400,
            "invalid-end",
        ),
        (
            &format!("/zones/Mars/observances?{RANGE}"),
            404,
            "tzid-not-found",
        ),
        (&format!("/zones/UTC/observances?{RANGE}"), 200, ""),
        (
            "/zones?changedsince=a&changedsince=b",
            400,
            "invalid-changedsince",
        ),
        ("/zones?pattern=", 400, "invalid-pattern"),
        ("/zones?pattern=a*b", 400, "invalid-pattern"),
        ("/zones?pattern=a&pattern=b", 400, "invalid-pattern"),
        ("/zones?pattern=%FF", 400, "invalid-action"),
    ];
    for &(place, status, kind) in cases {
        let answer = ask(place).await;
        assert_eq!(answer.status, status, "{place}: {}", answer.text);
        if status != 200 {
            assert_eq!(answer.problem(), kind, "{place}");
        }
    }
    let many: String = "a=b&".repeat(17);
    assert_eq!(ask(&format!("/zones?{many}")).await.status, 400);
    let accept = [("accept", "text/html")];
    let answer = ask_with("GET", "/zones/UTC", &accept).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (406, "invalid-format".to_owned())
    );
    for method in ["PUT", "POST", "DELETE", "PROPFIND"] {
        let answer = ask_with(method, "/zones", &[]).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (405, "invalid-action".to_owned())
        );
        assert_eq!(answer.headers["allow"], METHODS);
    }
}

/// RFC 7808 §5.1, §6.1
#[tokio::test]
async fn capabilities_tell_what_is_there() {
    let capabilities = ask("/capabilities").await.json();
    assert_eq!(capabilities["version"], 1);
    assert_eq!(
        capabilities["info"]["formats"],
        serde_json::json!([
            "text/calendar",
            "application/calendar+json",
            "application/calendar+xml"
        ])
    );
    assert_eq!(
        capabilities["info"]["truncated"],
        serde_json::json!({"any": true, "untruncated": true})
    );
    let source = capabilities["info"]["primary-source"].as_str().unwrap();
    assert!(source.starts_with("IANA:20"), "{source}");
    let actions = capabilities["actions"].as_array().unwrap();
    let names: Vec<&str> = actions
        .iter()
        .map(|action| action["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "capabilities",
            "list",
            "get",
            "expand",
            "find",
            "leapseconds"
        ]
    );
    assert_eq!(
        actions[3],
        serde_json::json!({
            "name": "expand",
            "uri-template": "/dav/timezones/zones{/tzid}/observances{?start,end}",
            "parameters": [
                {"name": "start", "required": true, "multi": false},
                {"name": "end", "required": true, "multi": false}
            ]
        })
    );
}

/// RFC 7808 §5.2, §5.5, §6.2
#[tokio::test]
async fn zones_are_listed_and_found() {
    let all = ask("/zones").await.json();
    let zones = all["timezones"].as_array().unwrap();
    assert!(zones.len() > 300);
    let new_york = zones
        .iter()
        .find(|zone| zone["tzid"] == "America/New_York")
        .unwrap();
    let aliases = new_york["aliases"].as_array().unwrap();
    assert!(aliases.contains(&"US/Eastern".into()));
    assert_eq!(new_york["publisher"], "IANA");
    assert_eq!(new_york["last-modified"], "2026-10-06T00:00:00Z");
    let get = ask("/zones/America%2FNew_York").await;
    let tag = new_york["etag"].as_str().unwrap();
    assert_eq!(get.headers["etag"], format!("\"{tag}\""));

    let token = all["synctoken"].as_str().unwrap();
    let changed = ask(&format!("/zones?changedsince={token}")).await.json();
    assert_eq!(
        changed,
        serde_json::json!({"synctoken": token, "timezones": []})
    );
    // RFC 7808 §5.2: a token that is not supported is as good as none
    assert_eq!(ask("/zones?changedsince=2009a").await.json(), all);

    for (pattern, expected) in [
        ("US/Eastern", vec!["America/New_York"]),
        ("*new%20york*", vec!["America/New_York"]),
        ("Etc/GMT+1", vec!["Etc/GMT+1"]),
        ("Australia/Lord*", vec!["Australia/Lord_Howe"]),
        ("Mars*", vec![]),
    ] {
        let found = ask(&format!("/zones?pattern={pattern}")).await.json();
        assert_eq!(found["synctoken"], token);
        let names: Vec<&str> = found["timezones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|zone| zone["tzid"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{pattern}");
    }
}

/// RFC 7808 §5.3
#[tokio::test]
async fn a_zone_is_got_whole_truncated_and_by_its_aliases() {
    for place in [
        "/zones/Europe%2FBerlin",
        "/zones/Europe/Berlin",
        "/zones/Europe%2fBerlin/",
    ] {
        let answer = ask(place).await;
        assert_eq!(answer.status, 200, "{place}");
        assert_eq!(
            answer.headers["content-type"],
            "text/calendar; charset=utf-8"
        );
        assert!(
            answer
                .text
                .starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
        );
        assert!(answer.text.contains("\r\nTZID:Europe/Berlin\r\n"));
        assert!(
            answer
                .text
                .contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n")
        );
        assert!(!answer.text.contains("TZUNTIL"));
    }
    let alias = ask("/zones/US%2FEastern").await.text;
    assert!(alias.contains("TZID:US/Eastern\r\nTZID-ALIAS-OF:America/New_York\r\n"));
    let part =
        ask("/zones/America%2FNew_York?start=2010-01-01T00:00:00Z&end=2020-01-01T00:00:00Z").await;
    assert!(part.text.contains("TZUNTIL:20200101T000000Z\r\n"));
    assert!(part.text.contains("DTSTART:20091231T190000\r\n"));
}

/// RFC 7808 §4.1.4: in the format that the client likes, with a tag of its own.
#[tokio::test]
async fn a_zone_is_got_in_each_format() {
    let mut tags = Vec::new();
    for (accept, media_type, words) in [
        (
            "*/*",
            "text/calendar; charset=utf-8",
            "TZID:Europe/Berlin\r\n",
        ),
        (
            "application/calendar+json",
            "application/calendar+json",
            "[\"tzid\",{},\"text\",\"Europe/Berlin\"]",
        ),
        (
            "application/calendar+xml",
            "application/calendar+xml; charset=utf-8",
            "<tzid><text>Europe/Berlin</text></tzid>",
        ),
    ] {
        let answer = ask_with("GET", "/zones/Europe%2FBerlin", &[("accept", accept)]).await;
        assert_eq!(answer.headers["content-type"], media_type);
        assert_eq!(answer.headers["vary"], "Accept");
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(!tags.contains(&answer.headers["etag"]));
        tags.push(answer.headers["etag"].clone());
    }
}

/// RFC 7808 §5.4, §6.3
#[tokio::test]
async fn a_zone_is_expanded() {
    let year = "?start=2008-01-01T00:00:00Z&end=2009-01-01T00:00:00Z";
    let answer = ask(&format!("/zones/America%2FNew_York/observances{year}")).await;
    assert!(answer.headers.contains_key("etag"));
    assert_eq!(
        answer.json(),
        serde_json::json!({
            "tzid": "America/New_York",
            "observances": [
                {"name": "Standard", "onset": "2008-01-01T00:00:00Z", "utc-offset-from": -18000, "utc-offset-to": -18000},
                {"name": "Daylight", "onset": "2008-03-09T07:00:00Z", "utc-offset-from": -18000, "utc-offset-to": -14400},
                {"name": "Standard", "onset": "2008-11-02T06:00:00Z", "utc-offset-from": -14400, "utc-offset-to": -18000}
            ]
        })
    );
    // from a change on: it is there once
    let from_change = "?start=2008-03-09T07:00:00Z&end=2008-03-10T00:00:00Z";
    let answer = ask(&format!(
        "/zones/America%2FNew_York/observances{from_change}"
    ))
    .await;
    assert_eq!(
        answer.json()["observances"],
        serde_json::json!([
            {"name": "Daylight", "onset": "2008-03-09T07:00:00Z", "utc-offset-from": -18000, "utc-offset-to": -14400}
        ])
    );
    // what is too much is left out, and that is said
    let ever = "?start=1900-01-01T00:00:00Z&end=9999-01-01T00:00:00Z";
    let answer = ask(&format!("/zones/America%2FNew_York/observances{ever}"))
        .await
        .json();
    assert_eq!(answer["observances"].as_array().unwrap().len(), 1_000);
    assert!(answer["end"].as_str().unwrap() > "2300");
}

/// RFC 7808 §5.6
#[tokio::test]
async fn leap_seconds_are_told() {
    let answer = ask("/leapseconds").await.json();
    let seconds = answer["leapseconds"].as_array().unwrap();
    assert_eq!(
        seconds[0],
        serde_json::json!({"utc-offset": 10, "onset": "1972-01-01"})
    );
    assert_eq!(
        seconds[27],
        serde_json::json!({"utc-offset": 37, "onset": "2017-01-01"})
    );
    let release = data::in_use().release();
    let made = release.modified.to_string();
    assert!(answer["expires"].as_str().unwrap() > made.as_str());
    assert_eq!(answer["version"], release.name.as_str());
}

/// RFC 9110 §13.1.2, §9.3.2
#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    for place in ["/capabilities", "/zones", "/zones/UTC", "/leapseconds"] {
        let whole = ask(place).await;
        assert_eq!(whole.headers["cache-control"], CACHE);
        let tag = whole.headers["etag"].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let answer = ask_with("GET", place, &[("if-none-match", &known)]).await;
            assert_eq!((answer.status, answer.text.as_str()), (304, ""), "{place}");
            assert_eq!(answer.headers["etag"], tag);
        }
        let other = ask_with("GET", place, &[("if-none-match", "\"x\"")]).await;
        assert_eq!((other.status, &other.text), (200, &whole.text));
        let head = ask_with("HEAD", place, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert_eq!(head.headers["content-length"], whole.text.len().to_string());
    }
    let missing = ask_with("GET", "/zones/Mars", &[("if-none-match", "*")]).await;
    assert_eq!(missing.status, 404);
    let options = ask_with("OPTIONS", "/zones", &[]).await;
    assert_eq!(
        (options.status, &options.headers["allow"]),
        (200, &HeaderValue::from_static(METHODS))
    );
}

#[test]
fn addresses_are_read() {
    for (path, expected) in [
        ("/.well-known/timezone", Some(Address::WellKnown)),
        ("/.well-known/timezone/", Some(Address::WellKnown)),
        ("/.well-known/timezone/x", None),
        ("/dav/timezones", Some(Address::Unknown)),
        ("/dav/timezonesx", None),
        ("/dav/timezones/zones/", Some(Address::Zones)),
        (
            "/dav/timezones/zones/A%2FB",
            Some(Address::Zone("A/B".into())),
        ),
        (
            "/dav/timezones/zones/A/B/observances",
            Some(Address::Observances("A/B".into())),
        ),
        ("/dav/", None),
        ("/", None),
    ] {
        assert_eq!(Address::read(path), expected, "{path}");
    }
}
