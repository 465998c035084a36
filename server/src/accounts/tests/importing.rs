//! An accounts file is imported: as a whole or not at all, again without harm, and on from where it broke off.

use super::*;

#[tokio::test]
async fn everything_in_the_file_arrives_forward_references_too() {
    let house = house().await;
    let imported = house.import(FILE).await.unwrap();
    assert_eq!(
        imported,
        Imported {
            added: 6,
            ..Imported::default()
        }
    );
    let alice = house.principal("alice").await;
    assert_eq!(
        alice.addresses,
        ["mailto:alice@example.com", "mailto:a@example.com"]
    );
    assert_eq!(
        (
            alice.display_name.as_str(),
            alice.administrator,
            alice.disabled
        ),
        ("Alice", true, false)
    );
    assert_eq!(
        (alice.language.as_deref(), alice.time_zone.as_deref()),
        (Some("de-CH"), Some("Europe/Zurich"))
    );
    assert!(alice.home.is_some() && alice.default_calendar.is_some());
    let room = house.principal("room").await;
    assert_eq!(
        (room.capacity, room.location.as_deref(), room.booking),
        (Some(12), Some("First floor"), Booking::Automatic)
    );
    let boss = BookingRule {
        organizer: house.principal("inner").await.id,
        booking: Booking::AcceptAlways,
    };
    assert_eq!(
        (room.booking_for.as_slice(), room.booking_horizon_days),
        (&[boss][..], 180)
    );
    for (delegation, name) in [(Delegation::Write, "alice"), (Delegation::Read, "all")] {
        let delegates: Vec<_> = room.delegates_in(delegation).collect();
        assert_eq!(house.names(&delegates).await, [name]);
    }
    assert_eq!(
        house.names(&house.principal("all").await.members).await,
        ["inner", "room"]
    );
    assert_eq!(
        house.principal("bob").await.display_name,
        "bob",
        "the name where nothing better is known"
    );
    assert_eq!(house.principal("car").await.booking, Booking::AcceptIfFree);
}

#[tokio::test]
async fn a_second_import_changes_nothing() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let before = house.store.backend().revision();
    let again = house.import(FILE).await.unwrap();
    assert_eq!(
        again,
        Imported {
            unchanged: 6,
            ..Imported::default()
        }
    );
    assert_eq!(
        house.store.backend().revision(),
        before,
        "nothing was written"
    );
}

#[tokio::test]
async fn a_second_import_changes_only_what_is_present() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let changed = house
        .import("[[users]]\nname = \"alice\"\ndisplay_name = \"Alice A.\"\n")
        .await
        .unwrap();
    assert_eq!(
        changed,
        Imported {
            changed: 1,
            ..Imported::default()
        }
    );
    let alice = house.principal("alice").await;
    assert_eq!(alice.display_name, "Alice A.");
    assert_eq!(alice.addresses.len(), 2);
    assert!(alice.administrator);
    house.signs_in("alice", "secret").await.unwrap();
}

#[tokio::test]
async fn an_import_never_changes_a_password_that_was_changed_since() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let other = FILE.replace("\"secret\"", "\"other\"");
    assert_eq!(
        house.import(&other).await.unwrap().changed,
        1,
        "an imported one may be changed by an import"
    );
    house.signs_in("alice", "other").await.unwrap();
    let own = Operation::SetPassword {
        name: "alice".into(),
        password: Secret::from("own".to_owned()),
    };
    house.perform(own).await.unwrap();
    let again = house.import(FILE).await.unwrap();
    assert_eq!(
        again,
        Imported {
            unchanged: 6,
            passwords_kept: 1,
            ..Imported::default()
        }
    );
    house.signs_in("alice", "own").await.unwrap();
    assert_eq!(
        house.signs_in("alice", "secret").await,
        Err(SignInError::Wrong)
    );
}

