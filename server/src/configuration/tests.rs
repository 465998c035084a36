#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::Path};

use super::{template::uncommented, *};

const MINIMUM: &str =
    "listen = [\"127.0.0.1:8080\"]\npublic_url = \"http://127.0.0.1:8080\"\ndata = \"FOLDER\"\n";

fn parse(text: &str) -> Result<Configuration, ConfigurationError> {
    Configuration::parse(Path::new("/etc/convoke/convoke.toml"), text)
}

fn error(text: &str) -> ConfigurationError {
    parse(text)
        .err()
        .unwrap_or_else(|| panic!("this is taken:\n{text}"))
}

#[test]
fn the_working_minimum() {
    let configuration = parse(MINIMUM).unwrap();
    assert_eq!(
        configuration.listen,
        [SocketAddr::from(([127, 0, 0, 1], 8080))]
    );
    assert_eq!(configuration.public_url, "http://127.0.0.1:8080");
    assert_eq!(configuration.data, Path::new("/etc/convoke/FOLDER"));
    assert_eq!(configuration.limits, Limits::default());
    assert_eq!(configuration.log, "info");
    assert!(matches!(configuration.mail.route, MailRoute::None));
    assert_eq!(configuration.mail.system_address, "convoke@[127.0.0.1]");
}

#[test]
fn the_archive_is_relative_to_the_file_and_kept_as_long_as_it_says() {
    assert_eq!(parse(MINIMUM).unwrap().archive, None);
    let with = |table: &str| parse(&format!("{MINIMUM}[backup]\n{table}")).unwrap();
    let archive = with("archive = \"a\"").archive.unwrap();
    assert_eq!(archive.folder, Path::new("/etc/convoke/a"));
    assert_eq!(archive.keep, None);
    let configuration = with("archive = \"/b\"\nkeep_days = 2");
    let archive = configuration.options().archive.unwrap();
    assert_eq!(archive.folder, Path::new("/b"));
    assert_eq!(archive.keep, Some(Duration::from_secs(2 * 24 * 60 * 60)));
}

