//! Managed attachments in iCalendar (RFC 8607 §4): ATTACH properties with a MANAGED-ID.
//!
//! A change names the instances that it is about as the request does (RFC 8607 §3.3.2). Where an instance has
//! no component of its own it gets one, derived from what described it before.

use std::collections::BTreeSet;

use crate::{
    object::{CalendarObject, Component, EditError, Property},
    occurrence::{DeriveError, override_of},
};

/// The name of the property.
const ATTACH: &str = "ATTACH";
/// RFC 8607 §4.3
const MANAGED_ID: &str = "MANAGED-ID";
/// RFC 8607 §4.1
const SIZE: &str = "SIZE";

/// What an ATTACH property says of a managed attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedAttachment {
    /// MANAGED-ID.
    pub id: String,
    /// The value: where it is fetched.
    pub uri: String,
    /// FMTTYPE: `type/subtype`.
    pub media_type: String,
    /// FILENAME (RFC 8607 §4.2).
    pub filename: String,
    /// SIZE in octets.
    pub octets: u64,
}

/// Which instances a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instances {
    /// All: each component of the object.
    All,
    /// These, at least one.
    These(Vec<InstanceName>),
}

/// An item of `rid` (RFC 8607 §3.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceName {
    /// `M`: the component without RECURRENCE-ID.
    Master,
    /// The value of a RECURRENCE-ID, as it is stored.
    At(String),
}

/// Why attachments cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentFault {
    /// The object has no such instance.
    #[error("there is no such instance")]
    NoSuchInstance,
    /// No instance that is meant has an attachment with this MANAGED-ID.
    #[error("there is no such attachment")]
    NoSuchAttachment,
    /// The recurrence takes too much work.
    #[error("the recurrence is too much work")]
    TooMuchWork,
    /// A text that no line can hold.
    #[error(transparent)]
    Text(#[from] EditError),
}

impl From<DeriveError> for AttachmentFault {
    fn from(error: DeriveError) -> AttachmentFault {
        match error {
            DeriveError::NoSuchInstance => AttachmentFault::NoSuchInstance,
            DeriveError::TooMuchWork => AttachmentFault::TooMuchWork,
        }
    }
}

/// The most instances that one change names: each is looked for in the recurrence, and gets a component of
/// its own.
const MAXIMUM_NAMED: usize = 100;

impl Instances {
    /// Reads the value of `rid`; `None` where it is none: an empty item, one that stands there twice, or
    /// more than 100 of them.
    pub fn parse(text: &str) -> Option<Instances> {
        let mut names = Vec::new();
        for item in text.split(',') {
            let name = match item.trim() {
                "" => return None,
                "M" | "m" => InstanceName::Master,
                value => InstanceName::At(value.to_ascii_uppercase()),
            };
            if names.contains(&name) || names.len() == MAXIMUM_NAMED {
                return None;
            }
            names.push(name);
        }
        Some(Instances::These(names))
    }
}

impl ManagedAttachment {
    /// The property.
    ///
    /// # Errors
    /// A text that no line can hold.
    pub fn to_property(&self) -> Result<Property, EditError> {
        Property::new(ATTACH, &self.uri)?
            .with_parameter(MANAGED_ID, &self.id)?
            .with_parameter("FMTTYPE", &self.media_type)?
            .with_parameter(SIZE, &self.octets.to_string())?
            .with_parameter("FILENAME", &self.filename)
    }
}

/// The MANAGED-ID of a property, if it is a managed attachment.
fn managed_id(property: &Property) -> Option<std::borrow::Cow<'_, str>> {
    property
        .is(ATTACH)
        .then(|| property.parameter(MANAGED_ID))
        .flatten()
}

fn is_attachment(property: &Property, id: &str) -> bool {
    managed_id(property).is_some_and(|found| found == id)
}

fn has_attachment(component: &Component, id: &str) -> bool {
    component.properties().any(|it| is_attachment(it, id))
}

/// The MANAGED-IDs that an object refers to, each once, in their order. (Alarms have attachments that are
/// not managed.)
pub fn managed_ids(object: &CalendarObject) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut ids = Vec::new();
    for id in object
        .entries()
        .flat_map(Component::properties)
        .filter_map(managed_id)
    {
        if seen.insert(id.clone().into_owned()) {
            ids.push(id.into_owned());
        }
    }
    ids
}

