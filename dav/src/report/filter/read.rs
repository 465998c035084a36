//! A filter from XML, with the preconditions of RFC 4791 §7.8.

use scheduling::{Precondition, desk::Limits};

use super::{
    ComponentFilter, ComponentTest, Filter, ParameterFilter, ParameterTest, PropertyFilter,
    PropertyTest, TextMatch, ValueTest,
};
use crate::{
    error::DavError,
    report::{
        collation::{self, MatchType, Needle},
        time_range,
    },
    xml::{Element, Name, name::caldav},
};

/// The most elements of one filter.
const MAXIMUM_ELEMENTS: usize = 1_000;

/// The components that RFC 5545 §3.6 lets stand in others.
const INNER_COMPONENTS: [(&str, &[&str]); 3] = [
    ("VALARM", &["VEVENT", "VTODO"]),
    ("STANDARD", &["VTIMEZONE"]),
    ("DAYLIGHT", &["VTIMEZONE"]),
];

/// The components that stand in a calendar object alone.
const OUTER_COMPONENTS: [&str; 6] = [
    "VEVENT",
    "VTODO",
    "VJOURNAL",
    "VFREEBUSY",
    "VTIMEZONE",
    "VAVAILABILITY",
];

/// The properties for which RFC 4791 §9.9 defines what a time range means, and the other dates.
const DATE_PROPERTIES: [&str; 10] = [
    "COMPLETED",
    "CREATED",
    "DTEND",
    "DTSTAMP",
    "DTSTART",
    "DUE",
    "LAST-MODIFIED",
    "RECURRENCE-ID",
    "RDATE",
    "EXDATE",
];

impl Filter {
    /// From a `CALDAV:filter` element.
    pub fn read(element: Element<'_>, limits: &Limits) -> Result<Filter, DavError> {
        let mut reader = Reader {
            limits,
            elements: 0,
        };
        let mut components = element.children_named(caldav::COMP_FILTER);
        match (components.next(), components.next()) {
            (Some(root), None) => {
                let root = reader.component(root, "")?;
                Ok(Filter { root })
            }
            _ => Err(invalid("a filter holds exactly one comp-filter")),
        }
    }
}

fn invalid(reason: &str) -> DavError {
    DavError::precondition(Precondition::ValidFilter, reason)
}

/// Upper case, as names in iCalendar are compared without regard to case.
fn read_name(element: Element<'_>) -> Result<String, DavError> {
    let name = element.attribute("name").filter(|name| !name.is_empty());
    Ok(name
        .ok_or_else(|| invalid("an element of the filter has no name"))?
        .to_ascii_uppercase())
}

struct Reader<'a> {
    limits: &'a Limits,
    elements: usize,
}

