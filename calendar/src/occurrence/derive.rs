//! A component of its own for an instance that had none (RFC 5545 §3.8.4.4).

use super::{Instance, InstanceKey, RecurrenceSet};
use crate::{
    object::{CalendarObject, Component, Property},
    recurrence::{Budget, TooMuchWork, gregorian::civil_seconds},
    value::{DateOrDateTime, DateTime, Duration, Form, date_in},
    zone::Zone,
};

/// What belongs to a series and to none of its instances.
const OF_THE_SERIES: [&str; 5] = ["RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"];

/// Why an instance gets no component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// There is no such instance, or it has a component already.
    #[error("there is no such instance")]
    NoSuchInstance,
    /// The recurrence takes too much work.
    #[error("the recurrence is too much work")]
    TooMuchWork,
}

/// The component that describes one instance as it was described before: by the master, or by an override
/// for it and all later ones. `recurrence_id` is the value of a RECURRENCE-ID; a local time is one in the zone of
/// the master's DTSTART.
///
/// # Errors
/// [`DeriveError`].
pub fn override_of(object: &CalendarObject, recurrence_id: &str) -> Result<Component, DeriveError> {
    let zone = start_of(master_of(object)?)?.parameter("TZID");
    let asked = DateOrDateTime::parse(recurrence_id, zone.as_deref())
        .map_err(|_| DeriveError::NoSuchInstance)?;
    let set = RecurrenceSet::of(object, &Zone::utc());
    let found = set.find(&asked, &mut Budget::default());
    let found = found.map_err(|TooMuchWork| DeriveError::TooMuchWork)?;
    let instance = found.filter(|it| it.recurrence_id.as_ref() == Some(&asked));
    set.override_for(&instance.ok_or(DeriveError::NoSuchInstance)?)
}

/// The same of an instance that is told by its key, whatever form its RECURRENCE-ID was written in.
///
/// # Errors
/// [`DeriveError`].
pub fn override_at(object: &CalendarObject, key: InstanceKey) -> Result<Component, DeriveError> {
    RecurrenceSet::of(object, &Zone::utc()).override_at(key)
}

impl RecurrenceSet<'_> {
    /// The component that describes the instance with this key, as [`override_at`] makes it.
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn override_at(&self, key: InstanceKey) -> Result<Component, DeriveError> {
        let found = self.find_key(key, &mut Budget::default());
        let instance = found.map_err(|TooMuchWork| DeriveError::TooMuchWork)?;
        self.override_for(&instance.ok_or(DeriveError::NoSuchInstance)?)
    }

    /// The component of an instance, made of what describes it.
    ///
    /// # Errors
    /// [`DeriveError`]: it is described by a component of its own.
    pub fn override_for(&self, instance: &Instance) -> Result<Component, DeriveError> {
        let mut entries = self.entries.iter();
        let master = entries.find(|entry| !entry.is_override());
        let master = master.ok_or(DeriveError::NoSuchInstance)?;
        derive_from(self, start_of(master.component)?, instance)
    }
}

fn master_of(object: &CalendarObject) -> Result<&Component, DeriveError> {
    let mut entries = object.entries();
    let master = entries.find(|entry| entry.property("RECURRENCE-ID").is_none());
    master.ok_or(DeriveError::NoSuchInstance)
}

/// What a series is placed by.
fn start_of(master: &Component) -> Result<&Property, DeriveError> {
    let mut names = ["DTSTART", "DUE"].into_iter();
    let start = names.find_map(|name| master.property(name));
    start.ok_or(DeriveError::NoSuchInstance)
}