/// Adds an attachment to instances (RFC 8607 §3.4).
///
/// # Errors
/// [`AttachmentFault::NoSuchInstance`]; the object is then to be thrown away.
pub fn add(
    object: &mut CalendarObject,
    instances: &Instances,
    attachment: &ManagedAttachment,
) -> Result<(), AttachmentFault> {
    let property = attachment.to_property()?;
    for_each(object, instances, |component| {
        component.push_property(property.clone());
        Ok(())
    })
}

/// Puts another attachment in the place of one, in all instances that have it (RFC 8607 §3.5).
///
/// # Errors
/// [`AttachmentFault::NoSuchAttachment`].
pub fn replace(
    object: &mut CalendarObject,
    id: &str,
    attachment: &ManagedAttachment,
) -> Result<(), AttachmentFault> {
    let property = attachment.to_property()?;
    let mut found = false;
    for line in object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| is_attachment(line, id))
    {
        *line = line.replaced_by(&property);
        found = true;
    }
    match found {
        true => Ok(()),
        false => Err(AttachmentFault::NoSuchAttachment),
    }
}

/// Removes an attachment from instances (RFC 8607 §3.6). Of all instances, those that do not have it stay as
/// they are.
///
/// # Errors
/// [`AttachmentFault::NoSuchInstance`], [`AttachmentFault::NoSuchAttachment`]; the object is then to be thrown
/// away.
pub fn remove(
    object: &mut CalendarObject,
    instances: &Instances,
    id: &str,
) -> Result<(), AttachmentFault> {
    if *instances == Instances::All && !object.entries().any(|entry| has_attachment(entry, id)) {
        return Err(AttachmentFault::NoSuchAttachment);
    }
    for_each(object, instances, |component| {
        let removed = component.retain_properties(|property| !is_attachment(property, id));
        match removed {
            0 if *instances != Instances::All => Err(AttachmentFault::NoSuchAttachment),
            _ => Ok(()),
        }
    })
}

/// Makes attachments that nobody manages of those that `is_managed` does not hold for. Whether there were any.
pub fn release(object: &mut CalendarObject, is_managed: impl Fn(&str) -> bool) -> bool {
    let is_unmanaged =
        |property: &Property| managed_id(property).is_some_and(|id| !is_managed(&id));
    change_lines(object, is_unmanaged, |line| {
        line.remove_parameter(MANAGED_ID);
    })
}

/// Sets right what a client may have got wrong of an attachment that it kept (RFC 8607 §3.7): SIZE, where it
/// says one, and the value. A value with another scheme or authority is the same one: clients fetch it under
/// the address by which they know the server (RFC 8607 §6.1). Whether there was anything.
pub fn correct(object: &mut CalendarObject, attachment: &ManagedAttachment) -> bool {
    let octets = attachment.octets.to_string();
    let wrong_size = |line: &Property| {
        line.parameter(SIZE)
            .is_some_and(|size| size.trim() != octets)
    };
    let wrong_value = |line: &Property| path_of(line.raw_value()) != path_of(&attachment.uri);
    let is_wrong = |line: &Property| {
        is_attachment(line, &attachment.id) && (wrong_size(line) || wrong_value(line))
    };
    change_lines(object, is_wrong, |line| {
        if wrong_size(line) {
            line.set_parameter(SIZE, &octets)
                .expect("digits are a valid value");
        }
        if wrong_value(line) {
            // What a line of ours holds another can hold.
            let _ = line.set_raw_value(&attachment.uri);
        }
    })
}

/// The path and what follows it of a URI with an authority.
fn path_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.find('/').map_or("", |slash| &rest[slash..])
}

/// Changes the lines of entries that `which` holds for. Looked for first: an object that nobody edits is not
/// printed again.
fn change_lines(
    object: &mut CalendarObject,
    which: impl Fn(&Property) -> bool,
    mut change: impl FnMut(&mut Property),
) -> bool {
    if !object.entries().flat_map(Component::properties).any(&which) {
        return false;
    }
    object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| which(line))
        .for_each(&mut change);
    true
}

