//! A stream of many components, cut into calendar object resources (RFC 4791 §4.1): what an import needs.
//!
//! A stream is one VCALENDAR, or several behind each other (RFC 5545 §3.4). Each UID becomes one object
//! with all its components, wherever they stand in the stream, and the VTIMEZONEs that they name. One
//! component that cannot be read harms no other: it is a [`Piece`] of its own that says why.
//!
//! **Mended**, always in the same way, so that a second run gives the same: no UID (one that follows from the
//! content), no DTSTAMP (LAST-MODIFIED or CREATED, else the beginning of 1970), no VERSION, and a component
//! that stands there twice (the newer one counts). METHOD is dropped, since what is imported is no message;
//! the properties of the VCALENDAR that are about the whole calendar are not copied into each object.
//!
//! **Kept**: the lines of all components. A VCALENDAR that is an object already stays as it is, octet for octet.

mod cut;
mod mend;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::{
    check::{self, ObjectFault, ObjectPrecondition},
    object::{CalendarObject, Component, Limits, ParseError, ParseFault, Property},
    recency::Recency,
    zone::names_in,
};
use cut::{Calendar, Part};

/// The components that stand in calendars by themselves (RFC 4791 §4.1, §5.2.3). A VTIMEZONE stands there only
/// beside what refers to it.
pub const CALENDAR_COMPONENTS: [&str; 4] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"];

/// The properties of a VCALENDAR that say how its components are to be read; all others are about the
/// calendar as a whole, or about a message.
const READING: [&str; 3] = ["VERSION", "PRODID", "CALSCALE"];

/// What was mended of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// It had no UID.
    Uid,
    /// A component had no DTSTAMP.
    TimeStamp,
    /// Its VCALENDAR had no VERSION.
    Version,
    /// A component stood there twice.
    Duplicate,
}

/// Why something in a stream is no calendar object. The lines are those of the stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitFault {
    /// A component that cannot be read; the line is that of the piece.
    #[error("{}", .0.fault)]
    Unreadable(ParseError),
    /// A component, or VCALENDAR, without its END.
    #[error("{0} is not ended")]
    NotEnded(String),
    /// A component that has no place in a calendar.
    #[error("{0} is nothing that a calendar holds")]
    Unsupported(String),
    /// Anything outside of VCALENDAR.
    #[error("there is content outside VCALENDAR")]
    Outside,
    /// There is no VCALENDAR at all.
    #[error("there is no VCALENDAR")]
    NoCalendar,
    /// The components of one UID, with the time zones that they name, are more octets than an object may have.
    #[error("the components of one UID are larger than {0} octets")]
    TooLarge(usize),
    /// The components do not make an object that could be stored.
    #[error(transparent)]
    Object(ObjectFault),
}

/// Which precondition of RFC 4791 §5.3.2.1 a fault of a stream violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitPrecondition {
    /// `CALDAV:supported-calendar-component`: a type of component that no calendar takes.
    SupportedCalendarComponent,
    /// `CALDAV:max-resource-size`
    MaxResourceSize,
    /// What an object by itself can violate.
    Object(ObjectPrecondition),
}

impl SplitFault {
    /// The precondition that it violates.
    pub fn precondition(&self) -> SplitPrecondition {
        match self {
            SplitFault::Unsupported(_) => SplitPrecondition::SupportedCalendarComponent,
            SplitFault::TooLarge(_)
            | SplitFault::Unreadable(ParseError {
                fault: ParseFault::TooManyOctets(_),
                ..
            }) => SplitPrecondition::MaxResourceSize,
            SplitFault::Object(fault) => SplitPrecondition::Object(fault.precondition()),
            _ => SplitPrecondition::Object(ObjectPrecondition::ValidCalendarData),
        }
    }
}

