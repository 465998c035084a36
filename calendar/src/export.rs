//! Many calendar objects as the components of one calendar.
//!
//! Each VTIMEZONE comes once, before the first component that names it. A TZID that this server knows by
//! itself means the same in all objects, whatever their VTIMEZONEs say (see [`crate::zone`]). Where two
//! objects describe different zones under one name that only they know, the later zone gets a name of its
//! own, in its VTIMEZONE and wherever its object names it.

use std::collections::BTreeMap;

use crate::{
    object::{CalendarObject, Component, EditError},
    zone::is_known_name,
};

/// How many zones are told apart. Beyond that each that comes with an object gets a name of its own.
const MAXIMUM_ZONES: usize = 2_000;
/// The octets of their descriptions that are kept at the most.
const MAXIMUM_OCTETS: usize = 4 * 1024 * 1024;

/// The properties of an observance that say what its clocks show (RFC 5545 §3.6.5).
const OBSERVANCE: [&str; 5] = ["DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"];

/// What was seen of the zones so far.
#[derive(Debug, Default)]
pub struct Export {
    /// By name in lower case: what each zone of that name says, and the name that it was given.
    zones: BTreeMap<String, Vec<(String, String)>>,
    count: usize,
    octets: usize,
    /// For names of zones that are not remembered.
    unremembered: usize,
}

impl Export {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Export {
        Export::default()
    }

    /// The components of an object that the calendar gets: VTIMEZONEs that it does not have yet, and
    /// everything else.
    pub fn components(&mut self, mut object: CalendarObject) -> Vec<Component> {
        object.mend_folds();
        let mut components = Vec::new();
        let mut renamed: Vec<(String, String)> = Vec::new();
        for zone in object.calendar().components_named("VTIMEZONE") {
            let Some(name) = zone.text("TZID") else {
                continue;
            };
            let (given, is_new) = self.place(name.trim(), zone);
            let is_other = given != name.trim();
            if is_new {
                let mut zone = zone.clone();
                if is_other && set_name(&mut zone, &given).is_err() {
                    continue;
                }
                zone.end_lines_as_usual();
                components.push(zone);
            }
            if is_other {
                renamed.push((name.trim().to_owned(), given));
            }
        }
        for entry in object.entries() {
            let mut entry = entry.clone();
            if !renamed.is_empty() {
                entry.for_each_mut(|component| rename(component, &renamed));
            }
            entry.end_lines_as_usual();
            components.push(entry);
        }
        components
    }

    /// The name under which a zone stands in the calendar, and whether it does not stand there yet.
    fn place(&mut self, name: &str, zone: &Component) -> (String, bool) {
        let key = name.to_ascii_lowercase();
        let meaning = match is_known_name(name) {
            true => String::new(),
            false => meaning(zone),
        };
        let known = self.zones.get(&key).map_or(&[][..], Vec::as_slice);
        if let Some((_, given)) = known.iter().find(|(known, _)| *known == meaning) {
            return (given.clone(), false);
        }
        let is_full = self.count >= MAXIMUM_ZONES || self.octets + meaning.len() > MAXIMUM_OCTETS;
        let given = match (known.len(), is_full) {
            (0, false) => name.to_owned(),
            (others, false) => self.unused(name, others + 1),
            (_, true) => {
                self.unremembered += 1;
                self.unused(name, MAXIMUM_ZONES + self.unremembered)
            }
        };
        if !is_full {
            self.count += 1;
            self.octets += meaning.len();
            if given != name {
                // Whoever comes under this name must not be taken for it.
                let taken = self.zones.entry(given.to_ascii_lowercase()).or_default();
                taken.push((meaning.clone(), given.clone()));
            }
            let zones = self.zones.entry(key).or_default();
            zones.push((meaning, given.clone()));
        }
        (given, true)
    }

    fn unused(&self, name: &str, from: usize) -> String {
        (from..)
            .map(|number| format!("{name} ({number})"))
            .find(|name| !self.zones.contains_key(&name.to_ascii_lowercase()))
            .unwrap_or_else(|| name.to_owned())
    }
}

/// What a VTIMEZONE says of its clocks, as a text: equal texts are equal zones.
fn meaning(zone: &Component) -> String {
    let mut observances: Vec<String> = zone
        .components()
        .map(|observance| {
            let lines = OBSERVANCE
                .iter()
                .flat_map(|name| observance.properties_named(name))
                .map(|property| [property.name(), ":", property.raw_value(), "\n"].concat());
            lines.collect()
        })
        .collect();
    observances.sort();
    observances.concat()
}

fn set_name(zone: &mut Component, name: &str) -> Result<(), EditError> {
    match zone.property_mut("TZID") {
        Some(property) => property.set_text(name),
        None => Ok(()),
    }
}

