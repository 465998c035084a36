//! House rules, most of them "X knows nothing of Y": the invariants of the README's map, as tests.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use tests::house::{self, Source};

const ROOMS: [&str; 5] = ["calendar", "storage", "scheduling", "dav", "server"];

fn rust(folder: &str) -> Vec<Source> {
    house::sources(folder, &[".rs"])
}

/// What is compiled into the server.
fn shipped(folder: &str) -> Vec<Source> {
    house::without_tests(rust(folder))
}

fn complain(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}\n{}", offences.join("\n"));
}

/// What each room may depend upon directly, outside the workspace. A room that is not allowed a crate
/// cannot know its subject.
#[test]
fn rooms_know_only_what_they_may() {
    let foreign: BTreeMap<&str, &[&str]> = BTreeMap::from([
        // `calendar` may read XML, as xCal is iCalendar in another dress; that of WebDAV is named below.
        (
            "calendar",
            &[
                "tokio",
                "hyper",
                "http",
                "sled",
                "lettre",
                "getrandom",
                "storage",
                "scheduling",
                "dav",
                "server",
            ][..],
        ),
        (
            "storage",
            &[
                "icalendar",
                "jiff",
                "quick-xml",
                "http",
                "hyper",
                "lettre",
                "getrandom",
                "calendar",
                "scheduling",
                "dav",
                "server",
            ][..],
        ),
        (
            "scheduling",
            &[
                "http",
                "hyper",
                "quick-xml",
                "lettre",
                "sled",
                "getrandom",
                "dav",
                "server",
            ][..],
        ),
        (
            "dav",
            &[
                "lettre",
                "argon2",
                "sled",
                "toml",
                "hyper",
                "getrandom",
                "server",
            ][..],
        ),
        (
            "server",
            &["quick-xml", "icalendar", "sled", "calendar"][..],
        ),
    ]);
    let metadata = house::metadata();
    let mut offences = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some(forbidden) = foreign.get(name).filter(|_| package["source"].is_null()) else {
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && forbidden.contains(&target) {
                offences.push(format!("{name} must not know {target}"));
            }
        }
    }
    complain("A room depends on what it must not know.", offences);
}

/// The clock and randomness are `server`'s; everyone else is given them.
#[test]
fn only_the_server_has_a_clock_and_randomness() {
    const FORBIDDEN: [&str; 7] = [
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now(",
        "Zoned::now(",
        "getrandom::",
        "RandomState",
        "thread_rng",
    ];
    /// Has threads of its own, which may measure how long they wait; nothing stored comes of it.
    const THREADS: &str = "storage/src/sled/";
    let mut offences = Vec::new();
    for room in ["calendar/src", "storage/src", "scheduling/src", "dav/src"] {
        for source in shipped(room) {
            let forbidden = FORBIDDEN
                .iter()
                .filter(|name| !(source.path.starts_with(THREADS) && name.starts_with("Instant")));
            for (number, line) in source.code() {
                if let Some(name) = forbidden.clone().find(|name| line.contains(**name)) {
                    offences.push(format!("{}:{number} uses {name}", source.path));
                }
            }
        }
    }
    complain("A clock or randomness outside `server`.", offences);
}

/// Pure rooms and pure folders contain no `async`.
#[test]
fn pure_code_is_not_async() {
    let mut offences = Vec::new();
    for folder in ["calendar/src", "scheduling/src/engine"] {
        for source in shipped(folder) {
            for (number, line) in source.code() {
                if line.contains("async ") || line.contains(".await") {
                    offences.push(format!("{}:{number}", source.path));
                }
            }
        }
    }
    complain("`async` in pure code.", offences);
}

/// Invariant 1: a calendar object is written by the desk and by nobody else.
#[test]
fn only_the_desk_writes_objects() {
    let mut offences = Vec::new();
    for room in ["dav/src", "server/src"] {
        for source in shipped(room) {
            for (number, line) in source.code() {
                if [".put_object(", ".remove_object("]
                    .iter()
                    .any(|call| line.contains(call))
                {
                    offences.push(format!("{}:{number}", source.path));
                }
            }
        }
    }
    complain("An object is written past the desk.", offences);
}

/// XML is written by `dav::xml` alone.
#[test]
fn xml_is_never_put_together_as_text() {
    let mut offences = Vec::new();
    for source in shipped("dav/src") {
        if source.path.starts_with("dav/src/xml/") {
            continue;
        }
        for (number, line) in source.code() {
            if line.contains("quick_xml") || line.contains("\"<D:") || line.contains("\"</") {
                offences.push(format!("{}:{number} {}", source.path, line.trim()));
            }
        }
    }
    complain("XML as text outside dav::xml.", offences);
}

/// `calendar` reads and writes XML for xCal alone, and knows no namespace of WebDAV.
#[test]
fn calendar_knows_xcal_and_no_other_xml() {
    let mut offences = Vec::new();
    for source in shipped("calendar/src") {
        let is_xcal = source.path.starts_with("calendar/src/xcal");
        for (number, line) in source.code() {
            if line.contains("\"DAV:")
                || line.contains("ns:caldav")
                || (line.contains("quick_xml") && !is_xcal)
            {
                offences.push(format!("{}:{number} {}", source.path, line.trim()));
            }
        }
    }
    complain("XML in `calendar` that is not xCal.", offences);
}

/// RFCs are cited in one form, `RFC 6638 §3.2.1.1`, so that a search finds them all.
#[test]
fn citations_have_one_form() {
    let mut offences = Vec::new();
    for source in [
        "calendar",
        "storage",
        "scheduling",
        "dav",
        "server",
        "tests",
        "litmus",
    ]
    .into_iter()
    .flat_map(rust)
    {
        if source.path.ends_with("tests/tidy.rs") {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            let after_rfc = line
                .match_indices("RFC")
                .map(|(position, _)| &line[position + 3..]);
            for rest in after_rfc {
                let glued = rest.starts_with(|character: char| character.is_ascii_digit());
                let spelled = rest.len() > 5
                    && rest.is_char_boundary(5)
                    && rest[..5]
                        .trim_start()
                        .chars()
                        .all(|character| character.is_ascii_digit())
                    && [" section", " Section", ", section", ", §", " sec."]
                        .iter()
                        .any(|form| rest[5..].starts_with(form));
                if glued || spelled {
                    offences.push(format!("{}:{} {}", source.path, index + 1, line.trim()));
                }
            }
        }
    }
    complain(
        "A citation in another form than `RFC 6638 §3.2.1.1`.",
        offences,
    );
}

/// Nothing unfinished, and nothing that belongs to one machine.
#[test]
fn nothing_unfinished_and_no_machine_paths() {
    let unfinished = ["todo!(", "unimplemented!(", "FIXME", "XXX:", "HACK"];
    let machine = ["/root/", "/home/", "/work/", "/tmp/"];
    let mut offences = Vec::new();
    for source in house::sources("", &[".rs", ".toml", ".md", ".py", ".sh", "run", ".txt"]) {
        if source.path.ends_with("tests/tidy.rs") || source.path == "Cargo.lock" {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            let is_rust = source.path.ends_with(".rs");
            let found = unfinished
                .iter()
                .filter(|_| is_rust)
                .filter(|word| line.contains(**word))
                .chain(machine.iter().filter(|folder| begins_a_path(line, folder)));
            for word in found {
                offences.push(format!("{}:{} {word}", source.path, index + 1));
            }
        }
    }
    complain("Unfinished work or a path of one machine.", offences);
}

/// Whether a path begins with this folder, other than `/dav/calendars/users/alice/work/` with `/work/`.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(position, _)| {
        !line[..position]
            .ends_with(|before: char| before.is_alphanumeric() || "._-{}".contains(before))
    })
}

