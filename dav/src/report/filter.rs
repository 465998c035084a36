//! `CALDAV:filter` (RFC 4791 §9.7): read strictly, then matched against objects. Pure.
//!
//! What the RFC leaves open: a component matches if one component of its name fulfils everything in
//! the filter; a negated text-match wants the property (or parameter) to be there. Where the work on
//! one object's recurrence is too much, the object matches, so that nothing is lost to a client.

mod matching;
mod read;
#[cfg(test)]
mod tests;

use calendar::TimeRange;

use crate::report::collation::Needle;

pub(crate) use matching::Subject;

/// The filter of a query: a component filter for the calendar object as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    root: ComponentFilter,
}

/// RFC 4791 §9.7.1
#[derive(Clone, Debug)]
struct ComponentFilter {
    name: String,
    test: ComponentTest,
}

#[derive(Clone, Debug)]
enum ComponentTest {
    NotDefined,
    Defined {
        time_range: Option<TimeRange>,
        properties: Vec<PropertyFilter>,
        components: Vec<ComponentFilter>,
    },
}

/// RFC 4791 §9.7.2
#[derive(Clone, Debug)]
struct PropertyFilter {
    name: String,
    test: PropertyTest,
}

#[derive(Clone, Debug)]
enum PropertyTest {
    NotDefined,
    Defined {
        value: Option<ValueTest>,
        parameters: Vec<ParameterFilter>,
    },
}

#[derive(Clone, Debug)]
enum ValueTest {
    TimeRange(TimeRange),
    Text(TextMatch),
}

/// RFC 4791 §9.7.3
#[derive(Clone, Debug)]
struct ParameterFilter {
    name: String,
    test: ParameterTest,
}

#[derive(Clone, Debug)]
enum ParameterTest {
    NotDefined,
    Defined(Option<TextMatch>),
}

/// RFC 4791 §9.7.5
#[derive(Clone, Debug)]
struct TextMatch {
    needle: Needle,
    negate: bool,
}

impl TextMatch {
    fn matches(&self, text: &str) -> bool {
        self.needle.matches(text) != self.negate
    }
}
