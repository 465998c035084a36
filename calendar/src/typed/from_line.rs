//! A content line as typed values.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Number, Shape, Syntax,
    definition::{self, UNKNOWN, parameter_definition},
    scalar::{basic, extended, extended_moment, is_date, is_date_time, is_duration, is_period},
};
use crate::{
    object::{Property, forbidden_character, is_name},
    text,
};

/// A property with everything told apart. Names and types are in lower case.
#[derive(Debug)]
pub(crate) struct TypedProperty<'p> {
    pub name: String,
    pub parameters: Vec<TypedParameter<'p>>,
    pub type_name: Cow<'p, str>,
    /// One or more.
    pub values: Vec<Value<'p>>,
}

/// A parameter other than VALUE.
#[derive(Debug)]
pub(crate) struct TypedParameter<'p> {
    pub name: String,
    /// In xCal.
    pub type_name: &'static str,
    /// One or more.
    pub values: Vec<Cow<'p, str>>,
}

/// A value.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'p> {
    /// A text, or a value of any other type in its form as a text.
    Text(Cow<'p, str>),
    Boolean(bool),
    /// As written, and read.
    Number(&'p str, Number),
    Period {
        start: Cow<'p, str>,
        end: Cow<'p, str>,
        ends_by_duration: bool,
    },
    /// The parts of a rule.
    Recur(Vec<RulePart<'p>>),
    /// Latitude and longitude.
    Place(Box<[Value<'p>; 2]>),
    /// Code, description and data, as far as they are there.
    Status(Vec<Cow<'p, str>>),
}

/// A part of a rule: its name as written, and its values.
pub(crate) type RulePart<'p> = (&'p str, Vec<Cow<'p, str>>);

impl<'p> TypedProperty<'p> {
    /// Of a property.
    pub fn of(property: &'p Property) -> TypedProperty<'p> {
        let definition = definition::definition(property.name());
        let raw = property.raw_value();
        let declared = property
            .parameter("VALUE")
            .map(|declared| declared.trim().to_ascii_lowercase())
            .filter(|declared| is_name(declared.as_bytes()) && declared != UNKNOWN);
        let is_base64 = property
            .parameter("ENCODING")
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("BASE64"));
        let type_name: Cow<'p, str> = match (declared, definition.default_type) {
            (Some(declared), _) => Cow::Owned(declared),
            // A forgotten VALUE=BINARY.
            (None, Some("uri")) if is_base64 => Cow::Borrowed("binary"),
            (None, Some(default)) => Cow::Borrowed(default),
            (None, None) => Cow::Borrowed(UNKNOWN),
        };
        let shape = definition::shape(definition, &type_name);
        let is_text = Syntax::of(&type_name) == Syntax::Text && shape != Shape::Status;
        let decoded = (is_base64 && is_text).then(|| decode(raw)).flatten();
        let mut parameters = parameters(property);
        if let Some(decoded) = decoded {
            // RFC 7265 §3.1
            parameters.retain(|parameter| parameter.name != "encoding");
            return TypedProperty {
                name: property.name().to_ascii_lowercase(),
                parameters,
                type_name,
                values: vec![Value::Text(Cow::Owned(decoded))],
            };
        }
        if Syntax::of(&type_name) == Syntax::Binary
            && !parameters
                .iter()
                .any(|parameter| parameter.name == "encoding")
        {
            // RFC 5545 §3.2.7 demands it, so that others who convert back have it.
            parameters.push(TypedParameter {
                name: "encoding".into(),
                type_name: "text",
                values: vec![Cow::Borrowed("BASE64")],
            });
        }
        let type_name = by_shape(type_name, shape, raw);
        TypedProperty {
            name: property.name().to_ascii_lowercase(),
            values: values(shape, Syntax::of(&type_name), raw),
            parameters,
            type_name,
        }
    }
}

/// A text that came in BASE64, if it is one.
fn decode(raw: &str) -> Option<String> {
    let octets = STANDARD.decode(raw.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let plain = text.replace("\r\n", "\n");
    forbidden_character(&plain.replace('\n', ""))
        .is_none()
        .then_some(plain)
}

/// The type that all values show by their shape, where the type is one of times.
fn by_shape<'p>(type_name: Cow<'p, str>, shape: Shape, raw: &str) -> Cow<'p, str> {
    type Test = fn(&str) -> bool;
    const TYPES: [(&str, Test); 4] = [
        ("date", is_date),
        ("date-time", is_date_time),
        ("period", is_period),
        ("duration", is_duration),
    ];
    let Some((_, declared)) = TYPES.iter().find(|(name, _)| *name == type_name) else {
        return type_name;
    };
    let all = |is: &Test| match shape {
        Shape::List => raw.split(',').all(|value| is(value.trim())),
        _ => is(raw.trim()),
    };
    if all(declared) {
        return type_name;
    }
    match TYPES.iter().find(|(_, is)| all(is)) {
        Some((name, _)) => Cow::Borrowed(name),
        None => type_name,
    }
}

fn values(shape: Shape, syntax: Syntax, raw: &str) -> Vec<Value<'_>> {
    match shape {
        Shape::Single => vec![value(syntax, raw)],
        Shape::List if syntax == Syntax::Text => text::split(raw, ',')
            .map(|piece| value(syntax, piece))
            .collect(),
        Shape::List => raw.split(',').map(|piece| value(syntax, piece)).collect(),
        Shape::Place => vec![place(syntax, raw)],
        Shape::Status => vec![status(raw)],
    }
}

fn value(syntax: Syntax, raw: &str) -> Value<'_> {
    // White space means nothing but in texts, and in what is not known.
    let raw = match syntax {
        Syntax::Text | Syntax::Same => raw,
        _ => raw.trim(),
    };
    match syntax {
        Syntax::Boolean => match basic(syntax, raw) {
            truth if truth == "TRUE" => Value::Boolean(true),
            truth if truth == "FALSE" => Value::Boolean(false),
            other => Value::Text(other),
        },
        Syntax::Integer | Syntax::Float => match Number::parse(raw) {
            Some(number) if syntax == Syntax::Integer => Value::Number(raw, number.whole()),
            Some(number) => Value::Number(raw, number),
            None => Value::Text(Cow::Borrowed(raw)),
        },
        Syntax::Period => match raw.split_once('/') {
            Some((start, end)) => Value::Period {
                start: extended_moment(start.trim()),
                end: extended_moment(end.trim()),
                ends_by_duration: is_duration(end.trim()),
            },
            None => Value::Text(extended_moment(raw)),
        },
        Syntax::Recur => match parts(raw) {
            Some(parts) => Value::Recur(parts),
            None => Value::Text(Cow::Borrowed(raw)),
        },
        _ => Value::Text(extended(syntax, raw)),
    }
}

/// RFC 7265 §3.4.1.1, RFC 6321 §3.4.1.2.
fn place(syntax: Syntax, raw: &str) -> Value<'_> {
    let halves = raw
        .split_once(';')
        .map(|(latitude, longitude)| (value(syntax, latitude), value(syntax, longitude)));
    match halves {
        Some((latitude @ Value::Number(..), longitude @ Value::Number(..))) => {
            Value::Place(Box::new([latitude, longitude]))
        }
        _ => value(syntax, raw),
    }
}