/// Gives the zones that a component names their new names.
fn rename(component: &mut Component, renamed: &[(String, String)]) {
    for property in component.properties_mut() {
        let new_name = property.parameter("TZID").and_then(|named| {
            let same = |(old, _): &&(String, String)| old.eq_ignore_ascii_case(named.trim());
            renamed.iter().find(same).map(|(_, given)| given)
        });
        if let Some(new_name) = new_name {
            // The name was one before and got a number.
            let _ = property.set_parameter("TZID", new_name);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::object::Limits;

    fn zone(name: &str, offset: &str) -> String {
        format!(
            "BEGIN:VTIMEZONE\nTZID:{name}\nX-MADE-BY:{offset}\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
             TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nTZNAME:X\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    }

    fn object(zones: &str, uid: &str, lines: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\n{zones}BEGIN:VEVENT\nUID:{uid}\n{lines}END:VEVENT\nEND:VCALENDAR\n"
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn exported(export: &mut Export, object: CalendarObject) -> String {
        let components = export.components(object);
        let octets: Vec<_> = components.iter().map(Component::to_octets).collect();
        String::from_utf8(octets.concat()).unwrap()
    }

    #[test]
    fn a_zone_comes_once() {
        let mut export = Export::new();
        let line = "DTSTART;TZID=Somewhere:20260301T120000\n";
        let first = exported(&mut export, object(&zone("Somewhere", "+0100"), "1", line));
        assert!(first.starts_with("BEGIN:VTIMEZONE\r\n"));
        assert!(first.ends_with("END:VEVENT\r\n") && !first.replace("\r\n", "").contains('\n'));
        // Other words for the same zone.
        let same = zone("somewhere", "+0100").replace("TZNAME:X", "TZNAME:Y");
        let second = exported(&mut export, object(&same, "2", line));
        assert_eq!(
            second,
            "BEGIN:VEVENT\r\nUID:2\r\nDTSTART;TZID=Somewhere:20260301T120000\r\nEND:VEVENT\r\n"
        );
    }

    #[test]
    fn other_zones_of_the_same_name_get_another() {
        let mut export = Export::new();
        let line = "DTSTART;TZID=\"Somewhere\";X-A=b:20260301T120000\nBEGIN:VALARM\n\
            TRIGGER;TZID=somewhere:20260301T110000\nEND:VALARM\nEXDATE;TZID=Elsewhere:20260302T120000\n";
        exported(&mut export, object(&zone("Somewhere", "+0100"), "1", line));
        for (offset, name) in [
            ("+0200", "Somewhere (2)"),
            ("+0300", "Somewhere (3)"),
            ("+0200", "Somewhere (2)"),
        ] {
            let text = exported(&mut export, object(&zone("Somewhere", offset), "2", line));
            assert!(
                text.contains(&format!("DTSTART;TZID={name};X-A=b:20260301T120000\r\n")),
                "{text}"
            );
            assert!(
                text.contains(&format!("TRIGGER;TZID={name}:20260301T110000\r\n")),
                "{text}"
            );
            assert!(text.contains("EXDATE;TZID=Elsewhere:"), "{text}");
        }
        // A zone that has that name by itself.
        let line = "DTSTART;TZID=Somewhere (2):20260301T120000\n";
        let text = exported(
            &mut export,
            object(&zone("Somewhere (2)", "+0900"), "3", line),
        );
        assert!(text.contains("TZID:Somewhere (2) (2)\r\n"), "{text}");
        assert!(text.contains("DTSTART;TZID=Somewhere (2) (2):"), "{text}");
    }

    /// What the database knows means the same in all objects.
    #[test]
    fn known_names_are_one_zone() {
        let mut export = Export::new();
        let line = "DTSTART;TZID=Europe/Berlin:20260301T120000\n";
        let first = exported(
            &mut export,
            object(&zone("Europe/Berlin", "+0100"), "1", line),
        );
        assert!(first.contains("BEGIN:VTIMEZONE"));
        let second = exported(
            &mut export,
            object(&zone("Europe/Berlin", "+0200"), "2", line),
        );
        assert!(!second.contains("BEGIN:VTIMEZONE"));
        assert!(second.contains("DTSTART;TZID=Europe/Berlin:"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut export = Export::new();
        for number in 0..MAXIMUM_ZONES + 10 {
            let text = exported(
                &mut export,
                object(
                    &zone(&format!("Z{number}"), "+0100"),
                    "1",
                    &format!("DTSTART;TZID=Z{number}:20260301T120000\n"),
                ),
            );
            assert!(text.contains("BEGIN:VTIMEZONE"));
        }
        assert_eq!(export.count, MAXIMUM_ZONES);
        assert_eq!(export.unremembered, 10);
    }
}