#[tokio::test]
async fn a_hash_is_imported_as_it_is() {
    let house = house().await;
    let hash = house
        .accounts
        .passwords
        .hash(Zeroizing::new("secret".to_owned()))
        .await
        .unwrap();
    let text = format!("[[users]]\nname = \"alice\"\npassword_hash = \"{hash}\"\n");
    house.import(&text).await.unwrap();
    house.signs_in("alice", "secret").await.unwrap();
    assert_eq!(house.import(&text).await.unwrap().unchanged, 1);
}

#[tokio::test]
async fn errors_name_the_entry_and_nothing_is_written() {
    let house = house().await;
    house.import("[[groups]]\nname = \"old\"\nmembers = []\n[[users]]\nname = \"taken\"\naddresses = [\"taken@example.com\"]").await.unwrap();
    let cases = [
        (
            "[[users]]\nname = \"a\"\n[[rooms]]\nname = \"a\"",
            "room \"a\": the name stands twice in the file (also as user \"a\")",
        ),
        (
            "[[users]]\nname = \"old\"",
            "user \"old\": there is a group of this name already",
        ),
        (
            "[[users]]\nname = \"a\"\npassword = \"x\"\npassword_hash = \"y\"",
            "user \"a\": both password and password_hash",
        ),
        (
            "[[users]]\nname = \"a\"\npassword = \"\"",
            "user \"a\": the password is empty",
        ),
        (
            "[[users]]\nname = \"a\"\npassword_hash = \"y\"",
            "user \"a\": password_hash is not a PHC string",
        ),
        (
            "[[users]]\nname = \"a\"\ntime_zone = \"Berlin\"",
            "user \"a\": the time zone \"Berlin\" is not known",
        ),
        (
            "[[users]]\nname = \"a\"\nlanguage = \"german language\"",
            "user \"a\": the language",
        ),
        (
            "[[users]]\nname = \"a\"\naddresses = [\"x@y.z\"]\n[[users]]\nname = \"b\"\naddresses = [\"mailto:X@y.z\"]",
            "user \"b\": the address mailto:X@y.z stands twice",
        ),
        (
            "[[groups]]\nname = \"g\"\nmembers = [\"nobody\"]",
            "group \"g\": members names \"nobody\"",
        ),
        (
            "[[rooms]]\nname = \"r\"\ndelegates = { read = [\"nobody\"] }",
            "room \"r\": delegates.read names \"nobody\"",
        ),
        (
            "[[groups]]\nname = \"g\"\nmembers = [\"g\"]",
            "group \"g\": the group would be a member of itself",
        ),
        (
            "[[groups]]\nname = \"g\"\nmembers = [\"h\"]\n[[groups]]\nname = \"h\"\nmembers = [\"old\"]\n[[groups]]\nname = \"old\"\nmembers = [\"g\"]",
            "group \"g\": the group would be a member of itself",
        ),
        (
            "[[users]]\nname = \"a\"\n[[users]]\nname = \"a/b\"",
            "user \"a/b\": the name \"a/b\" is not possible",
        ),
        (
            "[[users]]\nname = \"a\"\naddresses = [\"not an address\"]",
            "user \"a\": the address \"not an address\" is not possible",
        ),
        (
            "[[users]]\nname = \"b\"\naddresses = [\"mailto:Taken@example.com\"]",
            "user \"b\": the address mailto:Taken@example.com belongs to the user \"taken\"",
        ),
        (
            "[[users]]\nname = \"Taken\"",
            "user \"Taken\": there is a user \"taken\" already",
        ),
        (
            "[[users]]\nname = \"b\"\n[[users]]\nname = \"B\"",
            "user \"B\": the name stands twice",
        ),
    ];
    for (text, expected) in cases {
        let before = house.store.backend().revision();
        let error = house.import(text).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
        assert_eq!(house.store.backend().revision(), before, "{text}");
    }
}

/// Who has which addresses, as a file.
fn addresses(people: &[(&str, &[&str])]) -> String {
    let entry = |(name, addresses): &(&str, &[&str])| {
        let listed: Vec<String> = addresses
            .iter()
            .map(|it| format!("\"{it}@x.org\""))
            .collect();
        let listed = listed.join(", ");
        format!("[[users]]\nname = \"{name}\"\naddresses = [{listed}]\n")
    };
    people.iter().map(entry).collect()
}

