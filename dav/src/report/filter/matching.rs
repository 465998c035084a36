//! A filter against one calendar object.

use calendar::{
    Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, TooMuchWork, Zone,
    time_range::{alarm_overlaps, component_overlaps, property_overlaps},
};
use scheduling::projection::{ObjectProjection, Verdict};

use super::{
    ComponentFilter, ComponentTest, Filter, ParameterFilter, ParameterTest, PropertyFilter,
    PropertyTest, ValueTest,
};

/// A calendar object to be matched, its times read once.
pub(crate) struct Subject<'o> {
    object: &'o CalendarObject,
    set: RecurrenceSet<'o>,
}

impl<'o> Subject<'o> {
    /// The object; `floating` is the zone in which floating times and DATEs are read.
    pub fn new(object: &'o CalendarObject, floating: &Zone) -> Subject<'o> {
        Subject {
            object,
            set: RecurrenceSet::of(object, floating),
        }
    }
}

/// Where in an object a component stands: what time ranges need to know.
#[derive(Clone, Copy)]
struct Place<'s, 'o> {
    subject: &'s Subject<'o>,
    component: &'o Component,
    /// The entry that it is, or is in; `None` for the calendar itself and for time zones.
    entry: Option<usize>,
    /// It is an entry itself.
    is_entry: bool,
}

impl Filter {
    /// Whether an object matches.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let calendar = subject.object.calendar();
        let place = Place {
            subject,
            component: calendar,
            entry: None,
            is_entry: false,
        };
        match &self.root.test {
            ComponentTest::NotDefined => false,
            test => calendar.is(&self.root.name) && place.fulfils(test, &mut Budget::default()),
        }
    }
}

impl Filter {
    /// Whether an object with this projection matches, as far as that can be said without the object;
    /// `floating` is the zone in which DATEs are read.
    pub fn judge(&self, projection: &ObjectProjection, floating: &Zone) -> Verdict {
        let ComponentTest::Defined {
            properties,
            components,
            ..
        } = &self.root.test
        else {
            return Verdict::No;
        };
        let judge = |filter: &ComponentFilter| filter.judge(projection, floating);
        let own = unless_asked(properties.is_empty());
        components.iter().map(judge).fold(own, Verdict::and)
    }

    /// A time range that every match overlaps, if there is one.
    pub fn range(&self) -> Option<&TimeRange> {
        let components = self.root.components();
        components.iter().find_map(|filter| match &filter.test {
            ComponentTest::Defined { time_range, .. } if filter.name != "VTIMEZONE" => {
                time_range.as_ref()
            }
            _ => None,
        })
    }

    /// The time range of events, where the filter asks for nothing else.
    pub fn range_alone(&self) -> Option<&TimeRange> {
        match self.root.components() {
            [only] if only.name == "VEVENT" && only.components().is_empty() => self.range(),
            _ => None,
        }
    }
}

/// What holds where nothing is asked that only the object can tell.
fn unless_asked(nothing: bool) -> Verdict {
    if nothing {
        Verdict::Yes
    } else {
        Verdict::Maybe
    }
}

impl ComponentFilter {
    fn components(&self) -> &[ComponentFilter] {
        match &self.test {
            ComponentTest::Defined { components, .. } => components,
            ComponentTest::NotDefined => &[],
        }
    }

    /// Whether a component directly in the calendar object matches.
    fn judge(&self, projection: &ObjectProjection, floating: &Zone) -> Verdict {
        let kinds = projection.kinds();
        let is_there = if self.name == "VTIMEZONE" {
            // Time zones are not in the projection.
            Verdict::Maybe
        } else if kinds.contains(&self.name) {
            Verdict::Yes
        } else {
            match kinds.may_contain(&self.name) {
                true => Verdict::Maybe,
                false => Verdict::No,
            }
        };
        let ComponentTest::Defined {
            time_range,
            properties,
            components,
        } = &self.test
        else {
            return is_there.not();
        };
        let in_time = match time_range {
            None => Verdict::Yes,
            Some(range) if self.name == "VEVENT" => projection.events_overlap(range, floating),
            Some(range) if projection.may_overlap(range) => Verdict::Maybe,
            Some(_) => Verdict::No,
        };
        is_there
            .and(in_time)
            .and(unless_asked(properties.is_empty() && components.is_empty()))
    }
}

