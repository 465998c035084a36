//! What each edit of a series that everybody accepted is for those who are invited (C2.5, C2.7).

use super::*;

/// A component that the organizer stores.
struct Stored {
    /// The day of an instance, and its hour.
    instance: Option<(&'static str, u8)>,
    people: &'static str,
    more: &'static str,
    /// What is otherwise in its text.
    changes: &'static [(&'static str, &'static str)],
}

const fn whole(people: &'static str, more: &'static str) -> Stored {
    Stored {
        instance: None,
        people,
        more,
        changes: &[],
    }
}

const fn one(day: &'static str, hour: u8, people: &'static str, more: &'static str) -> Stored {
    Stored {
        instance: Some((day, hour)),
        ..whole(people, more)
    }
}

const fn edited(stored: Stored, changes: &'static [(&'static str, &'static str)]) -> Stored {
    Stored { changes, ..stored }
}

impl Stored {
    fn text(&self) -> String {
        let text = match self.instance {
            None => series(self.people, self.more),
            Some((day, hour)) => instance(day, hour, self.people, self.more),
        };
        let change = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
        self.changes.iter().fold(text, change)
    }
}

/// What an edit of the series of [`accepted`] does.
struct Edit {
    name: &'static str,
    stored: &'static [Stored],
    /// Bob's messages, and his copy.
    letters: &'static [&'static str],
    copy: &'static [&'static str],
    /// The organizer's object.
    organized: &'static [&'static str],
    sequences: &'static [(&'static str, u32)],
}

const BOTH: &str = "bob carol";