/// One file is one room.
#[test]
fn files_stay_readable() {
    const LINES_AT_THE_MOST: usize = 900;
    let mut offences = Vec::new();
    for room in ROOMS {
        for source in rust(&format!("{room}/src")) {
            let lines = source.code().count();
            if lines > LINES_AT_THE_MOST {
                offences.push(format!("{} has {lines} lines", source.path));
            }
        }
    }
    complain("A file that is more than one room.", offences);
}

/// Each dependency of a room is in the workspace's list, with its reason.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = std::fs::read_to_string(house::root().join("Cargo.toml")).unwrap();
    let listed = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    let mut offences = Vec::new();
    let mut names = BTreeSet::new();
    for line in listed.lines() {
        let Some((name, rest)) = line.split_once(" = ") else {
            continue;
        };
        names.insert(name.trim().to_owned());
        if !rest.contains("path = ") && !rest.contains(" # ") {
            offences.push(format!("{name} has no reason beside it"));
        }
    }
    // The fuzz targets are a workspace of their own, with the one reason beside its dependency.
    for source in house::sources("", &["Cargo.toml"])
        .iter()
        .filter(|source| source.path != "Cargo.toml" && !source.path.starts_with("fuzz/"))
    {
        let dependencies = source
            .text
            .split("dependencies]")
            .skip(1)
            .flat_map(|part| part.split("\n[").next().unwrap().lines());
        for line in dependencies {
            let Some((name, rest)) = line.split_once(['.', ' ']) else {
                continue;
            };
            let inherited = rest.contains("workspace = true") || rest.contains("path = ");
            if !line.starts_with('#') && !name.is_empty() && !inherited {
                offences.push(format!(
                    "{}: {name} is not taken from the workspace",
                    source.path
                ));
            }
        }
    }
    assert!(!names.is_empty());
    complain("A dependency without its reason.", offences);
}

/// What the project ships with may be shipped.
#[test]
fn licences_of_the_dependencies() {
    complain(
        "A licence that may not be shipped.",
        tests::licences::check(&house::metadata()).refused,
    );
}

/// The README says what the code's own tables say.
#[test]
fn the_conformance_table_is_the_codes() {
    let readme = std::fs::read_to_string(house::root().join("README.md")).unwrap();
    assert!(
        readme == tests::conformance::renewed(&readme),
        "run `cargo run -p tests --bin conformance` and look at what it changed"
    );
}