/// One calendar object of a stream, or something in it that is none.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The physical line of the stream at which it begins, from 1.
    pub line: usize,
    /// Its UID; empty where it is no object.
    pub uid: String,
    /// The object, which [`crate::check()`] lets pass; or why there is none.
    pub object: Result<CalendarObject, SplitFault>,
    /// What was mended, each once.
    pub repairs: Vec<Repair>,
}

/// All components with one UID.
#[derive(Debug)]
struct Group {
    uid: String,
    /// Places in [`Split::parts`].
    parts: Vec<usize>,
}

/// A component of an object that is being made.
#[derive(Debug)]
struct Member {
    /// The place of the VCALENDAR that it stood in.
    calendar: usize,
    /// Its octets in the stream.
    octets: usize,
    component: Component,
}

/// What is read of a VCALENDAR itself.
#[derive(Debug)]
struct Head {
    /// All its properties.
    properties: Component,
    /// The first of each of [`READING`], which its objects get.
    reading: Vec<Property>,
}

/// What comes out of a stream, in its order.
#[derive(Debug)]
enum Planned {
    Object(Group),
    Fault(SplitFault),
}

/// The pieces of a stream, in the order of their first lines. Each object is made when it is asked for, so
/// that no more than one is held beside the stream itself.
#[derive(Debug)]
pub struct Split {
    octets: Bytes,
    limits: Limits,
    calendars: Vec<Calendar>,
    parts: Vec<Part>,
    /// The VTIMEZONEs of each VCALENDAR, by TZID: places in [`Split::parts`].
    zones: Vec<HashMap<String, usize>>,
    /// One for each VCALENDAR.
    heads: Vec<Head>,
    /// How often [`Split::zones`] were asked.
    #[cfg(test)]
    zones_asked: std::cell::Cell<usize>,
    planned: std::vec::IntoIter<(usize, Planned)>,
}

impl Split {
    /// Cuts a stream. `limits` bound each object; the stream itself is bounded by whoever holds it.
    pub fn new(octets: Bytes, limits: &Limits) -> Split {
        let cut = cut::cut(&octets);
        let mut split = Split {
            heads: Vec::with_capacity(cut.calendars.len()),
            zones: vec![HashMap::new(); cut.calendars.len()],
            #[cfg(test)]
            zones_asked: std::cell::Cell::default(),
            octets,
            limits: *limits,
            calendars: cut.calendars,
            parts: cut.parts,
            planned: Vec::new().into_iter(),
        };
        split.heads = (0..split.calendars.len())
            .map(|at| split.read_head(at))
            .collect();
        let mut planned: Vec<(usize, Planned)> = split.group();
        let faults = cut.faults.into_iter();
        planned.extend(faults.map(|(line, fault)| (line, Planned::Fault(fault))));
        if split.calendars.is_empty() && planned.is_empty() {
            planned.push((1, Planned::Fault(SplitFault::NoCalendar)));
        }
        planned.sort_by_key(|(line, _)| *line);
        split.planned = planned.into_iter();
        split
    }

    /// The first of these properties of the first VCALENDAR, as TEXT: what the stream says of the calendar
    /// as a whole, such as NAME (RFC 7986 §5.1).
    pub fn calendar_text(&self, names: &[&str]) -> Option<String> {
        let head = &self.heads.first()?.properties;
        let text = names.iter().find_map(|name| head.text(name))?;
        (!text.trim().is_empty()).then(|| text.into_owned())
    }

    /// The types of components in the stream, upper case, time zones aside.
    pub fn component_names(&self) -> BTreeSet<&str> {
        let names = self.parts.iter().map(|part| part.name.as_str());
        names.filter(|name| *name != "VTIMEZONE").collect()
    }