/// Too much work counts as a match.
fn or_maybe(answer: Result<bool, TooMuchWork>) -> bool {
    answer.unwrap_or(true)
}

impl<'s, 'o> Place<'s, 'o> {
    fn fulfils(self, test: &ComponentTest, budget: &mut Budget) -> bool {
        let ComponentTest::Defined {
            time_range,
            properties,
            components,
        } = test
        else {
            return false;
        };
        // What costs least first.
        properties
            .iter()
            .all(|filter| self.has_property(filter, budget))
            && components
                .iter()
                .all(|filter| self.has_component(filter, budget))
            && time_range
                .as_ref()
                .is_none_or(|range| self.overlaps(range, budget))
    }

    fn has_component(self, filter: &ComponentFilter, budget: &mut Budget) -> bool {
        let mut named = self
            .children()
            .filter(|place| place.component.is(&filter.name));
        match &filter.test {
            ComponentTest::NotDefined => named.next().is_none(),
            test => named.any(|place| place.fulfils(test, budget)),
        }
    }

    /// The components directly in this one; those in the calendar itself are numbered as entries.
    fn children(self) -> impl Iterator<Item = Place<'s, 'o>> {
        let outermost = self.entry.is_none() && self.component.is("VCALENDAR");
        let mut entries = 0;
        self.component.components().map(move |component| {
            let is_entry = outermost && !component.is("VTIMEZONE");
            let entry = if is_entry { Some(entries) } else { self.entry };
            entries += usize::from(is_entry);
            Place {
                subject: self.subject,
                component,
                entry,
                is_entry,
            }
        })
    }

    fn overlaps(self, range: &TimeRange, budget: &mut Budget) -> bool {
        let set = &self.subject.set;
        match self.entry {
            Some(entry) if self.is_entry => or_maybe(component_overlaps(set, entry, range, budget)),
            Some(entry) => or_maybe(alarm_overlaps(set, entry, self.component, range, budget)),
            None => false,
        }
    }

    fn has_property(self, filter: &PropertyFilter, budget: &mut Budget) -> bool {
        let mut named = self.component.properties_named(&filter.name);
        let (value, parameters) = match &filter.test {
            PropertyTest::NotDefined => return named.next().is_none(),
            PropertyTest::Defined { value, parameters } => (value, parameters),
        };
        let parameters_match = |property: &Property| {
            parameters
                .iter()
                .all(|filter| has_parameter(property, filter))
        };
        match value {
            None => named.any(parameters_match),
            Some(ValueTest::Text(text)) => {
                named.any(|property| text.matches(&property.text()) && parameters_match(property))
            }
            Some(ValueTest::TimeRange(range)) => {
                self.property_overlaps(&filter.name, range, budget)
                    // An effective DTEND or DUE has no property that could have parameters.
                    && (parameters.is_empty() || named.any(parameters_match))
            }
        }
    }

    fn property_overlaps(self, name: &str, range: &TimeRange, budget: &mut Budget) -> bool {
        match self.entry {
            Some(entry) if self.is_entry => or_maybe(property_overlaps(
                &self.subject.set,
                entry,
                name,
                range,
                budget,
            )),
            _ => false,
        }
    }
}

fn has_parameter(property: &Property, filter: &ParameterFilter) -> bool {
    let values = property.parameter_values(&filter.name);
    match &filter.test {
        ParameterTest::NotDefined => values.is_empty(),
        ParameterTest::Defined(None) => !values.is_empty(),
        ParameterTest::Defined(Some(text)) => values.iter().any(|value| text.matches(value)),
    }
}
