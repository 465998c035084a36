//! JSON arrays as components and properties (RFC 7265 §4), made as they are read.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{
    object::{CalendarObject, Component, Limits},
    typed::{LineBuilder, Number, ReadError, Syntax, print_float},
};

/// A bound that every part of the reader looks at.
struct Bounds<'l> {
    limits: &'l Limits,
    /// Lines that may still be made.
    lines: Cell<usize>,
}

impl Bounds<'_> {
    fn take_lines<E: Error>(&self, lines: usize) -> Result<(), E> {
        let left = self.lines.get().checked_sub(lines);
        self.lines.set(left.ok_or_else(|| {
            E::custom(format!("there are more than {} lines", self.limits.lines))
        })?);
        Ok(())
    }
}

pub(super) fn stream(octets: &[u8], limits: &Limits) -> Result<Vec<CalendarObject>, ReadError> {
    if octets.len() > limits.octets {
        return Err(ReadError {
            line: 1,
            reason: format!("the text is larger than {} octets", limits.octets),
        });
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let bounds = Bounds {
        limits,
        lines: Cell::new(limits.lines),
    };
    let mut reader = serde_json::Deserializer::from_slice(octets);
    let result = Stream(&bounds)
        .deserialize(&mut reader)
        .and_then(|objects| reader.end().map(|()| objects));
    result.map_err(|error| ReadError {
        line: error.line().max(1),
        reason: error.to_string(),
    })
}

/// An object, or an array of objects: the first element tells.
struct Stream<'b>(&'b Bounds<'b>);

impl<'de> DeserializeSeed<'de> for Stream<'_> {
    type Value = Vec<CalendarObject>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Stream<'_> {
    type Value = Vec<CalendarObject>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the array of a vcalendar, or an array of those")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let calendar = || Calendar(self.0);
        let mut objects = Vec::new();
        match array.next_element_seed(NameOrCalendar(self.0))? {
            None => {}
            Some(First::Name(name)) => {
                let component = rest_of_component(self.0, 1, &name, &mut array)?;
                objects.push(object(component)?);
            }
            Some(First::Calendar(first)) => {
                objects.push(first);
                while let Some(next) = array.next_element_seed(calendar())? {
                    objects.push(next);
                }
            }
        }
        Ok(objects)
    }
}

fn object<E: Error>(component: Component) -> Result<CalendarObject, E> {
    match component.is("VCALENDAR") {
        true => Ok(CalendarObject::from_calendar(component)),
        false => Err(E::custom("there is content outside vcalendar")),
    }
}

enum First {
    Name(String),
    Calendar(CalendarObject),
}

struct NameOrCalendar<'b>(&'b Bounds<'b>);

impl<'de> DeserializeSeed<'de> for NameOrCalendar<'_> {
    type Value = First;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<First, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NameOrCalendar<'_> {
    type Value = First;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"vcalendar\" or the array of a vcalendar")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<First, E> {
        Ok(First::Name(name.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<First, A::Error> {
        let component = whole_component(self.0, 1, &mut array)?;
        object(component).map(First::Calendar)
    }
}

struct Calendar<'b>(&'b Bounds<'b>);

impl<'de> DeserializeSeed<'de> for Calendar<'_> {
    type Value = CalendarObject;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let bounds = self.0;
        let component = ComponentArray { bounds, depth: 1 }.deserialize(deserializer)?;
        object(component)
    }
}

struct ComponentArray<'b> {
    bounds: &'b Bounds<'b>,
    /// Of this component; that of a VCALENDAR is 1.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ComponentArray<'_> {
    type Value = Component;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Component, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ComponentArray<'_> {
    type Value = Component;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of a component's name, its properties and its components")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Component, A::Error> {
        whole_component(self.bounds, self.depth, &mut array)
    }
}

fn whole_component<'de, A: SeqAccess<'de>>(
    bounds: &Bounds<'_>,
    depth: usize,
    array: &mut A,
) -> Result<Component, A::Error> {
    let name: Option<String> = array.next_element()?;
    let name = name.ok_or_else(|| A::Error::custom("a component has no name"))?;
    rest_of_component(bounds, depth, &name, array)
}

/// RFC 7265 §3.3, after the name.
fn rest_of_component<'de, A: SeqAccess<'de>>(
    bounds: &Bounds<'_>,
    depth: usize,
    name: &str,
    array: &mut A,
) -> Result<Component, A::Error> {
    if depth > bounds.limits.depth {
        let depth = bounds.limits.depth;
        let reason = format!("components are nested more than {depth} deep");
        return Err(A::Error::custom(reason));
    }
    bounds.take_lines(2)?;
    let mut component = Component::new(name).map_err(A::Error::custom)?;
    if depth > 1 && component.is("VCALENDAR") {
        return Err(A::Error::custom("there is a second vcalendar"));
    }
    let missing = |what| A::Error::custom(format!("a component has no array of {what}"));
    for (what, name) in [
        (What::Properties, "properties"),
        (What::Components(depth + 1), "components"),
    ] {
        let contents = Contents {
            bounds,
            what,
            component: &mut component,
        };
        array
            .next_element_seed(contents)?
            .ok_or_else(|| missing(name))?;
    }
    match array.next_element::<IgnoredAny>()? {
        None => Ok(component),
        Some(_) => Err(A::Error::custom("a component is an array of three")),
    }
}

