//! What the organizer says and each attendee may say otherwise.

use super::*;

/// A step of somebody who sets a property, or removes it, and what bob's copy says then.
type Choice = (&'static str, Option<&'static str>, Option<&'static str>);

#[test]
fn what_each_may_choose_is_the_organizers_until_they_do() {
    // RFC 6638 §3.2.2.1, and the table of decisions: TRANSP as the organizer sent it
    let private = Some("PRIVATE");
    let table: [(&str, &str, Vec<Choice>); 7] = [
        (
            "CLASS",
            "PUBLIC",
            vec![("alice", private, private), ("alice", None, None)],
        ),
        (
            "TRANSP",
            "OPAQUE",
            vec![
                ("alice", Some("TRANSPARENT"), Some("TRANSPARENT")),
                ("alice", Some("OPAQUE"), Some("OPAQUE")),
            ],
        ),
        (
            "CATEGORIES",
            "Work",
            vec![
                ("alice", Some("Work,More"), Some("Work,More")),
                ("alice", None, None),
                ("alice", Some("A"), Some("A")),
            ],
        ),
        // what bob chose stays
        (
            "CLASS",
            "PUBLIC",
            vec![
                ("bob", Some("CONFIDENTIAL"), Some("CONFIDENTIAL")),
                ("alice", private, Some("CONFIDENTIAL")),
                ("alice", None, Some("CONFIDENTIAL")),
                // until both say the same
                ("alice", Some("CONFIDENTIAL"), Some("CONFIDENTIAL")),
                ("alice", private, private),
            ],
        ),
        // who takes it back has chosen nothing
        (
            "TRANSP",
            "OPAQUE",
            vec![
                ("bob", Some("TRANSPARENT"), Some("TRANSPARENT")),
                ("bob", Some("OPAQUE"), Some("OPAQUE")),
                ("alice", Some("TRANSPARENT"), Some("TRANSPARENT")),
                ("bob", None, None),
                ("alice", Some("OPAQUE"), Some("OPAQUE")),
                ("alice", Some("TRANSPARENT"), Some("TRANSPARENT")),
            ],
        ),
        // C3.1
        (
            "PRIORITY",
            "5",
            vec![
                ("bob", Some("1"), Some("1")),
                ("alice", Some("9"), Some("1")),
                ("bob", Some("9"), Some("9")),
                ("alice", Some("5"), Some("5")),
            ],
        ),
        (
            "CATEGORIES",
            "Work",
            vec![("bob", None, None), ("alice", Some("Other"), None)],
        ),
    ];
    for (name, first, steps) in table {
        let mut world = new_world();
        world.put(
            "alice",
            &meeting(&format!("{name}:{first}\nATTENDEE:mailto:bob@example.org")),
        );
        for (number, (who, value, expected)) in steps.into_iter().enumerate() {
            let mut object = world.copy(who).clone();
            for entry in object.entries_mut() {
                // clients need not know what the server notes
                entry.remove_properties("X-CONVOKE-SENT");
                match value {
                    Some(value) => entry.set_raw_value(name, value).unwrap(),
                    None => drop(entry.remove_properties(name)),
                }
            }
            world.put(who, &object);
            let copy = world.copy("bob").entries().next().unwrap();
            assert_eq!(copy.raw_value(name), expected, "{name}, step {number}");
            // an update of something else brings nothing of it
            world.edit("alice", "SUMMARY", &format!("{number}"));
            let copy = world.copy("bob").entries().next().unwrap();
            assert_eq!(
                copy.raw_value(name),
                expected,
                "{name}, after step {number}"
            );
        }
        let text = String::from_utf8(world.copy("alice").to_octets().to_vec()).unwrap();
        assert!(!text.contains("X-CONVOKE-SENT"), "it is bob's");
    }
}