/// Changes the components of instances, which they get where they have none.
fn for_each(
    object: &mut CalendarObject,
    instances: &Instances,
    mut change: impl FnMut(&mut Component) -> Result<(), AttachmentFault>,
) -> Result<(), AttachmentFault> {
    let Instances::These(names) = instances else {
        return object.entries_mut().try_for_each(change);
    };
    // All of them before the first change: what they are derived from may be meant, too.
    for name in names {
        if !object.entries().any(|entry| is_named(entry, name)) {
            let InstanceName::At(id) = name else {
                return Err(AttachmentFault::NoSuchInstance);
            };
            let own = override_of(object, id)?;
            object.calendar_mut().push_component(own);
        }
    }
    for name in names {
        let mut named = object.entries_mut().filter(|entry| is_named(entry, name));
        change(named.next().ok_or(AttachmentFault::NoSuchInstance)?)?;
    }
    Ok(())
}

fn is_named(entry: &Component, name: &InstanceName) -> bool {
    match (name, entry.raw_value("RECURRENCE-ID")) {
        (InstanceName::Master, id) => id.is_none(),
        (InstanceName::At(name), Some(id)) => id.trim().eq_ignore_ascii_case(name),
        (InstanceName::At(_), None) => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Limits;

    fn parsed(text: &str) -> CalendarObject {
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn object(components: &[&[&str]]) -> CalendarObject {
        let mut text = "BEGIN:VCALENDAR\r\n".to_owned();
        for lines in components {
            text += "BEGIN:VEVENT\r\n";
            for line in *lines {
                text += line;
                text += "\r\n";
            }
            text += "END:VEVENT\r\n";
        }
        parsed(&(text + "END:VCALENDAR\r\n"))
    }

    fn series() -> CalendarObject {
        object(&[
            &[
                "UID:a",
                "DTSTART;TZID=Europe/Berlin:20260301T100000",
                "DTEND;TZID=Europe/Berlin:20260301T110000",
                "RRULE:FREQ=DAILY;COUNT=40",
                "EXDATE;TZID=Europe/Berlin:20260303T100000",
                "SUMMARY:Daily",
            ],
            &[
                "UID:a",
                "RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000",
                "DTSTART;TZID=Europe/Berlin:20260302T120000",
                "SUMMARY:Moved",
            ],
        ])
    }

    fn attachment(id: &str) -> ManagedAttachment {
        ManagedAttachment {
            id: id.to_owned(),
            uri: format!("https://cal.example.com/attach/{id}/agenda.html"),
            media_type: "text/html".to_owned(),
            filename: "agenda.html".to_owned(),
            octets: 59,
        }
    }

    /// The values of RECURRENCE-ID and the MANAGED-IDs of each component.
    fn attached(object: &CalendarObject) -> Vec<(String, Vec<String>)> {
        let of = |entry: &Component| {
            let ids = entry.properties().filter_map(managed_id);
            (
                entry.raw_value("RECURRENCE-ID").unwrap_or("M").to_owned(),
                ids.map(|id| id.into_owned()).collect(),
            )
        };
        object.entries().map(of).collect()
    }

    fn at(values: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let row = |(id, ids): &(&str, &[&str])| {
            let ids = ids.iter().map(|id| (*id).to_owned());
            ((*id).to_owned(), ids.collect())
        };
        values.iter().map(row).collect()
    }

    /// RFC 8607 §4
    #[test]
    fn the_property_is_as_the_rfc_shows_it() {
        let mut event = object(&[&["UID:a", "SUMMARY:One-off meeting"]]);
        let attachment = ManagedAttachment {
            id: "97S".to_owned(),
            uri: "https://cal.example.com/attach/64/34X22R".to_owned(),
            ..attachment("")
        };
        add(&mut event, &Instances::All, &attachment).unwrap();
        let text = String::from_utf8(event.to_octets().to_vec()).unwrap();
        let unfolded = text.replace("\r\n ", "");
        assert!(
            unfolded.contains(
                "ATTACH;MANAGED-ID=97S;FMTTYPE=text/html;SIZE=59;FILENAME=agenda.html:\
                 https://cal.example.com/attach/64/34X22R\r\n"
            ),
            "{text}"
        );
        let odd = ManagedAttachment {
            filename: "a \"b\", c;d:e^.txt".to_owned(),
            ..attachment
        };
        let line = odd.to_property().unwrap();
        assert_eq!(line.parameter("FILENAME").unwrap(), odd.filename);
        assert_eq!(line.raw_value(), odd.uri);
    }

    /// RFC 8607 §3.3.2
    #[test]
    fn rid_is_read() {
        let these = |names: &[&str]| {
            let name = |name: &&str| match *name {
                "M" => InstanceName::Master,
                value => InstanceName::At(value.to_owned()),
            };
            Some(Instances::These(names.iter().map(name).collect()))
        };
        let cases = [
            ("M", these(&["M"])),
            ("m", these(&["M"])),
            ("20111022T160000", these(&["20111022T160000"])),
            ("M,20111022t160000z", these(&["M", "20111022T160000Z"])),
            ("20111022,20111023", these(&["20111022", "20111023"])),
            ("", None),
            (",", None),
            ("M,", None),
            ("M,m", None),
            ("20111022,20111022", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Instances::parse(text), expected, "{text}");
        }
        let many = |count| {
            let days: Vec<_> = (0..count).map(|day| (20110101 + day).to_string()).collect();
            Instances::parse(&days.join(",")).is_some()
        };
        assert!(many(MAXIMUM_NAMED) && !many(MAXIMUM_NAMED + 1));
    }

    /// RFC 8607 §3.4: which components get it, and what each `rid` that names nothing is answered.
    #[test]
    fn which_instances_get_an_attachment() {
        let moved = "20260302T100000";
        type Expected<'a> = &'a [(&'a str, &'a [&'a str])];
        let cases: [(Option<&str>, Expected<'_>); 6] = [
            (None, &[("M", &["1"]), (moved, &["1"])]),
            (Some("M"), &[("M", &["1"]), (moved, &[])]),
            (Some(moved), &[("M", &[]), (moved, &["1"])]),
            (
                Some("20260304T100000"),
                &[("M", &[]), (moved, &[]), ("20260304T100000", &["1"])],
            ),
            // the clocks change in between
            (
                Some("M,20260330T100000"),
                &[("M", &["1"]), (moved, &[]), ("20260330T100000", &["1"])],
            ),
            (
                Some("20260304T100000,20260305T100000"),
                &[
                    ("M", &[]),
                    (moved, &[]),
                    ("20260304T100000", &["1"]),
                    ("20260305T100000", &["1"]),
                ],
            ),
        ];
        for (rid, expected) in cases {
            let mut object = series();
            let instances = rid.map_or(Instances::All, |rid| Instances::parse(rid).unwrap());
            add(&mut object, &instances, &attachment("1")).unwrap();
            assert_eq!(attached(&object), at(expected), "{rid:?}");
        }
        for rid in [
            // excluded, not of the rule, beyond its end, no date
            "20260303T100000",
            "20260304T110000",
            "20270304T100000",
            "soon",
        ] {
            let instances = Instances::parse(rid).unwrap();
            assert_eq!(
                add(&mut series(), &instances, &attachment("1")),
                Err(AttachmentFault::NoSuchInstance),
                "{rid}"
            );
        }
        let mut single = object(&[&["UID:a", "DTSTART:20260301T100000Z"]]);
        let of_date = Instances::parse("20260301T100000Z").unwrap();
        assert_eq!(
            add(&mut single, &of_date, &attachment("1")),
            Err(AttachmentFault::NoSuchInstance)
        );
        let master = Instances::parse("M").unwrap();
        add(&mut single, &master, &attachment("1")).unwrap();
        let mut orphan = object(&[&["UID:a", "RECURRENCE-ID:20260301T100000Z"]]);
        assert_eq!(
            add(&mut orphan, &master, &attachment("1")),
            Err(AttachmentFault::NoSuchInstance)
        );
    }

    /// RFC 8607 §3.5
    #[test]
    fn an_update_changes_every_instance_that_has_it() {
        let mut object = series();
        add(&mut object, &Instances::All, &attachment("1")).unwrap();
        add(
            &mut object,
            &Instances::parse("M").unwrap(),
            &attachment("2"),
        )
        .unwrap();
        replace(&mut object, "1", &attachment("3")).unwrap();
        let moved = "20260302T100000";
        assert_eq!(
            attached(&object),
            at(&[("M", &["3", "2"]), (moved, &["3"])])
        );
        assert_eq!(
            replace(&mut object, "1", &attachment("4")),
            Err(AttachmentFault::NoSuchAttachment)
        );
        assert_eq!(managed_ids(&object), ["3", "2"]);
    }

    /// RFC 8607 §3.6
    #[test]
    fn which_instances_lose_an_attachment() {
        let moved = "20260302T100000";
        let fault = AttachmentFault::NoSuchAttachment;
        let mut with = series();
        add(&mut with, &Instances::parse("M").unwrap(), &attachment("1")).unwrap();
        type Expected<'a> = Result<&'a [(&'a str, &'a [&'a str])], AttachmentFault>;
        let cases: [(Option<&str>, &str, Expected<'_>); 8] = [
            (None, "1", Ok(&[("M", &[]), (moved, &[])])),
            (None, "2", Err(fault.clone())),
            (Some("M"), "1", Ok(&[("M", &[]), (moved, &[])])),
            (Some(moved), "1", Err(fault.clone())),
            (
                Some("20260304T100000"),
                "1",
                Ok(&[("M", &["1"]), (moved, &[]), ("20260304T100000", &[])]),
            ),
            (
                Some("20260304T100000,M"),
                "1",
                Ok(&[("M", &[]), (moved, &[]), ("20260304T100000", &[])]),
            ),
            (Some("20260304T100000"), "2", Err(fault)),
            (
                Some("20260303T100000"),
                "1",
                Err(AttachmentFault::NoSuchInstance),
            ),
        ];
        for (rid, id, expected) in cases {
            let mut object = with.clone();
            let instances = rid.map_or(Instances::All, |rid| Instances::parse(rid).unwrap());
            let result = remove(&mut object, &instances, id).map(|()| attached(&object));
            assert_eq!(result, expected.map(at), "{rid:?} {id}");
        }
    }

    /// RFC 8607 §3.7
    #[test]
    fn what_a_client_got_wrong_is_set_right() {
        let right = attachment("1");
        let lines = [
            (
                "ATTACH;MANAGED-ID=1:https://cal.example.com/attach/1/agenda.html",
                false,
            ),
            (
                "ATTACH;MANAGED-ID=1;SIZE=59:http://127.0.0.1:8080/attach/1/agenda.html",
                false,
            ),
            (
                "ATTACH;MANAGED-ID=1;SIZE=60:https://cal.example.com/attach/1/agenda.html",
                true,
            ),
            (
                "ATTACH;SIZE=59;MANAGED-ID=1:https://evil.example/other",
                true,
            ),
            (
                "ATTACH;MANAGED-ID=2;SIZE=60:https://evil.example/other",
                false,
            ),
            ("ATTACH;SIZE=60:https://evil.example/other", false),
        ];
        for (line, changes) in lines {
            let mut event = object(&[&["UID:a", line]]);
            let before = event.to_octets();
            assert_eq!(correct(&mut event, &right), changes, "{line}");
            assert_eq!(event.to_octets() == before, !changes, "{line}");
            assert!(!correct(&mut event, &right), "{line}");
        }
    }

    /// RFC 8607 §3.12.7
    #[test]
    fn what_nobody_manages_is_released() {
        let mut event = object(&[&[
            "UID:a",
            "ATTACH;MANAGED-ID=1;SIZE=5:https://a.example/1",
            "ATTACH;MANAGED-ID=2;SIZE=5:https://a.example/2",
        ]]);
        assert!(release(&mut event, |id| id == "1"));
        assert_eq!(managed_ids(&event), ["1"]);
        assert!(!release(&mut event, |id| id == "1"));
        let text = String::from_utf8(event.to_octets().to_vec()).unwrap();
        assert!(
            text.contains("ATTACH;SIZE=5:https://a.example/2\r\n"),
            "{text}"
        );
    }
}
