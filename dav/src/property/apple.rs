//! Apple's properties of calendars, which many clients share.

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        table::{Property, absent},
        update,
    },
    xml::name::apple,
};

const CALENDAR: Kinds = Kinds::of(&[ResourceKind::Calendar]);

pub(super) const PROPERTIES: &[Property] = &[
    Property::kept(
        apple::CALENDAR_COLOR,
        "apple ical",
        CALENDAR,
        update::text_only,
        absent,
    ),
    Property::kept(
        apple::CALENDAR_ORDER,
        "apple ical",
        CALENDAR,
        update::text_only,
        absent,
    ),
];
