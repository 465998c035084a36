//! Recurrence sets as single components in UTC (RFC 4791 §9.6.5).

use calendar::{
    Budget, CalendarObject, Component, Instance, Property, RecurrenceSet, TimeRange, TooMuchWork,
    Zone,
    time_range::overlapping_instances,
    value::{DateOrDateTime, DateTime, Form, dates_of},
};

/// What makes a component recur.
const RECURRENCE_PROPERTIES: [&str; 4] = ["RRULE", "RDATE", "EXDATE", "EXRULE"];

/// What the instances of one object may be made of together, in octets: a rule without an end is small, what it
/// yields is not.
const MOST_OCTETS: usize = 16 * 1024 * 1024;
/// What an instance takes beside its octets.
const OCTETS_OF_AN_INSTANCE: usize = 1_000;

/// The object with each instance that overlaps the range as a component of its own.
pub(super) fn expand(
    object: &CalendarObject,
    range: &TimeRange,
    floating: &Zone,
) -> Result<CalendarObject, TooMuchWork> {
    let set = RecurrenceSet::of(object, floating);
    let instances = overlapping_instances(&set, range, &mut Budget::default())?;
    check_size(object, &instances)?;
    let mut calendar = object.calendar().filtered(|_| true, |_| false);
    let is_of_one = |property: &Property| !RECURRENCE_PROPERTIES.contains(&property.name());
    for instance in &instances {
        let mut component = set.component(instance).filtered(is_of_one, |_| true);
        place(&mut component, instance, &set);
        in_utc(&mut component, &set);
        calendar.push_component(component);
    }
    // What is nowhere in time belongs to every time.
    for component in set.timeless() {
        calendar.push_component(component.clone());
    }
    Ok(CalendarObject::from_calendar(calendar))
}

/// Whether the instances can be held at once, and sent.
fn check_size(object: &CalendarObject, instances: &[Instance]) -> Result<(), TooMuchWork> {
    let sizes: Vec<usize> = object
        .entries()
        .map(|entry| entry.to_octets().len() + OCTETS_OF_AN_INSTANCE)
        .collect();
    let of_all = instances.iter().map(|instance| sizes[instance.entry]);
    match of_all.fold(0, usize::saturating_add) > MOST_OCTETS {
        true => Err(TooMuchWork),
        false => Ok(()),
    }
}

/// Gives a component the times of one instance.
fn place(component: &mut Component, instance: &Instance, set: &RecurrenceSet<'_>) {
    let start = utc(&instance.start_value, set);
    let end = utc(&instance.end_value, set);
    for (name, value) in [("DTSTART", &start), ("DTEND", &end), ("DUE", &end)] {
        if component.property(name).is_some() {
            set_date(component, name, value);
        }
    }
    if let Some(id) = &instance.recurrence_id {
        set_date(component, "RECURRENCE-ID", &utc(id, set));
    }
}

/// Sets a property to a date, without any parameter but VALUE.
fn set_date(component: &mut Component, name: &str, value: &DateOrDateTime) {
    let property = Property::new(name, &value.to_string()).and_then(|property| match value {
        DateOrDateTime::Date(_) => property.with_parameter("VALUE", "DATE"),
        DateOrDateTime::DateTime(_) => Ok(property),
    });
    // A printed date has nothing in it that a line could not hold.
    if let Ok(property) = property {
        component.set_property(property);
    }
}

/// Every other date with a zone, in UTC, in what stands in the component too.
fn in_utc(component: &mut Component, set: &RecurrenceSet<'_>) {
    for property in component.properties_mut() {
        if property.parameter("TZID").is_none() {
            continue;
        }
        let dates: Vec<String> = dates_of(property)
            .map(|date| utc(&date, set).to_string())
            .collect();
        property.remove_parameter("TZID");
        if !dates.is_empty() {
            // As above.
            let _ = property.set_raw_value(&dates.join(","));
        }
    }
    component
        .components_mut()
        .for_each(|inner| in_utc(inner, set));
}

/// A date with a zone becomes one in UTC; DATEs and floating times stay what they are.
fn utc(value: &DateOrDateTime, set: &RecurrenceSet<'_>) -> DateOrDateTime {
    match value {
        DateOrDateTime::DateTime(DateTime {
            form: Form::Zoned(_),
            ..
        }) => {
            let instant = set.zones().instant_of(value, set.floating());
            DateOrDateTime::DateTime(DateTime::utc(Zone::utc().civil(instant)))
        }
        _ => value.clone(),
    }
}
