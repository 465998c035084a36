//! The one table of addresses: every URL that this server has is a row here, to be read and printed.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use storage::{
    ResourcePath,
    access::Delegation,
    model::{AttachmentId, LockRoot, MAXIMUM_NAME_OCTETS, Principal, PrincipalKind},
};

use crate::time_zone_service;

/// What is percent-encoded in a segment: everything that RFC 3986 §3.3 does not allow in `pchar`, and
/// a few characters that clients are known to compare in either form.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest segment, decoded, in octets.
pub(crate) const MAXIMUM_SEGMENT_OCTETS: usize = MAXIMUM_NAME_OCTETS;
/// The most segments of a path.
pub(crate) const MAXIMUM_SEGMENTS: usize = 32;

/// A place in the URL space. It says nothing about whether something is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// `/`
    Root,
    /// `/.well-known/caldav` (RFC 6764 §5)
    WellKnown,
    /// `/dav/`
    Dav,
    /// `/dav/principals/`
    Principals,
    /// `/dav/principals/users/` and its like
    PrincipalsOfKind(PrincipalKind),
    /// `/dav/principals/users/NAME/` (RFC 3744 §2)
    Principal(PrincipalKind, String),
    /// `/dav/principals/users/NAME/calendar-proxy-read/`
    Proxy(PrincipalKind, String, Delegation),
    /// `/dav/calendars/`
    Homes,
    /// `/dav/calendars/users/` and its like
    HomesOfKind(PrincipalKind),
    /// `/dav/attachments/ID/FILENAME` (RFC 8607 §3.10)
    Attachment(String, String),
    /// `OBJECT-URL;dry-run`: what a change of what stands there would come to.
    DryRun(ResourcePath, DryRun),
    /// A home (RFC 4791 §6.2.1) or anything in it.
    Stored(ResourcePath),
}

/// Which change is only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DryRun {
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// What stands behind the URL of an object. Written so, without percent-encoding, it is never part of a name.
const DRY_RUNS: [(&str, DryRun); 2] = [
    (";dry-run", DryRun::Put),
    (";dry-run=delete", DryRun::Delete),
];

/// The URL of the object, where a path asks for a dry run.
fn split_dry_run(path: &str) -> Option<(&str, DryRun)> {
    DRY_RUNS
        .into_iter()
        .find_map(|(suffix, change)| Some((path.strip_suffix(suffix)?, change)))
}

/// Why a path is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// 400: not decodable, or with segments that no resource has.
    Malformed,
    /// 404: nothing of ours is ever there.
    Unknown,
    /// 414: longer or deeper than anything that can be made here.
    TooLong,
}

/// A piece of a row.
#[derive(Clone, Copy)]
enum Piece {
    /// Exactly this.
    Word(&'static str),
    /// The word of one of these kinds.
    Kind(&'static [PrincipalKind]),
    /// A principal's name.
    Name,
    /// The word of one of the groups of delegates.
    Delegates,
    /// Any number of names.
    Rest,
}

/// What the variable pieces of a row hold.
#[derive(Default)]
struct Held {
    kind: Option<PrincipalKind>,
    name: String,
    delegation: Option<Delegation>,
    rest: Vec<String>,
}

struct Row {
    pieces: &'static [Piece],
    /// From the held pieces; `None` where their number is wrong.
    build: fn(Held) -> Option<Path>,
}

const ALL_KINDS: &[PrincipalKind] = &[
    PrincipalKind::User,
    PrincipalKind::Group,
    PrincipalKind::Resource,
    PrincipalKind::Location,
];
/// The kinds that have a calendar home.
pub(crate) const HOME_KINDS: &[PrincipalKind] = &[
    PrincipalKind::User,
    PrincipalKind::Resource,
    PrincipalKind::Location,
];

use Piece::{Delegates, Kind, Name, Rest, Word};

/// The path scheme.
const SCHEME: &[Row] = &[
    // first, as nearly every request is about one of these
    Row {
        pieces: &[Word("dav"), Word("calendars"), Kind(HOME_KINDS), Name, Rest],
        build: |held| {
            Some(Path::Stored(ResourcePath {
                owner_kind: held.kind?,
                owner_name: held.name,
                segments: held.rest,
            }))
        },
    },
    Row {
        pieces: &[],
        build: |_| Some(Path::Root),
    },
    Row {
        pieces: &[Word(".well-known"), Word("caldav")],
        build: |_| Some(Path::WellKnown),
    },
    Row {
        pieces: &[Word("dav")],
        build: |_| Some(Path::Dav),
    },
    Row {
        pieces: &[Word("dav"), Word("principals")],
        build: |_| Some(Path::Principals),
    },
    Row {
        pieces: &[Word("dav"), Word("principals"), Kind(ALL_KINDS)],
        build: |held| Some(Path::PrincipalsOfKind(held.kind?)),
    },
    Row {
        pieces: &[Word("dav"), Word("principals"), Kind(ALL_KINDS), Name],
        build: |held| Some(Path::Principal(held.kind?, held.name)),
    },
    Row {
        pieces: &[
            Word("dav"),
            Word("principals"),
            Kind(ALL_KINDS),
            Name,
            Delegates,
        ],
        build: |held| Some(Path::Proxy(held.kind?, held.name, held.delegation?)),
    },
    Row {
        pieces: &[Word("dav"), Word("calendars")],
        build: |_| Some(Path::Homes),
    },
    Row {
        pieces: &[Word("dav"), Word("calendars"), Kind(HOME_KINDS)],
        build: |held| Some(Path::HomesOfKind(held.kind?)),
    },
    Row {
        pieces: &[Word("dav"), Word("attachments"), Rest],
        build: |held| match <[String; 2]>::try_from(held.rest) {
            Ok([id, filename]) => Some(Path::Attachment(id, filename)),
            Err(_) => None,
        },
    },
];

/// The word of a kind in a URL.
pub(crate) fn kind_word(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "users",
        PrincipalKind::Group => "groups",
        PrincipalKind::Resource => "resources",
        PrincipalKind::Location => "locations",
    }
}

/// The word of a group of delegates in a URL (calendarserver calendar-proxy §5.2 for the first two).
fn delegation_word(delegation: Delegation) -> &'static str {
    match delegation {
        Delegation::Read => "calendar-proxy-read",
        Delegation::Write => "calendar-proxy-write",
        Delegation::Answer => "delegates-who-answer",
        Delegation::Invite => "delegates-who-invite",
        Delegation::Private => "delegates-who-see-private",
    }
}

