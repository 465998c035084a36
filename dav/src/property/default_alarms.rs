//! The alarms that clients give to new events and tasks, kept for them on the home and on calendars
//! (draft-daboo-valarm-extensions, as Apple's clients write them). The server gives them to nobody.

use calendar::{CalendarObject, Limits};
use scheduling::Precondition;

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        table::{Property, absent},
        update::{self, PropertyFault},
    },
    xml::{Element, Name, name::caldav},
};

const HOME_AND_CALENDARS: Kinds = Kinds::of(&[ResourceKind::Home, ResourceKind::Calendar]);

pub(super) const PROPERTIES: &[Property] = &[
    default_alarm(caldav::DEFAULT_ALARM_VEVENT_DATETIME),
    default_alarm(caldav::DEFAULT_ALARM_VEVENT_DATE),
    default_alarm(caldav::DEFAULT_ALARM_VTODO_DATETIME),
    default_alarm(caldav::DEFAULT_ALARM_VTODO_DATE),
];

const fn default_alarm(name: Name<'static>) -> Property {
    Property::kept(
        name,
        "draft-daboo-valarm-extensions",
        HOME_AND_CALENDARS,
        alarms,
        absent,
    )
}

/// VALARMs one after the other; none says that there is to be no alarm.
fn alarms(element: Element<'_>) -> Result<(), PropertyFault> {
    update::text_only(element)?;
    let text = format!(
        "BEGIN:VCALENDAR\n{}\nEND:VCALENDAR\n",
        element.text().trim()
    );
    let valid = CalendarObject::parse(text.as_bytes(), &Limits::default()).is_ok_and(|object| {
        let calendar = object.calendar();
        calendar.properties().next().is_none()
            && calendar
                .components()
                .all(|component| component.is("VALARM"))
    });
    match valid {
        true => Ok(()),
        false => Err(PropertyFault::precondition(Precondition::ValidCalendarData)),
    }
}