#[test]
fn every_error_names_line_and_remedy() {
    // what stands after the minimum (three lines), or the whole file where it begins with `!`
    let cases = [
        // unknown, missing, doubled, of another type
        (
            "lisen = []",
            Some(4),
            "there is no key `lisen`",
            "perhaps `listen` is meant: listen = [",
        ),
        (
            "colour = 1",
            Some(4),
            "there is no key `colour`",
            "remove the line, or use one of: listen, public_url",
        ),
        (
            "[tls]\ncert = \"x\"",
            Some(5),
            "there is no key `cert` in [tls]",
            "use one of: certificate, key",
        ),
        (
            "[trash]\nkeep_days = 3",
            Some(5),
            "there is no key `keep_days` in [trash]",
            "use one of: days",
        ),
        (
            "[trash]\ndays = 7\nversions_days = 8",
            Some(6),
            "cannot be kept longer than the 7 days",
            "make versions_days at most as large as days",
        ),
        ("[trash]\nversions_per_hour = 0", Some(5), "", ""),
        (
            "[backup]\nkeep_days = 3",
            Some(5),
            "there is keep_days but no archive",
            "add a line such as: archive = ",
        ),
        (
            "[backup]\narchive = \"\"",
            Some(5),
            "`archive` is empty",
            "name a folder: archive = ",
        ),
        (
            "!data = \"x\"\npublic_url = \"http://x\"",
            None,
            "the key `listen` is missing",
            "add a line such as: listen = [\"127.0.0.1:8080\"]",
        ),
        (
            "[tls]\ncertificate = \"x\"",
            Some(4),
            "the key `key` is missing in [tls]",
            "add a line such as: key = ",
        ),
        ("data = \"x\"", Some(4), "duplicate key", "keep one"),
        (
            "log = 5",
            Some(4),
            "`log`: invalid type",
            "write it like: log = \"info\"",
        ),
        (
            "log_format = \"xml\"",
            Some(4),
            "`log_format`: unknown variant `xml`",
            "write it like: log_format = \"text\"",
        ),
        (
            "[limits]\nidle_seconds = 0",
            Some(5),
            "`idle_seconds`: invalid value",
            "write it like: idle_seconds = 120",
        ),
        (
            "[limits]\nmaximum_attendees = -1",
            Some(5),
            "`maximum_attendees`: invalid value",
            "write it like: maximum_attendees = 1000",
        ),
        // not TOML
        (
            // toml takes this for a number
            "log = info",
            Some(4),
            "`log`: invalid float",
            "write it like: log = \"info\"",
        ),
        (
            "log",
            Some(4),
            "this is not TOML",
            "texts stand in \"quotes\"",
        ),
        // values that make no sense
        (
            "!listen = []\npublic_url = \"http://x\"\ndata = \"x\"",
            Some(1),
            "`listen` is empty",
            "\"127.0.0.1:8080\"",
        ),
        (
            "!listen = [\"localhost\"]\npublic_url = \"http://x\"\ndata = \"x\"",
            Some(1),
            "`localhost` is not an address",
            "\"127.0.0.1:8080\"",
        ),
        (
            "!listen = [\"0.0.0.0:80\"]\npublic_url = \"http://x\"\ndata = \"x\"",
            Some(1),
            "nobody could sign in",
            "add [tls]",
        ),
        (
            "!listen = [\"[::1]:80\"]\npublic_url = \"x\"\ndata = \"x\"",
            Some(2),
            "`x` is not a public URL",
            "\"https://calendar.example.com\"",
        ),
        (
            "!listen = [\"[::1]:80\"]\npublic_url = \"http://x/dav\"\ndata = \"x\"",
            Some(2),
            "is not a public URL",
            "without a path",
        ),
        (
            "!listen = [\"[::1]:80\"]\npublic_url = \"http://x\"\ndata = \"\"",
            Some(3),
            "`data` is empty",
            "name a folder",
        ),
        (
            "trusted_proxies = [\"proxy\"]",
            Some(4),
            "`proxy` is not an address",
            "\"10.0.0.1\"",
        ),
        (
            "log = \"info,=x=\"",
            Some(4),
            "`log` is not understood",
            "\"debug\"",
        ),
        (
            "[smtp]\nhost = \"x\"\nuser = \"u\"",
            Some(6),
            "there is a user but no password",
            "add password",
        ),
        (
            "[smtp]\nhost = \"x\"\npassword = \"p\"",
            Some(6),
            "there is a password but no user",
            "user = \"convoke\"",
        ),
        (
            "[smtp]\nhost = \"x\"\nuser = \"u\"\npassword = \"p\"\npassword_file = \"f\"",
            Some(8),
            "both password and password_file",
            "keep one",
        ),
        (
            "[smtp]\nhost = \"x\"\nuser = \"u\"\npassword_file = \"/nowhere/f\"",
            Some(7),
            "/nowhere/f cannot be read",
            "put the password alone",
        ),
        (
            "[smtp]\nhost = \"x\"\ntls = \"ssl\"",
            Some(6),
            "`tls`: unknown variant `ssl`",
            "tls = \"starttls\"",
        ),
        (
            "[smtp]\nhost = \"x\"\n[mail]\nfolder = \"f\"",
            Some(7),
            "cannot go to a mail server and into a folder",
            "keep [smtp]",
        ),
        (
            "[mail]\ndomains = [\"a@b\"]",
            Some(5),
            "`a@b` is not a mail domain",
            "domains = [\"example.com\"]",
        ),
        (
            "[mail]\nsender = \"calendar\"",
            Some(5),
            "`calendar` is not a mail address",
            "sender = \"calendar@example.com\"",
        ),
    ];
    for (text, line, what, remedy) in cases {
        let whole = text
            .strip_prefix('!')
            .map_or_else(|| format!("{MINIMUM}{text}\n"), str::to_owned);
        let error = error(&whole);
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.what.contains(what), "{text}\n{error}");
        let remedy_found = error.remedy.contains(remedy)
            || (remedy == "without a path" && error.remedy.contains("scheme, host"));
        assert!(remedy_found, "{text}\n{error}");
    }
}

#[test]
fn an_error_reads_as_a_person_wants_it() {
    let error = error(&format!("{MINIMUM}lisen = []\n"));
    assert_eq!(
        error.to_string(),
        "/etc/convoke/convoke.toml, line 4: there is no key `lisen`\nperhaps `listen` is meant: listen = [\"127.0.0.1:8080\"]"
    );
}

#[test]
fn a_missing_file_is_an_error_with_a_remedy() {
    let error = Configuration::read(Path::new("/nowhere/convoke.toml"))
        .err()
        .unwrap();
    assert!(error.to_string().contains("convoke init"), "{error}");
}