/// One of the two arrays of a component.
struct Contents<'b> {
    bounds: &'b Bounds<'b>,
    what: What,
    component: &'b mut Component,
}

#[derive(Clone, Copy)]
enum What {
    Properties,
    /// At this depth.
    Components(usize),
}

impl<'de> DeserializeSeed<'de> for Contents<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Contents<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.what {
            What::Properties => "an array of properties",
            What::Components(_) => "an array of components",
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let bounds = self.bounds;
        match self.what {
            What::Properties => {
                while let Some(line) = array.next_element_seed(PropertyArray { bounds })? {
                    self.component
                        .push_property(line.finish().map_err(A::Error::custom)?);
                }
            }
            What::Components(depth) => {
                while let Some(inner) = array.next_element_seed(ComponentArray { bounds, depth })? {
                    self.component.push_component(inner);
                }
            }
        }
        Ok(())
    }
}

/// RFC 7265 §3.4
struct PropertyArray<'b> {
    bounds: &'b Bounds<'b>,
}

impl<'de> DeserializeSeed<'de> for PropertyArray<'_> {
    type Value = LineBuilder;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<LineBuilder, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PropertyArray<'_> {
    type Value = LineBuilder;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of a property's name, parameters, type and values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<LineBuilder, A::Error> {
        self.bounds.take_lines(1)?;
        let name: Option<String> = array.next_element()?;
        let name = name.ok_or_else(|| A::Error::custom("a property has no name"))?;
        let mut line = LineBuilder::new(&name).map_err(A::Error::custom)?;
        array
            .next_element_seed(Parameters(&mut line))?
            .ok_or_else(|| A::Error::custom("a property has no object of parameters"))?;
        let type_name: Option<String> = array.next_element()?;
        let type_name = type_name.ok_or_else(|| A::Error::custom("a property has no type"))?;
        line.set_type(&type_name).map_err(A::Error::custom)?;
        while array.next_element_seed(ValueElement(&mut line))?.is_some() {}
        if line.octets() > self.bounds.limits.line_octets {
            let octets = self.bounds.limits.line_octets;
            let reason = format!("{} is longer than {octets} octets", line.name());
            return Err(A::Error::custom(reason));
        }
        Ok(line)
    }
}

/// RFC 7265 §3.5
struct Parameters<'l>(&'l mut LineBuilder);

impl<'de> DeserializeSeed<'de> for Parameters<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Parameters<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key::<String>()? {
            self.0.parameter(&name).map_err(A::Error::custom)?;
            object.next_value_seed(Texts(&mut |text| self.0.parameter_value(text)))?;
        }
        Ok(())
    }
}

/// A text, number or boolean, or an array of such, each given as a text.
struct Texts<'t>(&'t mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, or an array of those")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.visit_str(if truth { "TRUE" } else { "FALSE" })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.visit_str(&print_float(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(text) = array.next_element_seed(One)? {
            (self.0)(&text);
        }
        Ok(())
    }
}

/// A text, number or boolean as a text.
struct One;

impl<'de> DeserializeSeed<'de> for One {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<String, E> {
        Ok(if truth { "TRUE" } else { "FALSE" }.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(print_float(number))
    }
}

/// RFC 7265 §3.6: appends a value to the line.
struct ValueElement<'l>(&'l mut LineBuilder);

impl<'de> DeserializeSeed<'de> for ValueElement<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.begin_value();
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueElement<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push(text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.visit_str(if truth { "TRUE" } else { "FALSE" })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    /// An INTEGER may be written with a fraction of zero (RFC 7265 §3.6.8).
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let text = print_float(number);
        let whole = text.strip_suffix(".0").filter(|_| self.0.is_integer());
        self.0.push(whole.unwrap_or(&text));
        Ok(())
    }

    /// A period, or a structured value.
    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let separator = match self.0.syntax() {
            Syntax::Period => "/",
            _ => ";",
        };
        let mut is_first = true;
        while let Some(text) = array.next_element_seed(One)? {
            self.0.push_raw(if is_first { "" } else { separator });
            self.0.push(&text);
            is_first = false;
        }
        Ok(())
    }

    /// RFC 7265 §3.6.10
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        if self.0.syntax() != Syntax::Recur {
            return Err(A::Error::custom("only a rule is an object"));
        }
        let mut parts = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            let mut values = Vec::new();
            object.next_value_seed(Texts(&mut |text| values.push(whole_number(text))))?;
            parts.push((name, values));
        }
        self.0.push_rule(parts).map_err(A::Error::custom)
    }
}

/// No part of a rule has a fraction.
fn whole_number(text: &str) -> String {
    match (Number::parse(text), text.strip_suffix(".0")) {
        (Some(Number::Float(_)), Some(whole)) => whole.to_owned(),
        _ => text.to_owned(),
    }
}