/// RFC 7265 §3.4.1.2, RFC 6321 §3.4.1.3. Semicolons beyond the second belong to the data.
fn status(raw: &str) -> Value<'_> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for piece in text::split(raw, ';').take(2) {
        pieces.push(text::unescape(piece));
        start += piece.len() + 1;
    }
    if let Some(data) = raw.get(start..) {
        pieces.push(text::unescape(data));
    }
    Value::Status(pieces)
}

/// The parts of a rule (RFC 5545 §3.3.10); `None` where a part would be lost or mistaken.
fn parts(raw: &str) -> Option<Vec<RulePart<'_>>> {
    let mut parts = Vec::new();
    let mut seen = BTreeSet::new();
    for part in raw.split(';').filter(|part| !part.is_empty()) {
        let (name, list) = part.split_once('=')?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        let has_gap = list.split(',').any(|value| value.trim().is_empty());
        if !is_name || has_gap || !seen.insert(name.to_ascii_lowercase()) {
            return None;
        }
        let until = name.eq_ignore_ascii_case("UNTIL");
        let values = list.split(',').map(str::trim).map(|value| match until {
            true => extended_moment(value),
            false => Cow::Borrowed(value),
        });
        parts.push((name, values.collect()));
    }
    (!parts.is_empty()).then_some(parts)
}

/// The parameters other than VALUE. What is given twice is one with both values, or with one value that says
/// both where it is no list.
fn parameters(property: &Property) -> Vec<TypedParameter<'_>> {
    let mut found: Vec<TypedParameter<'_>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for parameter in property.parameters() {
        let upper = parameter.name().to_ascii_uppercase();
        if upper == "VALUE" {
            continue;
        }
        let definition = parameter_definition(&upper);
        let mut values: Vec<_> = match definition {
            Some((_, false)) => vec![parameter.value()],
            _ => parameter.values().collect(),
        };
        let name = upper.to_ascii_lowercase();
        match places.get(&name) {
            Some(place) => {
                let before = &mut found[*place].values;
                before.append(&mut values);
                if definition.is_some_and(|(_, is_list)| !is_list) {
                    *before = vec![Cow::Owned(before.join(","))];
                }
            }
            None => {
                places.insert(name.clone(), found.len());
                found.push(TypedParameter {
                    name,
                    type_name: definition.map_or(UNKNOWN, |(type_name, _)| type_name),
                    values,
                });
            }
        }
    }
    found
}