impl Path {
    /// Reads the path of a URL (without query), percent-encoded. A slash at the end makes no difference.
    pub fn parse(path: &str) -> Result<Path, PathError> {
        let path = path.strip_prefix('/').ok_or(PathError::Malformed)?;
        if path.is_empty() {
            return Ok(Path::Root);
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some((object, change)) = split_dry_run(path) {
            return match Path::parse(&format!("/{object}"))? {
                Path::Stored(path) if !path.segments.is_empty() => Ok(Path::DryRun(path, change)),
                _ => Err(PathError::Unknown),
            };
        }
        let slashes = path.bytes().filter(|octet| *octet == b'/').count();
        if slashes >= MAXIMUM_SEGMENTS {
            return Err(PathError::TooLong);
        }
        let mut segments = Vec::with_capacity(slashes + 1);
        for segment in path.split('/') {
            segments.push(decode_segment(segment)?);
        }
        let row = SCHEME.iter().find(|row| fits(row.pieces, &segments));
        row.and_then(|row| (row.build)(hold(row.pieces, segments)))
            .ok_or(PathError::Unknown)
    }

    /// The principal resource of a principal.
    pub fn of_principal(principal: &Principal) -> Path {
        Path::Principal(principal.kind, principal.name.clone())
    }

    /// The calendar home of a principal, if it has one.
    pub fn of_home(principal: &Principal) -> Option<Path> {
        principal.home?;
        Some(Path::Stored(home_path(principal)))
    }

    /// The URL of what a lock was taken on.
    pub fn of_lock_root(root: &LockRoot) -> String {
        Path::Stored(root.path.clone()).href(root.is_collection)
    }

    /// The decoded segments.
    fn segments(&self) -> Vec<&str> {
        match self {
            Path::Root => vec![],
            Path::WellKnown => vec![".well-known", "caldav"],
            Path::Dav => vec!["dav"],
            Path::Principals => vec!["dav", "principals"],
            Path::PrincipalsOfKind(kind) => vec!["dav", "principals", kind_word(*kind)],
            Path::Principal(kind, name) => vec!["dav", "principals", kind_word(*kind), name],
            Path::Proxy(kind, name, access) => {
                let kind = kind_word(*kind);
                vec!["dav", "principals", kind, name, delegation_word(*access)]
            }
            Path::Homes => vec!["dav", "calendars"],
            Path::HomesOfKind(kind) => vec!["dav", "calendars", kind_word(*kind)],
            Path::Attachment(id, filename) => vec!["dav", "attachments", id, filename],
            Path::Stored(path) | Path::DryRun(path, _) => {
                let mut segments = vec![
                    "dav",
                    "calendars",
                    kind_word(path.owner_kind),
                    &path.owner_name,
                ];
                segments.extend(path.segments.iter().map(String::as_str));
                segments
            }
        }
    }

    /// The URL of a member of the collection at `href`, written behind what is there.
    pub fn push_member(href: &mut String, name: &str) {
        let (name, ending) = match split_dry_run(name) {
            Some((start, _)) => (start, &name[start.len() + 1..]),
            None => (name, ""),
        };
        href.extend(utf8_percent_encode(name, SEGMENT));
        if !ending.is_empty() {
            href.push_str("%3B");
            href.push_str(ending);
        }
    }

    /// The path as it stands in a URL. Collections end in a slash (RFC 4918 §5.2).
    pub fn href(&self, collection: bool) -> String {
        let mut href = String::with_capacity(64);
        for segment in self.segments() {
            href.push('/');
            Path::push_member(&mut href, segment);
        }
        if let Path::DryRun(_, change) = self {
            let suffixes = DRY_RUNS.iter().filter(|(_, known)| known == change);
            href.extend(suffixes.map(|(suffix, _)| *suffix));
            return href;
        }
        if collection || href.is_empty() {
            href.push('/');
        }
        href
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_one = matches!(
            self,
            Path::Stored(_) | Path::DryRun(..) | Path::Attachment(..) | Path::WellKnown
        );
        out.write_str(&self.href(!is_one))
    }
}

/// The path of a principal's home.
pub(crate) fn home_path(principal: &Principal) -> ResourcePath {
    ResourcePath {
        owner_kind: principal.kind,
        owner_name: principal.name.clone(),
        segments: Vec::new(),
    }
}

/// Whether the server must let a request through without sign-in: what redirects, and the time-zone service.
pub fn open_without_sign_in(path: &str) -> bool {
    // Every request is asked this; only few need to be read for it.
    path.ends_with(['v', '/']) && Path::parse(path) == Ok(Path::WellKnown)
        || time_zone_service::Address::read(path).is_some()
}

/// Whether a request without credentials is answered as anybody's: one that reads what stands in a home,
/// where entries may let everyone read (RFC 3744 §5.5.1).
pub fn open_to_anybody(method: &http::Method, path: &str) -> bool {
    matches!(
        method.as_str(),
        "GET" | "HEAD" | "OPTIONS" | "PROPFIND" | "REPORT"
    ) && matches!(Path::parse(path), Ok(Path::Stored(_)))
}

/// What stands in a home at the path of a URL; `None` for a path that is another one's or none.
pub fn stored_path_of_path(path: &str) -> Option<ResourcePath> {
    match Path::parse(path) {
        Ok(Path::Stored(path)) => Some(path),
        _ => None,
    }
}

/// The name of the principal whose principal resource this path is, for calendar user addresses that
/// are principal URLs.
pub fn principal_name_of_path(path: &str) -> Option<String> {
    match Path::parse(path) {
        Ok(Path::Principal(_, name)) => Some(name),
        _ => None,
    }
}

/// The path of the URL under which an attachment is fetched (RFC 8607 §3.10).
pub fn attachment_path(id: AttachmentId, filename: &str) -> String {
    Path::Attachment(id.to_string(), filename.to_owned()).href(false)
}

/// A segment, decoded. Dots name nothing.
fn decode_segment(segment: &str) -> Result<Cow<'_, str>, PathError> {
    // Most segments are spelled as they are meant.
    let is_plain = |octet: u8| octet.is_ascii_graphic() && octet != b'%';
    let decoded = match segment.bytes().all(is_plain) {
        true => Cow::Borrowed(segment),
        false => decode_escapes(segment)?,
    };
    match decoded.len() {
        _ if matches!(&*decoded, "" | "." | "..") => Err(PathError::Malformed),
        octets if octets > MAXIMUM_SEGMENT_OCTETS => Err(PathError::TooLong),
        _ => Ok(decoded),
    }
}

