//! What part of calendar data a report returns (RFC 4791 §9.6). Pure.

mod components;
mod expand;
mod limit;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use calendar::{Format, TimeRange, TooMuchWork, Zone};
use scheduling::{desk, parse_stored};

use self::components::ComponentSelection;
use crate::{
    error::DavError,
    report::time_range,
    representation,
    xml::{
        Element,
        name::{caldav, dav},
    },
};

/// What a `CALDAV:calendar-data` element in a request selects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// In which format it is returned.
    format: Format,
    /// Which components and properties; `None` for all.
    components: Option<ComponentSelection>,
    /// Which instances; `None` for all, as they are stored.
    instances: Option<Instances>,
    /// Which periods of FREEBUSY properties; `None` for all.
    free_busy: Option<TimeRange>,
}

/// How recurrence sets are cut down.
#[derive(Clone, Copy, Debug)]
enum Instances {
    /// RFC 4791 §9.6.5
    Expand(TimeRange),
    /// RFC 4791 §9.6.6
    Limit(TimeRange),
}

impl Selection {
    /// From the `DAV:prop` of a report; `None` where it does not ask for calendar data.
    pub fn of_request(
        request: Element<'_>,
        limits: &desk::Limits,
    ) -> Result<Option<Selection>, DavError> {
        let wanted = request
            .child(dav::PROP)
            .and_then(|prop| prop.child(caldav::CALENDAR_DATA));
        wanted
            .map(|element| Selection::read(element, limits))
            .transpose()
    }

    fn read(element: Element<'_>, limits: &desk::Limits) -> Result<Selection, DavError> {
        let format = representation::of_attributes(element)?;
        let span = |name| -> Result<Option<TimeRange>, DavError> {
            let child = element.child(name);
            child
                .map(|child| time_range::read_closed(child, limits, None))
                .transpose()
        };
        let instances = match (span(caldav::EXPAND)?, span(caldav::LIMIT_RECURRENCE_SET)?) {
            (Some(_), Some(_)) => {
                let reason = "instances are either expanded or limited";
                return Err(DavError::BadRequest(reason.into()));
            }
            (Some(range), None) => Some(Instances::Expand(range)),
            (None, range) => range.map(Instances::Limit),
        };
        Ok(Selection {
            format,
            components: element
                .child(caldav::COMP)
                .map(ComponentSelection::read)
                .transpose()?,
            instances,
            free_busy: span(caldav::LIMIT_FREEBUSY_SET)?,
        })
    }

    /// The format in which data is returned.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The selected part of an object, as text; `floating` is the zone in which floating times are read.
    /// What is no calendar object is returned as it is.
    ///
    /// # Errors
    /// If the work on the recurrence set is more than is done for one object.
    pub fn apply(&self, octets: &Bytes, floating: &Zone) -> Result<String, TooMuchWork> {
        let is_whole =
            self.components.is_none() && self.instances.is_none() && self.free_busy.is_none();
        if is_whole && self.format == Format::ICalendar {
            return Ok(whole(octets));
        }
        let Ok(mut object) = parse_stored(octets.clone()) else {
            return Ok(whole(octets));
        };
        match &self.instances {
            Some(Instances::Expand(range)) => object = expand::expand(&object, range, floating)?,
            Some(Instances::Limit(range)) => limit::limit_instances(&mut object, range, floating)?,
            None => {}
        }
        if let Some(range) = &self.free_busy {
            limit::limit_periods(&mut object, range, floating);
        }
        if let Some(components) = &self.components {
            components.reduce(object.calendar_mut());
        }
        object.mend_folds();
        Ok(text(&self.format.print(&object)))
    }
}

/// All of an object. Lines that were folded within a character are folded anew.
fn whole(octets: &Bytes) -> String {
    if let Ok(text) = std::str::from_utf8(octets) {
        return text.to_owned();
    }
    match parse_stored(octets.clone()) {
        Ok(mut object) => {
            object.mend_folds();
            text(&object.to_octets())
        }
        Err(_) => text(octets),
    }
}

fn text(octets: &[u8]) -> String {
    match String::from_utf8_lossy(octets) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}
