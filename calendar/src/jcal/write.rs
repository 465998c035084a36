//! Components and properties as JSON arrays (RFC 7265 §3).

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use crate::{
    object::{Component, Property},
    typed::{Number, RulePart, TypedParameter, TypedProperty, Value},
};

/// Appends a component: name, properties, components.
pub(super) fn component(component: &Component, output: &mut Vec<u8>) {
    append(&ComponentArray(component), output);
}

/// Appends a property: name, parameters, type, values.
pub(super) fn property(property: &Property, output: &mut Vec<u8>) {
    append(&PropertyArray(property), output);
}

fn append(array: &impl Serialize, output: &mut Vec<u8>) {
    serde_json::to_writer(output, array)
        .expect("writing to memory does not fail, and all keys are texts");
}

struct ComponentArray<'c>(&'c Component);

impl Serialize for ComponentArray<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let component = self.0;
        let mut array = serializer.serialize_seq(Some(3))?;
        array.serialize_element(&component.name().to_ascii_lowercase())?;
        array.serialize_element(&Each(|| component.properties().map(PropertyArray)))?;
        array.serialize_element(&Each(|| component.components().map(ComponentArray)))?;
        array.end()
    }
}

/// An array of what an iterator gives.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

struct PropertyArray<'p>(&'p Property);

impl Serialize for PropertyArray<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let typed = TypedProperty::of(self.0);
        let mut array = serializer.serialize_seq(Some(3 + typed.values.len()))?;
        array.serialize_element(&typed.name)?;
        array.serialize_element(&Parameters(&typed.parameters))?;
        array.serialize_element(&typed.type_name)?;
        for value in &typed.values {
            array.serialize_element(&ValueElement(value))?;
        }
        array.end()
    }
}

/// RFC 7265 §3.5
struct Parameters<'p>(&'p [TypedParameter<'p>]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for parameter in self.0 {
            object.serialize_entry(&parameter.name, &OneOrMore(&parameter.values))?;
        }
        object.end()
    }
}

/// One value by itself, several as an array (RFC 7265 §3.5.2, §3.6.10).
struct OneOrMore<'v, T>(&'v [T]);

impl<T: Serialize> Serialize for OneOrMore<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => one.serialize(serializer),
            more => more.serialize(serializer),
        }
    }
}

struct ValueElement<'v>(&'v Value<'v>);

impl Serialize for ValueElement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Boolean(truth) => serializer.serialize_bool(*truth),
            Value::Number(_, number) => NumberElement(*number).serialize(serializer),
            Value::Period { start, end, .. } => [start, end].serialize(serializer),
            Value::Recur(parts) => Rule(parts).serialize(serializer),
            Value::Place(halves) => serializer.collect_seq(halves.iter().map(ValueElement)),
            Value::Status(pieces) => serializer.collect_seq(pieces),
        }
    }
}

struct NumberElement(Number);

impl Serialize for NumberElement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Number::Integer(number) => serializer.serialize_i64(number),
            Number::Float(number) => serializer.serialize_f64(number),
        }
    }
}

/// RFC 7265 §3.6.10
struct Rule<'v>(&'v [RulePart<'v>]);

impl Serialize for Rule<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in self.0 {
            let name = name.to_ascii_lowercase();
            let is_text = matches!(
                name.as_str(),
                "freq" | "wkst" | "until" | "byday" | "rscale" | "skip"
            );
            let values: Vec<_> = values
                .iter()
                .map(|text| RuleValue { text, is_text })
                .collect();
            object.serialize_entry(&name, &OneOrMore(&values))?;
        }
        object.end()
    }
}

/// A number where it is one (leap months have a letter, RFC 7529 §4.2).
struct RuleValue<'v> {
    text: &'v str,
    is_text: bool,
}

impl Serialize for RuleValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Number::parse(self.text).filter(|_| !self.is_text) {
            Some(number) => NumberElement(number.whole()).serialize(serializer),
            None => serializer.serialize_str(self.text),
        }
    }
}