/// The same for one with escapes or other characters than ASCII's. An encoded slash would name a resource
/// that no listing can show; control characters name nothing.
fn decode_escapes(segment: &str) -> Result<Cow<'_, str>, PathError> {
    let decoded = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| PathError::Malformed)?;
    let names_nothing = |c: char| c.is_control() || matches!(c, '/' | '\u{FFFE}' | '\u{FFFF}');
    match decoded.contains(names_nothing) || !valid_escapes(segment) {
        true => Err(PathError::Malformed),
        false => Ok(decoded),
    }
}

/// Whether two hexadecimal digits follow each percent sign.
fn valid_escapes(segment: &str) -> bool {
    segment.split('%').skip(1).all(|after| {
        let mut octets = after.bytes();
        let mut digit = || octets.next().is_some_and(|octet| octet.is_ascii_hexdigit());
        digit() && digit()
    })
}

/// The kind whose word this is, if it is one of these.
fn kind_of_word(kinds: &[PrincipalKind], word: &str) -> Option<PrincipalKind> {
    kinds.iter().copied().find(|kind| kind_word(*kind) == word)
}

/// The group of delegates whose word this is.
fn delegation_of_word(word: &str) -> Option<Delegation> {
    let mut all = Delegation::ALL.into_iter();
    all.find(|delegation| delegation_word(*delegation) == word)
}

