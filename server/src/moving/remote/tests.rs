//! A migration from a server that fails for some of what it has.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use super::{
    super::{Ask, Outcome, Told, intake::Manner, intake::Summary},
    scripted::{Scripted, answering, says, transport},
    *,
};

/// Takes everything, and remembers the UIDs.
#[derive(Default)]
struct Taker(Mutex<Vec<String>>);

impl Performer for Taker {
    async fn perform(&self, ask: &Ask) -> Result<Told, String> {
        Ok(match ask {
            Ask::ListCalendars { .. } => Told::Calendars(Vec::new()),
            Ask::MakeCalendar { .. } => Told::Made,
            Ask::ListOrigins { .. } => Told::Origins(Vec::new(), None),
            Ask::ImportObjects { objects, .. } => {
                let uid = |text: &str| {
                    let line = text.lines().find_map(|line| line.strip_prefix("UID:"));
                    line.unwrap().to_owned()
                };
                let uids = objects.iter().map(|object| uid(&object.text));
                self.0.lock().unwrap().extend(uids);
                Told::Imported(vec![Outcome::Created; objects.len()])
            }
            Ask::ExportObjects { .. } => Told::Refused("nothing is exported".into()),
        })
    }
}

fn multistatus(responses: &str) -> String {
    let body = format!(
        "<d:multistatus xmlns:d='DAV:' xmlns:c='urn:ietf:params:xml:ns:caldav'>{responses}</d:multistatus>"
    );
    says("207 Multi-Status", "", &body)
}