#[test]
fn an_smtp_password_comes_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "geheim\n").unwrap();
    let text = format!(
        "{MINIMUM}[smtp]\nhost = \"mail.example.com\"\nuser = \"u\"\npassword_file = \"password\"\n"
    );
    let configuration = Configuration::parse(&folder.path().join("convoke.toml"), &text).unwrap();
    let MailRoute::Smtp(smtp) = configuration.mail.route else {
        panic!("not by SMTP")
    };
    assert_eq!(
        smtp.credentials,
        Some(("u".to_owned(), "geheim".to_owned().into()))
    );
    assert_eq!((smtp.port, smtp.tls), (587, SmtpTls::Starttls));
}

#[test]
fn the_sender_follows_the_domain_or_the_host() {
    let cases = [
        (
            "",
            "https://calendar.example.org",
            "convoke@calendar.example.org",
        ),
        (
            "[mail]\ndomains = [\"example.com\", \"example.net\"]",
            "https://x",
            "convoke@example.com",
        ),
        (
            "[mail]\nsender = \"c@example.net\"",
            "https://x",
            "c@example.net",
        ),
        ("", "http://[::1]:8080", "convoke@localhost"),
    ];
    for (mail, url, expected) in cases {
        let text =
            format!("listen = [\"127.0.0.1:1\"]\npublic_url = \"{url}\"\ndata = \"x\"\n{mail}\n");
        assert_eq!(
            parse(&text).unwrap().mail.system_address,
            expected,
            "{text}"
        );
    }
}

#[test]
fn the_file_that_init_writes_is_taken_as_it_is() {
    let listen = [
        SocketAddr::from(([127, 0, 0, 1], 8080)),
        "[::1]:8080".parse().unwrap(),
    ];
    let text = filled(&listen, "https://calendar.example.com", "a \"folder\"");
    let configuration = parse(&text).unwrap();
    assert_eq!(configuration.listen, listen);
    assert_eq!(configuration.public_url, "https://calendar.example.com");
    assert_eq!(configuration.data, Path::new("/etc/convoke/a \"folder\""));
}

/// Every line in use: what the file says about each key is true.
fn all_in_use() -> String {
    let text = filled(
        &[SocketAddr::from(([127, 0, 0, 1], 8080))],
        "http://127.0.0.1:8080",
        "data",
    );
    text.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_file_that_init_writes_names_exactly_the_keys_that_exist() {
    let all: toml::Table = all_in_use().parse().unwrap();
    let tables: BTreeSet<&str> = all
        .iter()
        .filter(|(_, value)| value.is_table())
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(keys_of_table(""), all.keys().cloned().collect());
    for table in tables {
        let named: BTreeSet<String> = all[table].as_table().unwrap().keys().cloned().collect();
        assert_eq!(keys_of_table(table), named, "[{table}]");
    }
}

/// The keys that the code knows, from what it says about one that it does not know.
fn keys_of_table(table: &str) -> BTreeSet<String> {
    let text = if table.is_empty() {
        "zzz = 1".to_owned()
    } else {
        format!("{MINIMUM}[{table}]\nzzz = 1")
    };
    let error = toml::from_str::<File>(&text).err().unwrap();
    error
        .message()
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_trash_follows_its_keys() {
    let trash = |keys: &str| parse(&format!("{MINIMUM}[trash]\n{keys}")).unwrap().trash;
    assert_eq!(trash(""), Some(trash::default_policy()));
    assert_eq!(trash("days = 0"), None);
    assert_eq!(
        trash("days = 7").unwrap().versions_milliseconds,
        7 * DAY_MILLISECONDS
    );
    let policy = trash("days = 90\nversions_days = 0\nversions_per_hour = 4\nmaximum_octets = 5");
    let policy = policy.unwrap();
    assert_eq!(policy.deleted_milliseconds, 90 * DAY_MILLISECONDS);
    assert_eq!(policy.versions_milliseconds, 0);
    assert_eq!(policy.version_apart_milliseconds, 15 * 60 * 1000);
    assert_eq!(policy.home_octets, 5);
}

#[test]
fn every_default_that_the_file_shows_is_the_default() {
    let shown: File = toml::from_str(&all_in_use()).ok().unwrap();
    let mut limits = limits(&shown.limits);
    limits.quota_octets = None;
    assert_eq!(limits, Limits::default());
    assert_eq!(
        trash(&shown.trash).ok().unwrap(),
        Some(trash::default_policy())
    );
    assert_eq!(shown.log.unwrap().get_ref(), "info");
    assert_eq!(shown.log_format, LogFormat::default());
}
