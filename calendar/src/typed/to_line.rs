//! A content line from typed values.

use std::borrow::Cow;

use super::{
    Shape, Syntax,
    definition::{self, UNKNOWN, definition},
    scalar::basic,
};
use crate::{
    object::{Property, is_name},
    text,
};

/// A content line being written: name, parameters, type, values, in this order.
#[derive(Debug)]
pub(crate) struct LineBuilder {
    /// In upper case.
    name: String,
    /// With the `;` before each.
    parameters: String,
    /// How many values the parameter has that is being written; `None` for VALUE, which follows from the type.
    parameter: Option<usize>,
    is_encoded: bool,
    /// In lower case.
    type_name: String,
    syntax: Syntax,
    value: String,
    values: usize,
}

impl LineBuilder {
    /// With the name of a property, in any case.
    pub fn new(name: &str) -> Result<LineBuilder, String> {
        let upper = name.to_ascii_uppercase();
        // A line of this name would open or close a component.
        if !is_name(name.as_bytes()) || upper == "BEGIN" || upper == "END" {
            return Err(format!("{} is no name of a property", shown(name)));
        }
        Ok(LineBuilder {
            name: upper,
            parameters: String::new(),
            parameter: None,
            is_encoded: false,
            type_name: UNKNOWN.to_owned(),
            syntax: Syntax::Same,
            value: String::new(),
            values: 0,
        })
    }

    /// The name in upper case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The octets that it has so far, about.
    pub fn octets(&self) -> usize {
        self.name.len() + self.parameters.len() + self.value.len()
    }

    /// Whether its values are whole numbers.
    pub fn is_integer(&self) -> bool {
        self.type_name == "integer"
    }

    /// Begins a parameter; its values follow.
    pub fn parameter(&mut self, name: &str) -> Result<(), String> {
        if !is_name(name.as_bytes()) {
            return Err(format!("{} is no name of a parameter", shown(name)));
        }
        let upper = name.to_ascii_uppercase();
        self.parameter = None;
        if upper != "VALUE" {
            self.is_encoded |= upper == "ENCODING";
            self.parameters.push(';');
            self.parameters.push_str(&upper);
            self.parameters.push('=');
            self.parameter = Some(0);
        }
        Ok(())
    }

    /// A value of the parameter.
    pub fn parameter_value(&mut self, value: &str) {
        let Some(values) = &mut self.parameter else {
            return;
        };
        if *values > 0 {
            self.parameters.push(',');
        }
        *values += 1;
        self.parameters.push_str(&text::encode_parameter(value));
    }

    /// The type of the values, in any case.
    pub fn set_type(&mut self, type_name: &str) -> Result<(), String> {
        if !is_name(type_name.as_bytes()) {
            return Err(format!("{} is no type of a value", shown(type_name)));
        }
        self.type_name = type_name.to_ascii_lowercase();
        self.syntax = Syntax::of(&self.type_name);
        Ok(())
    }

    /// The form of the values.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Begins the next value; its text follows.
    pub fn begin_value(&mut self) {
        if self.values > 0 {
            self.value.push(',');
        }
        self.values += 1;
    }

    /// A value, or a piece of one, in the form of its type.
    pub fn push(&mut self, text: &str) {
        self.push_as(self.syntax, text);
    }

    /// The same in the form of another type.
    pub fn push_as(&mut self, syntax: Syntax, text: &str) {
        self.value.push_str(&basic(syntax, text));
    }

    /// What stands in a value as it is.
    pub fn push_raw(&mut self, raw: &str) {
        self.value.push_str(raw);
    }

    /// A rule from its parts with their values.
    pub fn push_rule(&mut self, mut parts: Vec<(String, Vec<String>)>) -> Result<(), String> {
        // Readers of RFC 2445 want FREQ first, as RFC 5545 §3.3.10 says.
        if let Some(frequency) = parts
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case("FREQ"))
        {
            parts[..=frequency].rotate_right(1);
        }
        for (index, (name, values)) in parts.iter().enumerate() {
            if !is_name(name.as_bytes()) || values.is_empty() {
                return Err(format!("{} is no part of a rule", shown(name)));
            }
            let upper = name.to_ascii_uppercase();
            let syntax = match upper.as_str() {
                "UNTIL" => Syntax::Date,
                _ => Syntax::Same,
            };
            self.value.push_str(if index == 0 { "" } else { ";" });
            self.value.push_str(&upper);
            for (index, value) in values.iter().enumerate() {
                if value.is_empty() || value.contains([';', ',', '\n']) {
                    return Err(format!("{} cannot stand in a rule", shown(value)));
                }
                self.value.push(if index == 0 { '=' } else { ',' });
                self.push_as(syntax, value);
            }
        }
        Ok(())
    }

    /// The property. VALUE is said where the type is not the property's own (RFC 7265 §5.2, RFC 6321
    /// §3.5.1).
    pub fn finish(self) -> Result<Property, String> {
        if self.values == 0 {
            return Err(format!("{} has no value", self.name));
        }
        let definition = definition(&self.name);
        let shape = definition::shape(definition, &self.type_name);
        if self.values > 1 && matches!(shape, Shape::Place | Shape::Status) {
            return Err(format!("{} has one value", self.name));
        }
        let mut content = self.name;
        content.push_str(&self.parameters);
        if self.syntax == Syntax::Binary && !self.is_encoded {
            content.push_str(";ENCODING=BASE64");
        }
        // With an encoding, a URI that does not say so would be read as BINARY.
        let is_default = definition.default_type == Some(&*self.type_name)
            && !(self.is_encoded && self.type_name == "uri");
        if self.type_name != UNKNOWN && !is_default {
            content.push_str(";VALUE=");
            content.push_str(&self.type_name.to_ascii_uppercase());
        }
        content.push(':');
        content.push_str(&self.value);
        Property::from_content_line(content).map_err(|error| error.to_string())
    }
}

/// A text for a message, cut.
fn shown(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 80;
    Cow::Owned(format!(
        "{:?}",
        text.chars().take(SHOWN).collect::<String>()
    ))
}