    /// Sorts the components by UID.
    fn group(&mut self) -> Vec<(usize, Planned)> {
        let mut planned: Vec<(usize, Planned)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, part) in self.parts.iter().enumerate() {
            let component = match self.read(part) {
                Ok(component) => component,
                Err(error) => {
                    let line = error.line;
                    planned.push((line, Planned::Fault(SplitFault::Unreadable(error))));
                    continue;
                }
            };
            if component.is("VTIMEZONE") {
                if let Some(name) = component.text("TZID") {
                    let zones = &mut self.zones[part.calendar];
                    zones.entry(name.into_owned()).or_insert(at);
                }
                continue;
            }
            if !CALENDAR_COMPONENTS.contains(&component.name()) {
                let fault = SplitFault::Unsupported(component.name().to_owned());
                planned.push((part.line, Planned::Fault(fault)));
                continue;
            }
            let uid = mend::uid(&component).unwrap_or_else(|| mend::made_uid(&component));
            match places.get(&uid).map(|place| &mut planned[*place].1) {
                Some(Planned::Object(group)) => group.parts.push(at),
                _ => {
                    places.insert(uid.clone(), planned.len());
                    let parts = vec![at];
                    planned.push((part.line, Planned::Object(Group { uid, parts })));
                }
            }
        }
        planned
    }

    fn read(&self, part: &Part) -> Result<Component, ParseError> {
        let octets = self.octets.slice(part.span.clone());
        Component::parse_from(&octets, &self.limits, part.line)
    }

    /// The properties of a VCALENDAR itself; those that can be read only together or not at all.
    fn read_head(&self, at: usize) -> Head {
        let mut octets = b"BEGIN:VCALENDAR\r\n".to_vec();
        for lines in &self.calendars[at].head {
            octets.extend_from_slice(&self.octets[lines.clone()]);
        }
        if !octets.ends_with(b"\n") {
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"END:VCALENDAR\r\n");
        let octets = Bytes::from(octets);
        let line = self.calendars[at].line;
        let read = Component::parse_from(&octets, &self.limits, line);
        let properties = read.unwrap_or_else(|_| empty_calendar());
        let mut reading: Vec<Property> = Vec::new();
        for property in properties.properties() {
            let is_first = reading.iter().all(|known| !known.is(property.name()));
            if READING.contains(&property.name()) && is_first {
                reading.push(property.clone());
            }
        }
        Head {
            properties,
            reading,
        }
    }

    /// # Errors
    /// An object may not have so many octets.
    fn bound(&self, octets: usize) -> Result<(), SplitFault> {
        match octets > self.limits.octets {
            true => Err(SplitFault::TooLarge(self.limits.octets)),
            false => Ok(()),
        }
    }

    fn build(&self, line: usize, group: &Group) -> Piece {
        let mut repairs = BTreeSet::new();
        let object = self.object(group, &mut repairs);
        Piece {
            line,
            uid: group.uid.clone(),
            object,
            repairs: repairs.into_iter().collect(),
        }
    }

    fn object(
        &self,
        group: &Group,
        repairs: &mut BTreeSet<Repair>,
    ) -> Result<CalendarObject, SplitFault> {
        let members = self.members(group, repairs)?;
        let object = match self.as_it_stands(group, repairs) {
            Some(object) => object,
            None => self.composed(group, members, repairs)?,
        };
        check::check(&object).map_err(SplitFault::Object)?;
        match check::many_zones(&object) {
            Some(_) => Err(SplitFault::Object(ObjectFault::TooManyZones)),
            None => Ok(object),
        }
    }

    /// The components of an object, mended, each instance once.
    fn members(
        &self,
        group: &Group,
        repairs: &mut BTreeSet<Repair>,
    ) -> Result<Vec<Member>, SplitFault> {
        let mut members: Vec<Member> = Vec::new();
        let mut places: HashMap<(String, Option<String>), usize> = HashMap::new();
        let mut octets = 0;
        for part in group.parts.iter().map(|at| &self.parts[*at]) {
            let mut component = self.read(part).map_err(SplitFault::Unreadable)?;
            mend::mend(&mut component, &group.uid, repairs);
            let instance = component.property("RECURRENCE-ID");
            let instance = instance.map(|line| line.content().to_owned());
            let key = (component.name().to_owned(), instance);
            let member = Member {
                calendar: part.calendar,
                octets: part.span.len(),
                component,
            };
            match places.get(&key).map(|place| &mut members[*place]) {
                Some(known) => {
                    repairs.insert(Repair::Duplicate);
                    if Recency::of(&member.component) > Recency::of(&known.component) {
                        octets = octets + member.octets - known.octets;
                        *known = member;
                    }
                }
                None => {
                    octets += member.octets;
                    places.insert(key, members.len());
                    members.push(member);
                }
            }
            self.bound(octets)?;
        }
        Ok(members)
    }

    /// The VCALENDAR of an object that stands there alone and needs no change.
    fn as_it_stands(&self, group: &Group, repairs: &BTreeSet<Repair>) -> Option<CalendarObject> {
        let at = self.parts[*group.parts.first()?].calendar;
        let (calendar, head) = (&self.calendars[at], &self.heads[at].properties);
        let is_alone = calendar.is_ended && calendar.entries == group.parts.len();
        let is_whole = group
            .parts
            .iter()
            .all(|part| self.parts[*part].calendar == at);
        let is_right = head.property("VERSION").is_some() && head.property("METHOD").is_none();
        if !(is_alone && is_whole && is_right && repairs.is_empty()) {
            return None;
        }
        let octets = self.octets.slice(calendar.span.clone());
        CalendarObject::parse_from(octets, &self.limits, calendar.line).ok()
    }

    /// A VCALENDAR around components that shared theirs with others.
    fn composed(
        &self,
        group: &Group,
        members: Vec<Member>,
        repairs: &mut BTreeSet<Repair>,
    ) -> Result<CalendarObject, SplitFault> {
        let mut calendar = empty_calendar();
        let first = group.parts.first().map(|part| self.parts[*part].calendar);
        let reading = first.map_or(&[][..], |first| &self.heads[first].reading);
        for property in reading {
            calendar.push_property(property.clone());
        }
        if calendar.property("VERSION").is_none() {
            repairs.insert(Repair::Version);
            calendar.push_property(mend::property("VERSION", "2.0"));
        }
        let own = reading.iter().map(|property| property.content().len());
        let mut octets = own.sum::<usize>() + members.iter().map(|it| it.octets).sum::<usize>();
        for zone in self.zones_of(&members).into_values() {
            let part = &self.parts[zone];
            octets += part.span.len();
            self.bound(octets)?;
            if let Ok(zone) = self.read(part) {
                calendar.push_component(zone);
            }
        }
        for member in members {
            calendar.push_component(member.component);
        }
        Ok(CalendarObject::from_calendar(calendar))
    }

    /// The VTIMEZONEs that components name, by TZID. A name means what the component's own VCALENDAR says (RFC
    /// 5545 §3.2.19); where components of several say something else, the first counts.
    fn zones_of(&self, members: &[Member]) -> BTreeMap<String, usize> {
        let mut zones = BTreeMap::new();
        for member in members {
            let defined = &self.zones[member.calendar];
            for name in names_in(&member.component) {
                #[cfg(test)]
                self.zones_asked.set(self.zones_asked.get() + 1);
                if let Some(zone) = defined.get(&name) {
                    zones.entry(name).or_insert(*zone);
                }
            }
        }
        zones
    }
}

impl Iterator for Split {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (line, planned) = self.planned.next()?;
        Some(match planned {
            Planned::Object(group) => self.build(line, &group),
            Planned::Fault(fault) => Piece {
                line,
                uid: String::new(),
                object: Err(fault),
                repairs: Vec::new(),
            },
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.planned.size_hint()
    }
}

impl ExactSizeIterator for Split {}

fn empty_calendar() -> Component {
    Component::new("VCALENDAR").expect("VCALENDAR is a name")
}
