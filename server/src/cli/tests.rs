//! What is understood, and what is not.

use clap::CommandFactory;

use super::*;

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_commands_of_the_manual_are_understood() {
    for line in [
        "convoke demo",
        "convoke demo --folder x --listen 127.0.0.1:0",
        "convoke init",
        "convoke init --data x --administrator root --password-file -",
        "convoke --config x.toml serve",
        "convoke serve --config x.toml",
        "convoke user add alice --display-name Alice --address a@example.com --address b@example.com",
        "convoke user list",
        "convoke user password alice --generate-password",
        "convoke user disable alice",
        "convoke user enable alice",
        "convoke user remove alice",
        "convoke user remove alice --silent",
        "convoke room remove room1 --dry-run",
        "convoke group add team --member alice --member bob",
        "convoke group member add team carol",
        "convoke group member remove team carol",
        "convoke room add room1 --capacity 12 --booking accept-if-free --write-delegate alice",
        "convoke room add room2 --booking automatic --booking-for board=accept-always --booking-horizon-days 180",
        "convoke room set room2 --location 2nd-floor --feature projector --feature phone",
        "convoke room free --from 2026-03-01T09:30:00Z --to 2026-03-01T10:30:00Z --capacity 8 --feature phone",
        "convoke room free --from 2026-03-01 --to 2026-03-02 --recurrence FREQ=WEEKLY --time-zone UTC --all --json",
        "convoke resource list",
        "convoke delegate add alice bob --edit --answer --invite --private",
        "convoke delegate add alice office --deputy",
        "convoke delegate settings alice --invitations both --notices no",
        "convoke delegate list alice",
        "convoke audit",
        "convoke audit --account alice --actor bob --object work --since 2026-03-01 --until 2026-04-01",
        "convoke audit --last 10 --json",
        "convoke log /dav/calendars/users/alice/calendar/x.ics",
        "convoke log https://example.com/dav/calendars/users/alice/calendar/x.ics --json",
        "convoke log --user alice --uid 1@example.com",
        "convoke delegate remove alice bob",
        "convoke accounts import accounts.toml",
        "convoke import a.ics --user alice --calendar work --on-conflict skip --dry-run",
        "convoke import folder --user alice",
        "convoke export --user alice --calendar work work.ics --force",
        "convoke export --user alice folder",
        "convoke migrate radicale folder",
        "convoke migrate radicale folder --user a --to-user alice --on-conflict overwrite",
        "convoke migrate caldav https://example.com/ --user a --password-file - --to-user alice",
        "convoke trash list alice --calendar work --since 2026-03-01 --json",
        "convoke trash show 1f-2-3",
        "convoke trash restore 1f-2-3 1f-2-4",
        "convoke trash restore --calendar work --at 2026-03-01T09:30:00Z --exact alice",
        "convoke check",
        "convoke check --repair",
        "convoke check --give-up-messages",
        "convoke compact",
        "convoke backup convoke.backup --force",
        "convoke restore convoke.backup --archive a --archive b --until 2026-03-01T14:30:00Z --into x",
        "convoke mail list --held",
        "convoke mail release 00ff 01ff",
        "convoke mail drop --all",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
    }
}

#[test]
fn a_password_cannot_be_an_argument() {
    for line in [
        "convoke user add alice secret",
        "convoke user add alice --password secret",
        "convoke user password alice secret",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn a_log_is_of_one_meeting() {
    for line in [
        "convoke log",
        "convoke log --uid x",
        "convoke log --user alice",
        "convoke log /dav/x --user alice --uid x",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn a_calendar_comes_back_as_of_a_moment_only() {
    for line in [
        "convoke trash restore",
        "convoke trash restore --calendar work alice",
        "convoke trash restore --at 2026-03-01 alice",
        "convoke trash restore --exact 1f-2-3",
        "convoke trash restore --calendar work --at soon alice",
        "convoke trash restore --calendar work --at 2026-03-01",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn an_unknown_way_to_book_is_refused_with_the_known_ones() {
    let error = Cli::try_parse_from(["convoke", "room", "add", "r", "--booking", "maybe"])
        .expect_err("maybe");
    assert!(error.to_string().contains("accept-if-free"), "{error}");
}