impl Reader<'_> {
    fn count(&mut self) -> Result<(), DavError> {
        self.elements += 1;
        match self.elements > MAXIMUM_ELEMENTS {
            true => Err(invalid("the filter is too large")),
            false => Ok(()),
        }
    }

    /// As deep as the document, which is bounded.
    fn component(
        &mut self,
        element: Element<'_>,
        within: &str,
    ) -> Result<ComponentFilter, DavError> {
        self.count()?;
        let name = read_name(element)?;
        check_place(&name, within)?;
        if is_not_defined(element)? {
            return Ok(ComponentFilter {
                name,
                test: ComponentTest::NotDefined,
            });
        }
        let time_range = self.time_range(element)?;
        if time_range.is_some()
            && (within.is_empty() || name == "VTIMEZONE" || within == "VTIMEZONE")
        {
            return Err(invalid("a time-range means nothing for this component"));
        }
        let (mut properties, mut components) = (Vec::new(), Vec::new());
        for child in element.children() {
            match child.name() {
                caldav::PROP_FILTER => properties.push(self.property(child)?),
                caldav::COMP_FILTER => components.push(self.component(child, &name)?),
                _ => {}
            }
        }
        Ok(ComponentFilter {
            name,
            test: ComponentTest::Defined {
                time_range,
                properties,
                components,
            },
        })
    }

    fn property(&mut self, element: Element<'_>) -> Result<PropertyFilter, DavError> {
        self.count()?;
        let name = read_name(element)?;
        if is_not_defined(element)? {
            return Ok(PropertyFilter {
                name,
                test: PropertyTest::NotDefined,
            });
        }
        let text = element
            .child(caldav::TEXT_MATCH)
            .map(read_text_match)
            .transpose()?;
        let value = match (self.time_range(element)?, text) {
            (Some(_), Some(_)) => {
                return Err(invalid("a prop-filter has a time-range or a text-match"));
            }
            (Some(_), None) if !DATE_PROPERTIES.contains(&name.as_str()) => {
                return Err(invalid("a time-range means nothing for this property"));
            }
            (Some(range), None) => Some(ValueTest::TimeRange(range)),
            (None, text) => text.map(ValueTest::Text),
        };
        let parameters = element
            .children_named(caldav::PARAM_FILTER)
            .map(|child| self.parameter(child))
            .collect::<Result<_, _>>()?;
        Ok(PropertyFilter {
            name,
            test: PropertyTest::Defined { value, parameters },
        })
    }

    fn parameter(&mut self, element: Element<'_>) -> Result<ParameterFilter, DavError> {
        self.count()?;
        let name = read_name(element)?;
        let test = if is_not_defined(element)? {
            ParameterTest::NotDefined
        } else {
            let text = element
                .child(caldav::TEXT_MATCH)
                .map(read_text_match)
                .transpose()?;
            ParameterTest::Defined(text)
        };
        Ok(ParameterFilter { name, test })
    }

    fn time_range(&self, element: Element<'_>) -> Result<Option<calendar::TimeRange>, DavError> {
        let range = element.child(caldav::TIME_RANGE);
        range
            .map(|range| time_range::read(range, self.limits, Some(Precondition::ValidFilter)))
            .transpose()
    }
}

/// RFC 4791 §9.7.1 to §9.7.3: a filter asks for absence, or tests what is there, never both.
fn is_not_defined(element: Element<'_>) -> Result<bool, DavError> {
    const TESTS: [Name<'static>; 5] = [
        caldav::TIME_RANGE,
        caldav::TEXT_MATCH,
        caldav::COMP_FILTER,
        caldav::PROP_FILTER,
        caldav::PARAM_FILTER,
    ];
    let absent = element.child(caldav::IS_NOT_DEFINED).is_some();
    if absent && TESTS.iter().any(|test| element.child(*test).is_some()) {
        return Err(invalid("what is not defined cannot be tested"));
    }
    Ok(absent)
}

/// RFC 4791 §7.8: a filter cannot nest what an object cannot.
fn check_place(name: &str, within: &str) -> Result<(), DavError> {
    let inner = INNER_COMPONENTS
        .iter()
        .find(|(inner, _)| *inner == name)
        .map(|(_, outer)| *outer);
    let fits = match within {
        "" => name == "VCALENDAR",
        "VCALENDAR" => name != "VCALENDAR" && inner.is_none(),
        _ => {
            name != "VCALENDAR"
                && !OUTER_COMPONENTS.contains(&name)
                && inner.is_none_or(|outer| outer.contains(&within))
        }
    };
    match fits {
        true => Ok(()),
        false if within.is_empty() => Err(invalid("the outermost comp-filter is for VCALENDAR")),
        false => Err(invalid(&format!("{name} cannot be in {within}"))),
    }
}

fn read_text_match(element: Element<'_>) -> Result<TextMatch, DavError> {
    let collation = match element.attribute("collation") {
        None => collation::DEFAULT,
        Some(identifier) => collation::find(identifier).ok_or_else(|| {
            let reason = format!("the collation {identifier} is not supported");
            DavError::precondition(Precondition::SupportedCollation, reason)
        })?,
    };
    let negate = match element.attribute("negate-condition") {
        None | Some("no") => false,
        Some("yes") => true,
        Some(_) => return Err(invalid("negate-condition is neither yes nor no")),
    };
    Ok(TextMatch {
        needle: Needle::new(collation, &element.text(), MatchType::Contains),
        negate,
    })
}
