//! What part of calendar data a report returns (RFC 4791 §9.6). Pure.

mod components;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use calendar::{CalendarObject, Limits};
use scheduling::Precondition;

use self::components::ComponentSelection;
use crate::{
    error::DavError,
    xml::{
        Element,
        name::{caldav, dav},
    },
};

/// What a `CALDAV:calendar-data` element in a request selects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Which components and properties; `None` for all.
    components: Option<ComponentSelection>,
}

impl Selection {
    /// From the `DAV:prop` of a report; `None` where it does not ask for calendar data.
    pub fn of_request(request: Element<'_>) -> Result<Option<Selection>, DavError> {
        let wanted = request
            .child(dav::PROP)
            .and_then(|prop| prop.child(caldav::CALENDAR_DATA));
        wanted.map(Selection::read).transpose()
    }

    fn read(element: Element<'_>) -> Result<Selection, DavError> {
        let content_type = element.attribute("content-type").unwrap_or("text/calendar");
        let version = element.attribute("version").unwrap_or("2.0");
        if !content_type.eq_ignore_ascii_case("text/calendar") || version != "2.0" {
            let reason = format!("{content_type} in version {version} is not offered");
            return Err(DavError::precondition(
                Precondition::SupportedCalendarData,
                reason,
            ));
        }
        let components = element
            .child(caldav::COMP)
            .map(ComponentSelection::read)
            .transpose()?;
        Ok(Selection { components })
    }

    /// The selected part of an object, as text. What is no calendar object is returned as it is.
    pub fn apply(&self, octets: &Bytes) -> String {
        let Some(components) = &self.components else {
            return whole(octets);
        };
        let Ok(mut object) = CalendarObject::parse_shared(octets.clone(), &Limits::default())
        else {
            return whole(octets);
        };
        components.reduce(object.calendar_mut());
        object.mend_folds();
        text(&object.to_octets())
    }
}

/// All of an object. Lines that were folded within a character are folded anew.
fn whole(octets: &Bytes) -> String {
    if let Ok(text) = std::str::from_utf8(octets) {
        return text.to_owned();
    }
    match CalendarObject::parse_shared(octets.clone(), &Limits::default()) {
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
