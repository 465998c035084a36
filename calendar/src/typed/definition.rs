//! The one table of properties and parameters with their types (RFC 5545 §3.2, §3.7, §3.8, and the RFCs
//! that add to them), and of types with their form.

/// How the value of a property is made of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    Single,
    /// Values between commas (RFC 5545 §3.1.2).
    List,
    /// GEO: latitude and longitude (RFC 5545 §3.8.1.6).
    Place,
    /// REQUEST-STATUS: code, description, data (RFC 5545 §3.8.8.3).
    Status,
}

/// What is known of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// The type of a value without a VALUE parameter, in lower case; `None` where there is none.
    pub default_type: Option<&'static str>,
    /// How its value is made; `None` of a property that is not known.
    pub shape: Option<Shape>,
}

/// The type of a value whose type is not known (RFC 7265 §5, RFC 6321 §5).
pub(crate) const UNKNOWN: &str = "unknown";

/// The definition of a property; `name` is in upper case.
#[rustfmt::skip]
pub(crate) fn definition(name: &str) -> Definition {
    use Shape::{List, Place, Single, Status};
    let (default_type, shape) = match name {
        // RFC 5545 §3.7
        "CALSCALE" | "METHOD" | "PRODID" | "VERSION"
        // RFC 5545 §3.8
        | "CLASS" | "COMMENT" | "DESCRIPTION" | "LOCATION" | "STATUS" | "SUMMARY" | "TRANSP" | "TZID"
        | "TZNAME" | "CONTACT" | "RELATED-TO" | "UID" | "ACTION"
        // RFC 6321 §4.2
        | "XML"
        // RFC 7808 §7.2, RFC 7953 §3.2, RFC 7986 §5
        | "TZID-ALIAS-OF" | "BUSYTYPE" | "NAME" | "COLOR"
        // RFC 9073 §6.2 and §6.3, RFC 9074 §8.1, RFC 9253 §8.3
        | "PARTICIPANT-TYPE" | "RESOURCE-TYPE" | "PROXIMITY" | "REFID" => (Some("text"), Single),
        // RFC 5545 §3.8.1.2 and §3.8.1.10, RFC 9073 §6.1
        "CATEGORIES" | "RESOURCES" | "LOCATION-TYPE" => (Some("text"), List),
        "REQUEST-STATUS" => (Some("text"), Status),
        "GEO" => (Some("float"), Place),
        "PERCENT-COMPLETE" | "PRIORITY" | "REPEAT" | "SEQUENCE" => (Some("integer"), Single),
        "COMPLETED" | "DTEND" | "DUE" | "DTSTART" | "RECURRENCE-ID" | "CREATED" | "DTSTAMP" | "LAST-MODIFIED"
        // RFC 7808 §7.1, RFC 9074 §6.1
        | "TZUNTIL" | "ACKNOWLEDGED" => (Some("date-time"), Single),
        "EXDATE" | "RDATE" => (Some("date-time"), List),
        "DURATION" | "TRIGGER" => (Some("duration"), Single),
        "FREEBUSY" => (Some("period"), List),
        // EXRULE is RFC 2445 §4.8.5.2.
        "RRULE" | "EXRULE" => (Some("recur"), Single),
        "TZOFFSETFROM" | "TZOFFSETTO" => (Some("utc-offset"), Single),
        // RFC 9253 §8.1
        "ATTACH" | "TZURL" | "URL" | "CONCEPT" => (Some("uri"), Single),
        // RFC 9073 §6.4
        "ATTENDEE" | "ORGANIZER" | "CALENDAR-ADDRESS" => (Some("cal-address"), Single),
        // No default: RFC 7986 §5.7, §5.8, §5.10, §5.11; RFC 9073 §6.5, §6.6; RFC 9253 §8.2
        "REFRESH-INTERVAL" | "SOURCE" | "IMAGE" | "CONFERENCE" | "STYLED-DESCRIPTION" | "STRUCTURED-DATA"
        | "LINK" => (None, Single),
        _ => return Definition { default_type: None, shape: None },
    };
    Definition { default_type, shape: Some(shape) }
}

/// The type of a parameter's values in xCal, and whether it is a list; `name` is in upper case. `None` of
/// a parameter that is not known.
#[rustfmt::skip]
pub(crate) fn parameter_definition(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        // RFC 5545 §3.2
        "CN" | "CUTYPE" | "ENCODING" | "FMTTYPE" | "FBTYPE" | "LANGUAGE" | "PARTSTAT" | "RANGE" | "RELATED"
        | "RELTYPE" | "ROLE" | "TZID"
        // RFC 6638 §7, RFC 7986 §6, RFC 8607 §4, RFC 9253 §6
        | "SCHEDULE-AGENT" | "SCHEDULE-FORCE-SEND" | "SCHEDULE-STATUS" | "EMAIL" | "LABEL" | "MANAGED-ID"
        | "FILENAME" | "LINKREL" => ("text", false),
        "DISPLAY" | "FEATURE" => ("text", true),
        "ALTREP" | "DIR" | "SCHEMA" => ("uri", false),
        "SENT-BY" => ("cal-address", false),
        "DELEGATED-FROM" | "DELEGATED-TO" | "MEMBER" => ("cal-address", true),
        "RSVP" | "DERIVED" => ("boolean", false),
        "SIZE" | "ORDER" => ("integer", false),
        "GAP" => ("duration", false),
        _ => return None,
    })
}

/// The form of a type's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Escaped in iCalendar.
    Text,
    /// A DATE or DATE-TIME, with hyphens and colons in jCal and xCal.
    Date,
    /// A time of the day, with colons.
    Time,
    /// Two of them.
    Period,
    /// A rule in parts.
    Recur,
    /// `TRUE` or `FALSE`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// A number.
    Float,
    /// With colons.
    UtcOffset,
    /// BASE64.
    Binary,
    /// The same everywhere: URI, CAL-ADDRESS, DURATION, and what is not known.
    Same,
}

impl Syntax {
    /// Of a type, in lower case.
    pub fn of(type_name: &str) -> Syntax {
        match type_name {
            // UID: RFC 9253 §7
            "text" | "uid" => Syntax::Text,
            "date" | "date-time" => Syntax::Date,
            "time" => Syntax::Time,
            "period" => Syntax::Period,
            "recur" => Syntax::Recur,
            "boolean" => Syntax::Boolean,
            "integer" => Syntax::Integer,
            "float" => Syntax::Float,
            "utc-offset" => Syntax::UtcOffset,
            "binary" => Syntax::Binary,
            _ => Syntax::Same,
        }
    }
}

/// The shape of a value of this type. Of a property that is not known, a type that can stand in lists is
/// taken for one, so that its commas come back as they were. What is declared to be of another type than
/// the pieces of its structure is one value of that type.
pub(crate) fn shape(definition: Definition, type_name: &str) -> Shape {
    let syntax = Syntax::of(type_name);
    match definition.shape {
        Some(Shape::Place) if !matches!(syntax, Syntax::Integer | Syntax::Float) => Shape::Single,
        Some(Shape::Status) if syntax != Syntax::Text => Shape::Single,
        Some(shape) => shape,
        None if type_name == "duration" => Shape::List,
        None => match syntax {
            Syntax::Same | Syntax::Binary | Syntax::Recur => Shape::Single,
            _ => Shape::List,
        },
    }
}
