//! What people see of a calendar, as plain texts: the properties that clients show and change, for whoever
//! knows no WebDAV XML (commands, imports, exports).

use serde::{Deserialize, Serialize};
use storage::model::Properties;

use crate::xml::{
    Document, Element, Name,
    fragment::cut_out_known,
    name::{apple, caldav, dav},
    writer::Writer,
};

/// The name, description and so on of a calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarDescription {
    /// `DAV:displayname`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `CALDAV:calendar-description` (RFC 4791 §5.2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Apple's `calendar-color`, such as #FF2968FF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Apple's `calendar-order`, a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// `CALDAV:calendar-timezone` (RFC 4791 §5.2.2): an iCalendar object with one VTIMEZONE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl CalendarDescription {
    /// The texts with their properties.
    fn texts(&self) -> [(Name<'static>, &Option<String>); 5] {
        [
            (dav::DISPLAYNAME, &self.display_name),
            (caldav::CALENDAR_DESCRIPTION, &self.description),
            (apple::CALENDAR_COLOR, &self.color),
            (apple::CALENDAR_ORDER, &self.order),
            (caldav::CALENDAR_TIMEZONE, &self.time_zone),
        ]
    }

    fn text_mut(&mut self, name: Name<'_>) -> Option<&mut Option<String>> {
        Some(match name {
            dav::DISPLAYNAME => &mut self.display_name,
            caldav::CALENDAR_DESCRIPTION => &mut self.description,
            apple::CALENDAR_COLOR => &mut self.color,
            apple::CALENDAR_ORDER => &mut self.order,
            caldav::CALENDAR_TIMEZONE => &mut self.time_zone,
            _ => return None,
        })
    }

    /// The properties that say so, as a collection has them.
    pub fn properties(&self) -> Properties {
        let said = self
            .texts()
            .into_iter()
            .filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let property = |(name, text): (Name<'static>, &String)| {
            let around = Writer::document(dav::PROP, |writer| writer.leaf(name, &printable(text)));
            let document = Document::parse(&around).expect("what was written can be read");
            let element = document.root().children().next();
            let element = element.expect("there is one element in it");
            (name.clark(), cut_out_known(element))
        };
        said.map(property).collect()
    }

    /// What a collection's properties say.
    pub fn of(properties: &Properties) -> CalendarDescription {
        let mut description = CalendarDescription::default();
        for octets in properties.values() {
            if let Ok(document) = Document::parse(octets) {
                description.read(document.root());
            }
        }
        description
    }

    /// Takes over a property, if it is one of these and says something.
    pub(crate) fn read(&mut self, property: Element<'_>) {
        let text = property.text();
        if let Some(place) = self
            .text_mut(property.name())
            .filter(|_| !text.trim().is_empty())
        {
            *place = Some(text.into_owned());
        }
    }
}

/// Without what no XML can carry.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|it| crate::xml::tree::is_character(*it))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let description = CalendarDescription {
            display_name: Some("Work & <more>".into()),
            description: Some("one\r\ntwo".into()),
            color: Some("#FF0000FF".into()),
            order: Some("3".into()),
            time_zone: None,
        };
        let properties = description.properties();
        assert_eq!(properties.len(), 4);
        assert_eq!(
            properties["{DAV:}displayname"],
            "<D:displayname xmlns:D=\"DAV:\">Work &amp; &lt;more&gt;</D:displayname>"
        );
        assert_eq!(CalendarDescription::of(&properties), description);
        assert_eq!(CalendarDescription::default().properties().len(), 0);
    }

    #[test]
    fn what_no_xml_can_carry_is_left_out() {
        let description = CalendarDescription {
            display_name: Some("a\u{1}b".into()),
            ..CalendarDescription::default()
        };
        let read = CalendarDescription::of(&description.properties());
        assert_eq!(read.display_name.as_deref(), Some("ab"));
    }
}
