//! Components and properties as elements (RFC 6321 §3).

use super::{
    name::{element_name, type_element_name},
    token,
};
use crate::{
    object::{Component, Property},
    typed::{RulePart, TypedParameter, TypedProperty, Value},
};

/// The order of a rule's parts (RFC 6321 §A, 3.3.10); others come behind them.
const RULE_PARTS: [&str; 14] = [
    "freq",
    "until",
    "count",
    "interval",
    "bysecond",
    "byminute",
    "byhour",
    "byday",
    "bymonthday",
    "byyearday",
    "byweekno",
    "bymonth",
    "bysetpos",
    "wkst",
];

/// Appends a component. The walk is no recursion.
pub(super) fn component(component: &Component, output: &mut String) {
    begin_component(component, output);
    let mut open = vec![(component, component.components())];
    while let Some((outer, components)) = open.last_mut() {
        match components.next() {
            Some(inner) => {
                begin_component(inner, output);
                open.push((inner, inner.components()));
            }
            None => {
                if outer.components().next().is_some() {
                    end(output, "components");
                }
                end(output, &element_name(&outer.name().to_ascii_lowercase()));
                open.pop();
            }
        }
    }
}

/// Everything of a component before the first component within.
fn begin_component(component: &Component, output: &mut String) {
    begin(
        output,
        &element_name(&component.name().to_ascii_lowercase()),
    );
    if component.properties().next().is_some() {
        begin(output, "properties");
        component
            .properties()
            .for_each(|each| property(each, output));
        end(output, "properties");
    }
    if component.components().next().is_some() {
        begin(output, "components");
    }
}

/// Appends a property.
pub(super) fn property(property: &Property, output: &mut String) {
    let typed = TypedProperty::of(property);
    if let Some(element) = foreign_element(&typed) {
        output.push_str(element);
        return;
    }
    let name = element_name(&typed.name);
    begin(output, &name);
    if !typed.parameters.is_empty() {
        begin(output, "parameters");
        typed
            .parameters
            .iter()
            .for_each(|each| parameter(each, output));
        end(output, "parameters");
    }
    let type_name = type_element_name(&typed.type_name);
    for each in &typed.values {
        value(each, &type_name, output);
    }
    end(output, &name);
}

/// The element that an XML property stands for (RFC 6321 §4.2), where it can stand in a document.
fn foreign_element<'t>(typed: &'t TypedProperty<'_>) -> Option<&'t str> {
    let is_plain = typed.name == "xml" && typed.type_name == "text" && typed.parameters.is_empty();
    match typed.values.as_slice() {
        [Value::Text(text)] if is_plain => token::foreign_element(text),
        _ => None,
    }
}

/// RFC 6321 §3.5
fn parameter(parameter: &TypedParameter<'_>, output: &mut String) {
    let name = element_name(&parameter.name);
    begin(output, &name);
    for text in &parameter.values {
        let truth = match (parameter.type_name, text.to_ascii_uppercase().as_str()) {
            ("boolean", "TRUE") => Some("true"),
            ("boolean", "FALSE") => Some("false"),
            _ => None,
        };
        match truth {
            Some(truth) => leaf(output, "boolean", truth),
            None if parameter.type_name == "boolean" => leaf(output, "text", text),
            None => leaf(output, parameter.type_name, text),
        }
    }
    end(output, &name);
}

/// RFC 6321 §3.6
fn value(value: &Value<'_>, type_name: &str, output: &mut String) {
    match value {
        Value::Text(text) => leaf(output, type_name, text),
        Value::Boolean(truth) => leaf(output, type_name, if *truth { "true" } else { "false" }),
        Value::Number(raw, _) => leaf(output, type_name, raw),
        Value::Period {
            start,
            end: until,
            ends_by_duration,
        } => {
            begin(output, type_name);
            leaf(output, "start", start);
            let last = if *ends_by_duration { "duration" } else { "end" };
            leaf(output, last, until);
            end(output, type_name);
        }
        Value::Recur(parts) => rule(parts, type_name, output),
        Value::Place(halves) => {
            for (name, half) in ["latitude", "longitude"].iter().zip(halves.iter()) {
                if let Value::Number(raw, _) = half {
                    leaf(output, name, raw);
                }
            }
        }
        Value::Status(pieces) => {
            for (name, piece) in ["code", "description", "data"].iter().zip(pieces) {
                leaf(output, name, piece);
            }
        }
    }
}

/// RFC 6321 §3.6.10
fn rule(parts: &[RulePart<'_>], type_name: &str, output: &mut String) {
    let mut parts: Vec<_> = parts
        .iter()
        .map(|(name, values)| (name.to_ascii_lowercase(), values))
        .collect();
    let place = |name: &str| RULE_PARTS.iter().position(|part| *part == name);
    parts.sort_by_key(|(name, _)| place(name).unwrap_or(RULE_PARTS.len()));
    begin(output, type_name);
    for (name, values) in parts {
        for value in values {
            leaf(output, &element_name(&name), value);
        }
    }
    end(output, type_name);
}

fn begin(output: &mut String, name: &str) {
    output.extend(["<", name, ">"]);
}

fn end(output: &mut String, name: &str) {
    output.extend(["</", name, ">"]);
}

fn leaf(output: &mut String, name: &str, text: &str) {
    begin(output, name);
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        output.push_str(&rest[..at]);
        output.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    output.push_str(rest);
    end(output, name);
}