/// The component of an instance that was found in a set; `start` is what the series is placed by.
fn derive_from(
    set: &RecurrenceSet<'_>,
    start: &Property,
    instance: &Instance,
) -> Result<Component, DeriveError> {
    let id = instance
        .recurrence_id
        .as_ref()
        .ok_or(DeriveError::NoSuchInstance)?;
    let described = set.component(instance);
    let own_id = date_in(described, "RECURRENCE-ID");
    if own_id.is_some_and(|own| set.key_of(&own) == set.key_of(id)) {
        return Err(DeriveError::NoSuchInstance);
    }
    let mut own = described.clone();
    own.retain_properties(|property| !OF_THE_SERIES.contains(&property.name()));
    let end = |name: &str| {
        let form = date_in(described, name)?;
        Some(in_form_of(&form, instance, set))
    };
    let due_alone = described.property("DTSTART").is_none();
    for (name, value) in [
        ("DTSTART", Some(instance.start_value.clone())),
        ("DTEND", end("DTEND")),
        ("DUE", end("DUE").filter(|_| !due_alone)),
        ("DUE", due_alone.then(|| instance.start_value.clone())),
    ] {
        if let (Some(property), Some(value)) = (own.property_mut(name), value) {
            set_date(property, &value);
        }
    }
    if own.property("DTEND").is_none() && own.property("DUE").is_none() {
        set_length(&mut own, instance, set);
    }
    own.push_property(recurrence_id_like(start, id));
    Ok(own)
}

/// Writes how long an instance lasts, where its component says it otherwise: a PERIOD (RFC 5545 §3.8.5.2) has a length of
/// its own.
fn set_length(own: &mut Component, instance: &Instance, set: &RecurrenceSet<'_>) {
    let place = set.entries[instance.entry].place.as_ref();
    let is_as_long = place.is_none_or(|place| {
        let civil = civil_seconds(instance.start_value.civil());
        place.clock.end(civil, instance.start, place.length) == instance.end
    });
    if !is_as_long {
        let seconds = instance.end.as_second() - instance.start.as_second();
        own.set_raw_value("DURATION", &Duration::seconds(seconds).to_string())
            .expect("a printed duration is a valid value");
    }
}

/// The end of an instance in the form of the series' end.
fn in_form_of(
    form: &DateOrDateTime,
    instance: &Instance,
    set: &RecurrenceSet<'_>,
) -> DateOrDateTime {
    let DateOrDateTime::DateTime(DateTime { form, .. }) = form else {
        return instance.end_value.clone();
    };
    let is_same = |value: &DateOrDateTime| matches!(value, DateOrDateTime::DateTime(value) if value.form == *form);
    if *form == Form::Floating || is_same(&instance.end_value) {
        return instance.end_value.clone();
    }
    let zone = set.zones().of_form(form, set.floating());
    DateOrDateTime::DateTime(DateTime {
        civil: zone.civil(instance.end),
        form: form.clone(),
    })
}

/// Sets a value whose parameters say its form already.
fn set_date(property: &mut Property, value: &DateOrDateTime) {
    property
        .set_raw_value(&value.to_string())
        .expect("a printed date is a valid value");
}