fn response(href: &str, properties: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>\
         <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

fn calendar(href: &str) -> String {
    let kind = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
    response(href, kind)
}

fn event(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n\
         DTSTART:20260201T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

/// How a server of two homes, with the calendars `a` and `b` in the first and `c` in the second, each with so many
/// objects, answers what is not listed here.
struct Script {
    objects: usize,
    /// What it answers to the first words of a request; an empty answer breaks off.
    instead: Vec<(&'static str, &'static str)>,
}

impl Script {
    async fn serve(self) -> Scripted {
        answering(move |head, body| {
            let request = head.lines().next().unwrap_or_default().to_owned();
            let instead = self
                .instead
                .iter()
                .find(|(start, _)| request.starts_with(start));
            match instead {
                Some((_, "")) => None,
                Some((_, status)) => Some(says(status, "", "<html>it failed</html>")),
                None => Some(self.answer(&request, body)),
            }
        })
        .await
    }

    fn answer(&self, request: &str, body: &str) -> String {
        let words: Vec<&str> = request.split(' ').collect();
        let path = words[1];
        let numbers = 0..self.objects;
        match (words[0], path) {
            ("propfind", "/") if body.contains("calendar-home-set") => multistatus(&response(
                "/",
                "<c:calendar-home-set><d:href>/one/</d:href><d:href>/two/</d:href></c:calendar-home-set>",
            )),
            ("propfind", "/") => multistatus(&response("/", "<d:resourcetype/>")),
            // the second home lists a calendar of the first, too
            ("propfind", "/one/") => {
                multistatus(&[calendar("/one/a/"), calendar("/one/b/")].concat())
            }
            ("propfind", "/two/") => {
                multistatus(&[calendar("/two/c/"), calendar("/one/a/")].concat())
            }
            ("propfind", _) => {
                let member =
                    |number| response(&format!("{path}{number}"), "<d:getetag>\"1\"</d:getetag>");
                multistatus(&numbers.map(member).collect::<String>())
            }
            ("report", _) => {
                let data = |number: usize| {
                    let href = format!("{path}{number}");
                    let data = format!("<c:calendar-data>{}</c:calendar-data>", event(&href));
                    // what it fails for alone, it leaves out of what it gives of all
                    let fails = |(start, _): &(&str, _)| format!("get {href} ").starts_with(start);
                    let is_given = !self.instead.iter().any(fails);
                    (is_given && body.contains(&format!("{href}<"))).then(|| response(&href, &data))
                };
                multistatus(&numbers.filter_map(data).collect::<String>())
            }
            _ => says("200 OK", "", &event(path)),
        }
    }
}

/// What a migration comes to: how it ended, the summary, the number of objects from `a`, `b` and `c`, and of
/// requests.
struct Migration {
    ended: Result<(), String>,
    summary: Summary,
    taken: [usize; 3],
    requests: usize,
}

async fn migrate(objects: usize, instead: &[(&'static str, &'static str)]) -> Migration {
    let instead = instead.to_vec();
    let server = Script { objects, instead }.serve().await;
    let transport = transport(&server.address);
    let found = discover(&transport, &server.address).await.unwrap();
    let taker = Taker::default();
    let mut intake = Intake::begin(&taker, Manner::default(), |_| {})
        .await
        .unwrap();
    let ended = import(&transport, &found, &mut intake).await;
    let summary = match &ended {
        Ok(()) => intake.finish().await.unwrap(),
        Err(_) => intake.give_up(),
    };
    let uids = taker.0.lock().unwrap();
    let of = |calendar: &str| uids.iter().filter(|uid| uid.starts_with(calendar)).count();
    let requests = server.heads.lock().unwrap().len();
    Migration {
        ended,
        taken: ["/one/a/", "/one/b/", "/two/c/"].map(of),
        summary,
        requests,
    }
}

/// RFC 4791 §6.2.1: calendars may be in several homes; what stands in both comes once.
#[tokio::test]
async fn all_homes_are_looked_into() {
    let done = migrate(60, &[]).await;
    assert_eq!(done.ended, Ok(()));
    assert_eq!(done.taken, [60, 60, 60]);
    assert_eq!(done.summary.calendars_made, 3);
    assert_eq!(done.summary.reasons, [""; 0]);
    // three to find the homes, two homes, and each calendar's list and two reports
    assert_eq!(done.requests, 2 + 2 + 3 * 3);
}

/// A server that fails for one object often fails for all that are asked for with it.
#[tokio::test]
async fn one_object_keeps_no_other_from_coming() {
    let broken: [&[(&str, &str)]; 5] = [
        &[
            ("report", "500 Internal Server Error"),
            ("get /one/a/7 ", "500 Internal Server Error"),
        ],
        &[
            ("report", "503 Service Unavailable"),
            ("get /one/a/7 ", "503 Service Unavailable"),
        ],
        &[("report", "200 OK"), ("get /one/a/7 ", "403 Forbidden")],
        &[
            ("report /one/b/", "400 Bad Request"),
            ("report /one/a/", "502 Bad Gateway"),
            ("get /one/a/7 ", "302 Found"),
        ],
        // it breaks off
        &[("report /one/a/", ""), ("get /one/a/7 ", "")],
    ];
    for instead in broken {
        let done = migrate(60, instead).await;
        assert_eq!(done.ended, Ok(()), "{instead:?}");
        assert_eq!(done.taken, [59, 60, 60], "{instead:?}");
        assert_eq!(done.summary.refused, 1);
        assert!(
            done.summary.reasons[0].contains("/one/a/7: "),
            "{:?}",
            done.summary.reasons
        );
    }
}

/// Objects here and there that a server fails for are no failing server.
#[tokio::test]
async fn broken_objects_among_others_give_up_no_calendar() {
    let failing = |number: usize| {
        let start: &str = String::leak(format!("get /one/a/{} ", 10 * number + 3));
        (start, "500 Internal Server Error")
    };
    let failing: Vec<(&'static str, &'static str)> = (0..30).map(failing).collect();
    assert!(failing.len() > fetch::OBJECTS_IN_A_ROW);
    let done = migrate(300, &failing).await;
    assert_eq!(done.ended, Ok(()));
    assert_eq!(done.taken, [270, 300, 300]);
    assert_eq!(done.summary.refused, 30);
}

/// Where it fails always, it is not asked for each of a thousand objects; the next calendar may be whole.
#[tokio::test]
async fn a_calendar_is_given_up_and_the_next_comes() {
    let failing = "500 Internal Server Error";
    let done = migrate(
        300,
        &[("report /one/a/", failing), ("get /one/a/", failing)],
    )
    .await;
    assert_eq!(done.ended, Ok(()));
    assert_eq!(done.taken, [0, 300, 300]);
    assert_eq!(done.summary.refused, 300);
    assert_eq!(done.summary.reasons.len(), fetch::OBJECTS_IN_A_ROW + 1);
    let last = done.summary.reasons.last().unwrap();
    assert!(
        last.contains("/one/a/: 280 more are not asked for"),
        "{last}"
    );
    // fewer failing reports than there are half hundreds
    let reports = migrate(300, &[("report", failing)]).await;
    assert_eq!(reports.taken, [300, 300, 300]);
    assert_eq!(reports.requests, 2 + 2 + 3 * (1 + 3 + 300));
    // a calendar that cannot be listed, and a home that cannot be looked into
    let done = migrate(60, &[("propfind /one/b/", failing)]).await;
    assert_eq!((done.ended, done.taken), (Ok(()), [60, 0, 60]));
    assert!(
        done.summary.reasons[0].contains("/one/b/"),
        "{:?}",
        done.summary.reasons
    );
    let done = migrate(60, &[("propfind /one/ ", failing)]).await;
    assert_eq!((done.ended, done.taken), (Ok(()), [60, 0, 60]));
    assert!(
        done.summary.reasons[0].contains("/one/: "),
        "{:?}",
        done.summary.reasons
    );
}

/// A server that is not there any more is not asked for thousands of objects, and what came stays.
#[tokio::test]
async fn silence_ends_everything() {
    let silent = [("report /one/b/", ""), ("get /one/b/", "")];
    let done = migrate(60, &silent).await;
    assert!(done.ended.unwrap_err().contains("cannot be reached"));
    assert_eq!(done.taken, [60, 0, 0]);
    let expelled = [
        ("get /one/b/", "401 Unauthorized"),
        ("report /one/b/", "500 Internal Server Error"),
    ];
    let done = migrate(60, &expelled).await;
    assert!(done.ended.unwrap_err().contains("does not take"));
    assert_eq!(done.taken, [60, 0, 0]);
}