/// Whether the segments have the form of a row.
fn fits(pieces: &[Piece], segments: &[Cow<'_, str>]) -> bool {
    let mut segments = segments.iter();
    for piece in pieces {
        let fits = match piece {
            Rest => return true,
            Word(word) => segments.next().is_some_and(|segment| segment == word),
            Kind(kinds) => segments
                .next()
                .is_some_and(|segment| kind_of_word(kinds, segment).is_some()),
            Name => segments.next().is_some(),
            Delegates => segments
                .next()
                .is_some_and(|segment| delegation_of_word(segment).is_some()),
        };
        if !fits {
            return false;
        }
    }
    segments.next().is_none()
}

/// What the variable pieces of a row hold of segments that have its form.
fn hold(pieces: &[Piece], segments: Vec<Cow<'_, str>>) -> Held {
    let mut held = Held::default();
    let mut segments = segments.into_iter();
    for piece in pieces {
        match piece {
            Rest => held.rest = segments.by_ref().map(Cow::into_owned).collect(),
            Word(_) => drop(segments.next()),
            Kind(kinds) => held.kind = segments.next().and_then(|word| kind_of_word(kinds, &word)),
            Delegates => {
                let word = segments.next();
                held.delegation = word.and_then(|word| delegation_of_word(&word));
            }
            Name => held.name = segments.next().unwrap_or_default().into_owned(),
        }
    }
    held
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn stored(segments: &[&str]) -> Path {
        Path::Stored(ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".into(),
            segments: segments
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect(),
        })
    }

    #[test]
    fn every_row_reads_and_prints() {
        let alice = || "alice".to_owned();
        let user = PrincipalKind::User;
        let cases = [
            ("/", Path::Root),
            ("/.well-known/caldav/", Path::WellKnown),
            ("/dav/", Path::Dav),
            ("/dav/principals/", Path::Principals),
            (
                "/dav/principals/groups/",
                Path::PrincipalsOfKind(PrincipalKind::Group),
            ),
            (
                "/dav/principals/users/alice/",
                Path::Principal(user, alice()),
            ),
            (
                "/dav/principals/users/alice/calendar-proxy-read/",
                Path::Proxy(user, alice(), Delegation::Read),
            ),
            (
                "/dav/principals/users/alice/calendar-proxy-write/",
                Path::Proxy(user, alice(), Delegation::Write),
            ),
            (
                "/dav/principals/users/alice/delegates-who-answer/",
                Path::Proxy(user, alice(), Delegation::Answer),
            ),
            (
                "/dav/principals/users/alice/delegates-who-invite/",
                Path::Proxy(user, alice(), Delegation::Invite),
            ),
            (
                "/dav/principals/users/alice/delegates-who-see-private/",
                Path::Proxy(user, alice(), Delegation::Private),
            ),
            ("/dav/calendars/", Path::Homes),
            (
                "/dav/calendars/locations/",
                Path::HomesOfKind(PrincipalKind::Location),
            ),
            ("/dav/calendars/users/alice/", stored(&[])),
            (
                "/dav/calendars/users/alice/work/a.ics/",
                stored(&["work", "a.ics"]),
            ),
        ];
        for (text, path) in cases {
            assert_eq!(Path::parse(text), Ok(path.clone()), "{text}");
            assert_eq!(path.href(true), text);
            if text != "/" {
                assert_eq!(Path::parse(text.trim_end_matches('/')), Ok(path), "{text}");
            }
        }
        assert_eq!(
            stored(&["a.ics"]).href(false),
            "/dav/calendars/users/alice/a.ics"
        );
        let url = attachment_path(AttachmentId(7), "März 2.pdf");
        assert_eq!(
            url,
            "/dav/attachments/00000000000000000000000000000007/M%C3%A4rz%202.pdf"
        );
        let id = AttachmentId(7).to_string();
        assert_eq!(
            Path::parse(&url),
            Ok(Path::Attachment(id, "März 2.pdf".to_owned()))
        );
        for text in [
            "/dav/attachments/",
            "/dav/attachments/7",
            "/dav/attachments/7/a/b",
        ] {
            assert_eq!(Path::parse(text), Err(PathError::Unknown), "{text}");
        }
    }

    #[test]
    fn a_dry_run_stands_behind_the_url_of_an_object() {
        let Path::Stored(object) = stored(&["work", "a b.ics"]) else {
            panic!("a stored one")
        };
        let url = "/dav/calendars/users/alice/work/a%20b.ics";
        for (suffix, change) in DRY_RUNS {
            let path = Path::DryRun(object.clone(), change);
            assert_eq!(Path::parse(&format!("{url}{suffix}")), Ok(path.clone()));
            assert_eq!(path.href(false), format!("{url}{suffix}"));
        }
        // part of a name where it is encoded
        let named = stored(&["x;dry-run"]);
        assert_eq!(named.href(false), "/dav/calendars/users/alice/x%3Bdry-run");
        assert_eq!(Path::parse(&named.href(false)), Ok(named));
        for text in [
            "/;dry-run",
            "/dav/;dry-run",
            "/dav/calendars/users/alice;dry-run",
            "/dav/principals/users/alice;dry-run",
        ] {
            assert_eq!(Path::parse(text), Err(PathError::Unknown), "{text}");
        }
        assert!(matches!(
            Path::parse(&format!("{url};dry-run=put")),
            Ok(Path::Stored(_))
        ));
    }

    /// Client behaviours, point 9.
    #[test]
    fn names_are_encoded_and_decoded() {
        let cases = [
            ("a b", "a%20b"),
            ("ä@x", "%C3%A4@x"),
            ("50%", "50%25"),
            ("a#b?c", "a%23b%3Fc"),
            ("a+b&c=d;e,f:g!$'()*", "a+b&c=d;e,f:g!$'()*"),
            ("~._-", "~._-"),
        ];
        for (name, encoded) in cases {
            let href = stored(&[name]).href(false);
            assert_eq!(href, format!("/dav/calendars/users/alice/{encoded}"));
            assert_eq!(Path::parse(&href), Ok(stored(&[name])));
        }
        assert_eq!(
            Path::parse("/dav/calendars/users/alice/%61%40"),
            Ok(stored(&["a@"]))
        );
    }

    #[test]
    fn what_names_nothing_is_refused() {
        let malformed = [
            "",
            "dav/",
            "/dav//",
            "/dav/./x",
            "/dav/../x",
            "/dav/%2E%2e/",
            "/dav/a%2Fb",
            "/dav/%00",
            "/dav/%FF",
            "/dav/%zz",
            "/dav/a%",
            "/dav/a%4",
            "//",
            "/dav/a%0Ab",
        ];
        for text in malformed {
            assert_eq!(Path::parse(text), Err(PathError::Malformed), "{text}");
        }
        let long = format!(
            "/dav/calendars/users/{}",
            "x".repeat(MAXIMUM_SEGMENT_OCTETS + 1)
        );
        let deep = format!(
            "/dav/calendars/users/alice{}",
            "/x".repeat(MAXIMUM_SEGMENTS)
        );
        let unknown = [
            "/x",
            "/dav/x/",
            "/principals/",
            "/dav/principals/people/",
            "/dav/calendars/groups/",
            "/dav/principals/users/alice/x",
            "/.well-known/x",
        ];
        for text in unknown {
            assert_eq!(Path::parse(text), Err(PathError::Unknown), "{text}");
        }
        for text in [&long, &deep] {
            assert_eq!(Path::parse(text), Err(PathError::TooLong), "{text}");
        }
    }

    #[test]
    fn only_the_redirect_is_open() {
        assert!(open_without_sign_in("/.well-known/caldav"));
        assert!(open_without_sign_in("/.well-known/caldav/"));
        assert!(open_without_sign_in("/.well-known/timezone"));
        assert!(open_without_sign_in("/dav/timezones/zones/Europe%2FBerlin"));
        for path in [
            "/",
            "/dav/",
            "/.well-known/caldav/x",
            "/.well-known/timezone/x",
            "/dav/timezonesx",
            "/dav/principals/users/alice/",
        ] {
            assert!(!open_without_sign_in(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_read(text in "/(dav/calendars/users/)?[a-z%0-9A-F/.@ü ]{0,30}") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.href(true)), Ok(path));
            }
        }

        #[test]
        fn any_name_comes_back(name in "[^/\\p{Cc}\u{FFFE}\u{FFFF}]{1,20}") {
            prop_assume!(name != "." && name != "..");
            let path = stored(&[&name]);
            prop_assert_eq!(Path::parse(&path.href(false)), Ok(path));
        }
    }
}