/// RFC 5545 §3.8.4.4: in the form of DTSTART.
fn recurrence_id_like(start: &Property, id: &DateOrDateTime) -> Property {
    let mut property =
        Property::new("RECURRENCE-ID", &id.to_string()).expect("a printed date is a valid value");
    // (In UTC where the zone's clock shows that time twice.)
    let is_utc = |name: &str| name == "TZID" && id.to_string().ends_with('Z');
    for name in ["VALUE", "TZID"] {
        if let Some(value) = start.parameter(name).filter(|_| !is_utc(name)) {
            property
                .set_parameter(name, &value)
                .expect("the value comes from a valid line");
        }
    }
    property
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Limits;

    fn object(component: &str, lines: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:{component}\nUID:a\n{}\nEND:{component}\nEND:VCALENDAR\n",
            lines.replace(' ', "\n")
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    /// The lines of the override, sorted.
    fn derived(component: &str, lines: &str, id: &str) -> Result<String, DeriveError> {
        let own = override_of(&object(component, lines), id)?;
        let mut lines: Vec<String> = own
            .properties()
            .map(|property| property.content().to_owned())
            .filter(|line| line != "UID:a")
            .collect();
        lines.sort();
        Ok(lines.join(" "))
    }

    #[test]
    fn an_instance_is_as_the_series_described_it() {
        for (component, lines, id, expected) in [
            (
                "VEVENT",
                "DTSTART:20260301T090000Z DTEND:20260301T100000Z RRULE:FREQ=DAILY",
                "20260310T090000Z",
                "DTEND:20260310T100000Z DTSTART:20260310T090000Z RECURRENCE-ID:20260310T090000Z",
            ),
            (
                "VEVENT",
                "DTSTART;VALUE=DATE:20260301 DTEND;VALUE=DATE:20260303 RRULE:FREQ=WEEKLY",
                "20260308",
                "DTEND;VALUE=DATE:20260310 DTSTART;VALUE=DATE:20260308 RECURRENCE-ID;VALUE=DATE:20260308",
            ),
            // over the change of clocks, with an end in another zone
            (
                "VEVENT",
                "DTSTART;TZID=Europe/Berlin:20260301T100000 DTEND;TZID=America/New_York:20260301T050000 \
                 EXDATE;TZID=Europe/Berlin:20260302T100000 RRULE:FREQ=DAILY SUMMARY:x",
                "20260310T100000",
                "DTEND;TZID=America/New_York:20260310T060000 DTSTART;TZID=Europe/Berlin:20260310T100000 \
                 RECURRENCE-ID;TZID=Europe/Berlin:20260310T100000 SUMMARY:x",
            ),
            (
                "VEVENT",
                "DTSTART:20260301T090000 DURATION:PT2H RDATE:20260401T120000",
                "20260401T120000",
                "DTSTART:20260401T120000 DURATION:PT2H RECURRENCE-ID:20260401T120000",
            ),
            // RFC 5545 §3.8.5.2: a PERIOD has a length of its own
            (
                "VEVENT",
                "DTSTART:20260301T090000Z DURATION:PT1H RDATE;VALUE=PERIOD:20260401T120000Z/PT3H",
                "20260401T120000Z",
                "DTSTART:20260401T120000Z DURATION:PT3H RECURRENCE-ID:20260401T120000Z",
            ),
            (
                "VTODO",
                "DTSTART:20260301T090000Z RDATE;VALUE=PERIOD:20260401T120000Z/20260401T150000Z",
                "20260401T120000Z",
                "DTSTART:20260401T120000Z DURATION:PT3H RECURRENCE-ID:20260401T120000Z",
            ),
            (
                "VEVENT",
                "DTSTART:20260301T090000Z DTEND:20260301T100000Z RDATE;VALUE=PERIOD:20260401T120000Z/PT3H",
                "20260401T120000Z",
                "DTEND:20260401T150000Z DTSTART:20260401T120000Z RECURRENCE-ID:20260401T120000Z",
            ),
            // the same one, written otherwise
            (
                "VEVENT",
                "DTSTART:20260301T090000Z DURATION:PT60M RDATE;VALUE=PERIOD:20260401T120000Z/PT1H",
                "20260401T120000Z",
                "DTSTART:20260401T120000Z DURATION:PT60M RECURRENCE-ID:20260401T120000Z",
            ),
            (
                "VTODO",
                "DUE:20260301T090000Z RRULE:FREQ=DAILY",
                "20260302T090000Z",
                "DUE:20260302T090000Z RECURRENCE-ID:20260302T090000Z",
            ),
        ] {
            assert_eq!(derived(component, lines, id).unwrap(), expected, "{id}");
        }
    }

    /// RFC 5545 §3.8.4.4: a RECURRENCE-ID may be written in any form and zone.
    #[test]
    fn an_instance_is_told_by_any_form_of_its_name() {
        let series = object(
            "VEVENT",
            "DTSTART;TZID=Europe/Berlin:20260301T100000 DURATION:PT1H RRULE:FREQ=DAILY \
             EXDATE;TZID=Europe/Berlin:20260402T100000",
        );
        let set = RecurrenceSet::of(&series, &Zone::utc());
        let key = |text: &str, zone: Option<&str>| {
            set.key_of(&DateOrDateTime::parse(text, zone).unwrap())
        };
        let local = key("20260401T100000", Some("Europe/Berlin"));
        for (text, zone) in [
            ("20260401T080000Z", None),
            ("20260401T100000", None),
            ("20260401T040000", Some("America/New_York")),
            ("20260401", None),
        ] {
            assert_eq!(key(text, zone), local, "{text}");
        }
        let expected = "RECURRENCE-ID;TZID=Europe/Berlin:20260401T100000";
        for found in [override_at(&series, local).ok(), apart_at(&series, local)] {
            let own = found.unwrap();
            assert_eq!(own.property("RECURRENCE-ID").unwrap().content(), expected);
            assert_eq!(own.raw_value("DTSTART"), Some("20260401T100000"));
        }
        let excluded = key("20260402T100000", Some("Europe/Berlin"));
        assert_eq!(
            override_at(&series, excluded),
            Err(DeriveError::NoSuchInstance)
        );
        assert!(apart_at(&series, excluded).is_some());
        let never = key("20260402T110000", Some("Europe/Berlin"));
        assert_eq!(apart_at(&series, never), None);
    }

    /// What an instance is apart from its own component.
    fn apart_at(object: &CalendarObject, key: InstanceKey) -> Option<Component> {
        let set = RecurrenceSet::of(object, &Zone::utc());
        let mut found = set.find_apart(&BTreeSet::from([key]), &mut Budget::default());
        set.override_for(&found.remove(&key)?).ok()
    }

    /// RFC 5545 §3.2.13: what is said of an instance and all later ones is what these are apart from components of their own.
    #[test]
    fn an_instance_is_something_apart_from_its_own_component() {
        let text = "BEGIN:VCALENDAR
            BEGIN:VEVENT UID:a DTSTART:20260301T090000Z RRULE:FREQ=DAILY EXDATE:20260306T090000Z END:VEVENT
            BEGIN:VEVENT UID:a DTSTART:20260302T070000Z RECURRENCE-ID:20260302T090000Z END:VEVENT
            BEGIN:VEVENT UID:a DTSTART:20260303T110000Z RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T090000Z END:VEVENT
            BEGIN:VEVENT UID:a DTSTART:20260305T120000Z RECURRENCE-ID;RANGE=THISANDFUTURE:20260305T090000Z END:VEVENT
            END:VCALENDAR";
        let text = text.split_whitespace().collect::<Vec<_>>().join("\n");
        let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        let set = RecurrenceSet::of(&object, &Zone::utc());
        for (day, hour) in [(1, 9), (2, 9), (3, 9), (4, 11), (5, 11), (6, 12), (7, 12)] {
            let id = DateOrDateTime::parse(&format!("2026030{day}T090000Z"), None).unwrap();
            let found = apart_at(&object, set.key_of(&id)).unwrap();
            let expected = format!("2026030{day}T{hour:02}0000Z");
            assert_eq!(found.raw_value("DTSTART"), Some(&*expected));
        }
    }

    #[test]
    fn what_is_no_instance_gets_no_component() {
        let daily = "DTSTART:20260301T090000Z RRULE:FREQ=DAILY;COUNT=3";
        let once = "DTSTART:20260301T090000Z";
        let own = "DTSTART:20260301T090000Z RECURRENCE-ID:20260301T090000Z";
        for (lines, id) in [
            (daily, "20260304T090000Z"),
            (daily, "20260302T100000Z"),
            (daily, "20260302"),
            (daily, "tomorrow"),
            (once, "20260301T090000Z"),
            (own, "20260301T090000Z"),
            ("SUMMARY:x", "20260301T090000Z"),
        ] {
            let found = derived("VEVENT", lines, id);
            assert_eq!(found, Err(DeriveError::NoSuchInstance), "{lines} {id}");
        }
    }
}