/// Whoever gets other addresses leaves the old ones to others, in whatever order a file names them.
#[tokio::test]
async fn addresses_pass_from_one_to_another_in_any_order() {
    type People<'a> = &'a [(&'a str, &'a [&'a str])];
    // Before, after, and who of those who were there is changed by it.
    let cases: [(People, People, usize); 7] = [
        (&[("a", &["x"])], &[("a", &["y"]), ("b", &["x"])], 1),
        (&[("a", &["x"])], &[("b", &["X"]), ("a", &["y"])], 1),
        (
            &[("a", &["x", "k"]), ("b", &["y"])],
            &[("a", &["y", "k"]), ("b", &["x"])],
            2,
        ),
        (
            &[("a", &["x"]), ("b", &["y"]), ("c", &["z"])],
            &[("c", &["y"]), ("b", &["x"]), ("a", &["new"])],
            3,
        ),
        (
            &[("a", &["x"]), ("b", &["y"]), ("c", &["z"])],
            &[("a", &["y"]), ("b", &["z"]), ("c", &["x"])],
            3,
        ),
        // Somebody who only gives something up is changed too.
        (
            &[("a", &["k", "x"]), ("b", &["y"])],
            &[("b", &["x"]), ("a", &["k"])],
            2,
        ),
        (
            &[("a", &["x"]), ("b", &["y"])],
            &[("b", &["x", "y"]), ("a", &[])],
            2,
        ),
    ];
    for (before, after, changed) in cases {
        let house = house().await;
        house.import(&addresses(before)).await.unwrap();
        let imported = house.import(&addresses(after)).await.unwrap();
        let expected = Imported {
            changed,
            added: after.len() - before.len(),
            ..Imported::default()
        };
        assert_eq!(imported, expected, "{after:?}");
        for (name, addresses) in after {
            let wanted: Vec<String> = addresses
                .iter()
                .map(|it| format!("mailto:{it}@x.org"))
                .collect();
            assert_eq!(house.principal(name).await.addresses, wanted, "{after:?}");
        }
        let written = house.store.backend().revision();
        let again = house.import(&addresses(after)).await.unwrap();
        let expected = Imported {
            unchanged: after.len(),
            ..Imported::default()
        };
        assert_eq!(again, expected, "{after:?}");
        assert_eq!(house.store.backend().revision(), written, "{after:?}");
    }
}

/// Only an entry that names somebody's addresses takes any of them away.
#[tokio::test]
async fn an_address_is_not_taken_from_who_is_not_in_the_file() {
    let house = house().await;
    house.import(&addresses(&[("a", &["x"])])).await.unwrap();
    let taken = addresses(&[("b", &["x"])]) + "[[users]]\nname = \"a\"\n";
    assert_eq!(
        house.import(&taken).await.unwrap_err().to_string(),
        "user \"b\": the address mailto:x@x.org belongs to the user \"a\""
    );
    assert_eq!(house.principal("a").await.addresses, ["mailto:x@x.org"]);
}

/// An import that ended between two commits is finished by the next.
#[tokio::test]
async fn an_import_that_broke_off_is_finished_by_the_next() {
    let house = house().await;
    let (before, after) = (
        addresses(&[("a", &["x"]), ("b", &["y"])]),
        addresses(&[("a", &["y"]), ("b", &["x"])]),
    );
    house.import(&before).await.unwrap();
    let existing = house.store.principals().await.unwrap();
    let mut entries = parse(&after).unwrap();
    plan::check(&mut entries, &existing).unwrap();
    for (id, _) in plan::handed_over(&entries, &existing) {
        let given_up = house.store.change_principal(id, |it| it.addresses.clear());
        given_up.await.unwrap();
    }
    house.import(&after).await.unwrap();
    assert_eq!(house.principal("a").await.addresses, ["mailto:y@x.org"]);
    assert_eq!(house.principal("b").await.addresses, ["mailto:x@x.org"]);
}

/// A house whose store fails when it is told to.
async fn faulty_house() -> (House, Arc<Faulty>) {
    let mut faulty = None;
    let house = house_over(|memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    (house, faulty.unwrap())
}

/// However often an import breaks off, at each of its commits in turn, the next one goes on; in the end
/// everything is as the file says, and the store is sound at every step.
#[tokio::test]
async fn an_import_is_finished_after_any_number_of_interruptions() {
    let (house, faulty) = faulty_house().await;
    let first = "[[users]]\nname = \"a\"\naddresses = [\"mailto:x@x.org\"]\npassword = \"old\"\n\
                 [[users]]\nname = \"b\"\naddresses = [\"mailto:y@x.org\"]\n";
    house.import(first).await.unwrap();
    let text = "[[users]]\nname = \"a\"\naddresses = [\"mailto:y@x.org\"]\npassword = \"new\"\n\
                [[users]]\nname = \"b\"\naddresses = [\"mailto:x@x.org\"]\n\
                [[users]]\nname = \"c\"\npassword = \"secret\"\n\
                [[groups]]\nname = \"g\"\nmembers = [\"a\", \"b\", \"c\"]\n";
    let mut interruptions = 0;
    loop {
        // One commit more each time, so that every commit is the one that fails once.
        faulty.fail_commits_from(2, CommitError::Unavailable("killed".into()));
        let imported = house.import(text).await;
        faulty.heal();
        assert_eq!(house.store.check().await.unwrap(), []);
        match imported {
            Err(error) => assert!(error.to_string().contains("killed"), "{error}"),
            Ok(_) => break,
        }
        interruptions += 1;
        assert!(interruptions < 100, "it makes no progress");
    }
    assert!(interruptions >= 5, "{interruptions}");
    let group = house.principal("g").await;
    assert_eq!(house.names(&group.members).await, ["a", "b", "c"]);
    assert_eq!(house.principal("a").await.addresses, ["mailto:y@x.org"]);
    let b = house.principal("b").await;
    assert_eq!(b.addresses, ["mailto:x@x.org"]);
    house.signs_in("a", "new").await.unwrap();
    house.signs_in("c", "secret").await.unwrap();
    let again = house.import(text).await.unwrap();
    assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 4));
}

/// Each account is a commit of its own, so that the second run has only the rest to do.
#[tokio::test]
async fn two_thousand_accounts_of_which_the_first_run_makes_some() {
    let (house, faulty) = faulty_house().await;
    let text: String = (0..2_000)
        .map(|number| {
            format!(
                "[[users]]\nname = \"user-{number}\"\naddresses = [\"mailto:user-{number}@x.org\"]\n"
            )
        })
        .collect();
    faulty.fail_commits_from(1_401, CommitError::Unavailable("killed".into()));
    house.import(&text).await.unwrap_err();
    faulty.heal();
    assert_eq!(house.store.principals().await.unwrap().len(), 1_400);
    let finished = house.import(&text).await.unwrap();
    assert_eq!(finished.added, 600);
    assert_eq!(finished.added + finished.changed, 2_000);
    let again = house.import(&text).await.unwrap();
    assert_eq!(again.unchanged, 2_000);
}

#[test]
fn a_file_that_is_none_names_its_line() {
    let cases = [
        ("[[users]]\nname = 5", "line 2: invalid type"),
        (
            "[[users]]\nname = \"a\"\npasword = \"x\"",
            "line 3: unknown field `pasword`",
        ),
        (
            "[[rooms]]\nname = \"a\"\nbooking = \"sometimes\"",
            "line 3: unknown variant `sometimes`",
        ),
        ("[[people]]\nname = \"a\"", "line 1: unknown field `people`"),
        ("[[users]]\ndisplay_name = \"a\"", "missing field `name`"),
    ];
    for (text, expected) in cases {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}\n{error}");
    }
}