const EDITS: [Edit; 21] = [
    Edit {
        name: "the same again",
        stored: &[whole(BOTH, "")],
        letters: &[],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 0)],
    },
    Edit {
        name: "another place: all is told, nobody is asked anew",
        stored: &[whole(BOTH, "LOCATION:Room 1")],
        letters: &["REQUEST series"],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 0)],
    },
    Edit {
        name: "an instance is taken out: it is cancelled, and nothing else is said",
        stored: &[whole(BOTH, "EXDATE:20260309T090000Z")],
        letters: &["CANCEL 0309"],
        copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
        organized: &["series bob+ carol+ without 0309"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "a day on which nothing was is taken out",
        stored: &[whole(BOTH, "EXDATE:20260310T090000Z")],
        letters: &[],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+ without 0310"],
        sequences: &[("series", 0)],
    },
    Edit {
        name: "an instance is moved: it alone is told, and asked anew",
        stored: &[whole(BOTH, ""), one("0309", 11, BOTH, "")],
        letters: &["REQUEST 0309"],
        copy: &["series bob+ carol+", "0309 bob? carol?"],
        organized: &["series bob+ carol+", "0309 bob? carol?"],
        sequences: &[("0309", 1), ("series", 0)],
    },
    Edit {
        name: "an instance has another place: it alone is told, and not asked anew",
        stored: &[whole(BOTH, ""), one("0309", 9, BOTH, "LOCATION:Room 1")],
        letters: &["REQUEST 0309"],
        copy: &["series bob+ carol+", "0309 bob+ carol+"],
        organized: &["series bob+ carol+", "0309 bob+ carol+"],
        sequences: &[("0309", 0), ("series", 0)],
    },
    Edit {
        name: "an instance gets a component that says nothing new",
        stored: &[
            whole(BOTH, ""),
            one("0309", 9, BOTH, "X-MOZ-LASTACK:20260101T000000Z"),
        ],
        letters: &[],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+", "0309 bob+ carol+"],
        sequences: &[("0309", 0), ("series", 0)],
    },
    Edit {
        name: "an instance is cancelled by its status",
        stored: &[whole(BOTH, ""), one("0309", 9, BOTH, "STATUS:CANCELLED")],
        letters: &["CANCEL 0309"],
        copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
        organized: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
        sequences: &[("0309", 1), ("series", 0)],
    },
    Edit {
        name: "Bob is left out of one instance",
        stored: &[whole(BOTH, ""), one("0309", 9, "carol", "")],
        letters: &["CANCEL 0309"],
        copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
        organized: &["series bob+ carol+", "0309 carol+"],
        sequences: &[("0309", 1), ("series", 0)],
    },
    Edit {
        name: "Bob stays in one instance only",
        stored: &[whole("carol", ""), one("0309", 9, BOTH, "")],
        letters: &["CANCEL series", "REQUEST 0309"],
        copy: &["series cancelled bob+ carol+", "0309 bob+ carol+"],
        organized: &["series carol+", "0309 bob+ carol+"],
        // what is left comes after the cancellation of the whole (RFC 5546 §2.1.5)
        sequences: &[("0309", 1), ("series", 1)],
    },
    Edit {
        name: "Bob is not invited any more",
        stored: &[whole("carol", "")],
        letters: &["CANCEL series"],
        copy: &["series cancelled bob+ carol+"],
        organized: &["series carol+"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "the series ends earlier: it is told, nobody is asked anew",
        stored: &[edited(whole(BOTH, ""), &[("COUNT=10", "COUNT=5")])],
        letters: &["REQUEST series"],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "the same end, said in another way",
        stored: &[edited(
            whole(BOTH, ""),
            &[("COUNT=10", "UNTIL=20260504T090000Z")],
        )],
        letters: &[],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 0)],
    },
    Edit {
        name: "the same instants in a zone that is UTC all year",
        stored: &[edited(
            whole(BOTH, ""),
            &[
                (
                    "DTSTART:20260302T090000Z",
                    "DTSTART;TZID=Africa/Abidjan:20260302T090000",
                ),
                (
                    "DTEND:20260302T100000Z",
                    "DTEND;TZID=Africa/Abidjan:20260302T100000",
                ),
            ],
        )],
        letters: &[],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 0)],
    },
    Edit {
        name: "a zone whose clocks change moves instances",
        stored: &[edited(
            whole(BOTH, ""),
            &[
                (
                    "DTSTART:20260302T090000Z",
                    "DTSTART;TZID=Europe/Berlin:20260302T100000",
                ),
                (
                    "DTEND:20260302T100000Z",
                    "DTEND;TZID=Europe/Berlin:20260302T110000",
                ),
            ],
        )],
        letters: &["REQUEST series"],
        copy: &["series bob? carol?"],
        organized: &["series bob? carol?"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "the series goes on longer: new instances, all are asked",
        stored: &[edited(whole(BOTH, ""), &[("COUNT=10", "COUNT=11")])],
        letters: &["REQUEST series"],
        copy: &["series bob? carol?"],
        organized: &["series bob? carol?"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "an instance more",
        stored: &[whole(BOTH, "RDATE:20260304T090000Z")],
        letters: &["REQUEST series"],
        copy: &["series bob? carol?"],
        organized: &["series bob? carol?"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "the series is another day: all is told in one message",
        stored: &[edited(
            whole(BOTH, "EXDATE:20260310T090000Z"),
            &[("20260302T", "20260303T")],
        )],
        letters: &["REQUEST series"],
        copy: &["series bob? carol? without 0310"],
        organized: &["series bob? carol? without 0310"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "the series becomes a single event",
        stored: &[edited(
            whole(BOTH, ""),
            &[("RRULE:FREQ=WEEKLY;COUNT=10\n", "")],
        )],
        letters: &["REQUEST series"],
        copy: &["series bob+ carol+"],
        organized: &["series bob+ carol+"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "all is cancelled",
        stored: &[whole(BOTH, "STATUS:CANCELLED")],
        letters: &["CANCEL series"],
        copy: &["series cancelled bob+ carol+"],
        organized: &["series cancelled bob+ carol+"],
        sequences: &[("series", 1)],
    },
    Edit {
        name: "somebody more in one instance",
        stored: &[whole(BOTH, ""), one("0309", 9, "bob carol room", "")],
        letters: &["REQUEST 0309"],
        copy: &["series bob+ carol+", "0309 bob+ carol+ room?"],
        organized: &["series bob+ carol+", "0309 bob+ carol+ room?"],
        sequences: &[("0309", 0), ("series", 0)],
    },
];

#[test]
fn edits_of_a_series_that_was_accepted() {
    for edit in EDITS {
        let mut world = accepted();
        let stored: Vec<String> = edit.stored.iter().map(Stored::text).collect();
        let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
        world.put("alice", &set(&stored));
        let name = edit.name;
        assert_eq!(world.letters("bob"), edit.letters, "{name}: letters");
        assert_eq!(world.shape("bob"), edit.copy, "{name}: copy");
        assert_eq!(world.shape("alice"), edit.organized, "{name}: organizer");
        let numbers: Vec<(String, u32)> = sequences(world.copy("alice"));
        let numbers: Vec<(&str, u32)> = numbers
            .iter()
            .map(|(it, number)| (&**it, *number))
            .collect();
        assert_eq!(numbers, edit.sequences, "{name}: sequences");
    }
}
