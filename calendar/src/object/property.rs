//! One content line that is a property (RFC 5545 §3.1).

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memchr2;

use super::{
    EditError,
    error::ParseFault,
    fold::{LineEnd, fold_onto, length_without_end, unfold},
    parameter::{Parameter, parameters},
};
use crate::text;

/// A property: its octets as they were read until somebody edits it.
///
/// Two properties are equal when their unfolded contents are.
#[derive(Clone, Debug)]
pub struct Property {
    /// The octets with folds and line end.
    line: Bytes,
    /// Where these differ from a plain slice of `line`.
    rewritten: Option<Box<Rewritten>>,
    /// Octets of `line` that are the content, where it is not folded.
    content_length: u32,
    /// Octets of the name.
    name_length: u32,
    /// Where the value begins in the unfolded content.
    value_start: u32,
    /// The physical line, 0 where it was never read.
    line_number: u32,
}

#[derive(Clone, Debug, Default)]
struct Rewritten {
    /// The unfolded content, where it was folded.
    content: Option<Box<str>>,
    /// The name in upper case, where it was not.
    name: Option<Box<str>>,
}

/// Names of properties, parameters and components. RFC 5545 §3.1 knows letters, digits and `-`;
/// `_`, `.` and `/` occur in the wild and do no harm.
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|octet| NAME_OCTETS[usize::from(*octet)] != 0)
}

/// What an octet is in a name: [`PLAIN`], [`LOWER_CASE`], or 0 where it cannot stand in one.
static NAME_OCTETS: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < table.len() {
        table[octet] = match octet as u8 {
            b'a'..=b'z' => LOWER_CASE,
            b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => PLAIN,
            _ => 0,
        };
        octet += 1;
    }
    table
};
const PLAIN: u8 = 1;
const LOWER_CASE: u8 = 2;

/// The first character that a content line cannot carry.
pub(crate) fn forbidden_character(content: &str) -> Option<u32> {
    content
        .chars()
        .map(u32::from)
        .find(|code| matches!(code, 0..=8 | 10..=31 | 0xFFFE | 0xFFFF))
}

/// The parts of a content line.
#[derive(Debug)]
struct Places {
    /// Where the name ends.
    name_length: usize,
    /// Where the value begins.
    value_start: usize,
    /// The name is not in upper case.
    has_lower_case: bool,
}

fn split_content(content: &[u8]) -> Result<Places, ParseFault> {
    let mut seen = 0;
    let name_length = content
        .iter()
        .position(|octet| {
            let kind = NAME_OCTETS[usize::from(*octet)];
            seen |= kind;
            kind == 0
        })
        .ok_or(ParseFault::NoColon)?;
    let after_name = name_length + 1;
    let value_start = match content[name_length] {
        b':' if name_length > 0 => after_name,
        b';' if name_length > 0 => after_name + skip_parameters(&content[after_name..])?,
        _ if memchr2(b':', b';', content).is_none() => return Err(ParseFault::NoColon),
        _ => return Err(ParseFault::BadName),
    };
    Ok(Places {
        name_length,
        value_start,
        has_lower_case: seen & LOWER_CASE != 0,
    })
}

/// The length of `NAME=VALUE;NAME=VALUE:`, checked for its form.
fn skip_parameters(content: &[u8]) -> Result<usize, ParseFault> {
    let mut quoted = false;
    let mut named = false;
    let mut start = 0;
    for (index, octet) in content.iter().enumerate() {
        match octet {
            b'"' => quoted = !quoted,
            b'=' if !named => {
                if !is_name(content[start..index].trim_ascii()) {
                    return Err(ParseFault::BadParameter);
                }
                named = true;
            }
            b';' | b':' if !quoted => {
                if !named && start != index {
                    return Err(ParseFault::BadParameter);
                }
                if *octet == b':' {
                    return Ok(index + 1);
                }
                named = false;
                start = index + 1;
            }
            _ => {}
        }
    }
    Err(if quoted {
        ParseFault::UnclosedQuote
    } else {
        ParseFault::NoColon
    })
}

impl Property {
    /// From a content line with its folds and end. The caller has checked its characters where the
    /// line is not folded; `known_utf8` says that its octets are UTF-8 as they stand.
    pub(super) fn read(
        line: Bytes,
        folded: bool,
        known_utf8: bool,
        line_number: usize,
    ) -> Result<Property, ParseFault> {
        let mut rewritten = None;
        let content_length = length_without_end(&line);
        let places = if folded {
            let content = String::from_utf8(unfold(&line)).map_err(|_| ParseFault::NotUtf8)?;
            if let Some(code) = forbidden_character(&content).filter(|_| !known_utf8) {
                return Err(ParseFault::ForbiddenCharacter(code));
            }
            let places = split_content(content.as_bytes())?;
            rewritten = Some(Box::new(Rewritten {
                content: Some(content.into()),
                name: None,
            }));
            places
        } else {
            if !known_utf8 && std::str::from_utf8(&line[..content_length]).is_err() {
                return Err(ParseFault::NotUtf8);
            }
            split_content(&line[..content_length])?
        };
        let mut property = Property {
            line,
            rewritten,
            content_length: content_length as u32,
            name_length: places.name_length as u32,
            value_start: places.value_start as u32,
            line_number: u32::try_from(line_number).unwrap_or(u32::MAX),
        };
        if places.has_lower_case {
            let upper = property.written_name().to_ascii_uppercase();
            property.rewritten.get_or_insert_default().name = Some(upper.into());
        }
        Ok(property)
    }

    /// A new property with a value that is already in its iCalendar form.
    ///
    /// # Errors
    /// The name is none, or the value contains a line break or another control character.
    pub fn new(name: &str, raw_value: &str) -> Result<Property, EditError> {
        if !is_name(name.as_bytes())
            || name.eq_ignore_ascii_case("BEGIN")
            || name.eq_ignore_ascii_case("END")
        {
            return Err(EditError::BadName(name.to_owned()));
        }
        Property::from_content(format!("{name}:{raw_value}"), LineEnd::CrLf)
    }

    /// A new property with a TEXT value, which is escaped here.
    ///
    /// # Errors
    /// The name is none, or the text contains a control character other than a line break or tab.
    pub fn with_text(name: &str, text: &str) -> Result<Property, EditError> {
        Property::new(name, &text::escape(text))
    }

    /// The same with a parameter more, for building.
    ///
    /// # Errors
    /// As [`Property::set_parameter`].
    pub fn with_parameter(mut self, name: &str, value: &str) -> Result<Property, EditError> {
        self.set_parameter(name, value)?;
        Ok(self)
    }

    /// A new property from an unfolded content line whose name and parameters are well formed.
    ///
    /// # Errors
    /// The line contains a line break or another control character.
    pub(crate) fn from_content_line(content: String) -> Result<Property, EditError> {
        Property::from_content(content, LineEnd::CrLf)
    }

    /// From an unfolded content that is well formed, unless a value in it has a forbidden character.
    fn from_content(content: String, end: LineEnd) -> Result<Property, EditError> {
        if let Some(code) = forbidden_character(&content) {
            return Err(EditError::ForbiddenCharacter(code));
        }
        let mut line = Vec::with_capacity(content.len() + content.len() / 25 + 2);
        fold_onto(&mut line, &content, end);
        let folded = line.len() > content.len() + end.as_str().len();
        Property::read(Bytes::from(line), folded, true, 0).map_err(|_| EditError::BadName(content))
    }

    /// The unfolded content: name, parameters and value.
    pub fn content(&self) -> &str {
        match self
            .rewritten
            .as_ref()
            .and_then(|rewritten| rewritten.content.as_deref())
        {
            Some(content) => content,
            None => std::str::from_utf8(&self.line[..self.content_length as usize])
                .expect("checked when the line was read"),
        }
    }

    fn content_octets(&self) -> &[u8] {
        match self
            .rewritten
            .as_ref()
            .and_then(|rewritten| rewritten.content.as_deref())
        {
            Some(content) => content.as_bytes(),
            None => &self.line[..self.content_length as usize],
        }
    }

    fn written_name(&self) -> &str {
        std::str::from_utf8(self.written_name_octets()).expect("names are ASCII")
    }

    fn written_name_octets(&self) -> &[u8] {
        &self.content_octets()[..self.name_length as usize]
    }

    /// The name in upper case.
    pub fn name(&self) -> &str {
        match self
            .rewritten
            .as_ref()
            .and_then(|rewritten| rewritten.name.as_deref())
        {
            Some(name) => name,
            None => self.written_name(),
        }
    }

    /// The name in upper case, for comparing it with many.
    pub(super) fn name_octets(&self) -> &[u8] {
        let rewritten = self.rewritten.as_ref();
        match rewritten.and_then(|rewritten| rewritten.name.as_deref()) {
            Some(name) => name.as_bytes(),
            None => self.written_name_octets(),
        }
    }

    /// Whether it has this name, in any case.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name_length as usize == name.len() && self.has_name_of_this_length(name)
    }

    fn has_name_of_this_length(&self, name: &str) -> bool {
        self.written_name_octets()
            .eq_ignore_ascii_case(name.as_bytes())
    }

    /// Another property in the place of this one, with its line end.
    pub fn replaced_by(&self, other: &Property) -> Property {
        let mut other = other.clone();
        other.end_with(LineEnd::of(&self.line));
        other
    }

    /// The value as it stands, unfolded and still escaped.
    pub fn raw_value(&self) -> &str {
        std::str::from_utf8(&self.content_octets()[self.value_start as usize..])
            .expect("checked when the line was read")
    }

    /// The value as TEXT, unescaped (RFC 5545 §3.3.11).
    pub fn text(&self) -> Cow<'_, str> {
        text::unescape(self.raw_value())
    }

    /// The values of a list of TEXT (CATEGORIES, RESOURCES), each unescaped.
    pub fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        text::split(self.raw_value(), ',').map(text::unescape)
    }

    /// The parameters with the `;` before them and without the `:` after them; empty if none.
    fn raw_parameters(&self) -> &str {
        let octets =
            &self.content_octets()[self.name_length as usize..self.value_start as usize - 1];
        std::str::from_utf8(octets).expect("checked when the line was read")
    }

    /// All parameters in their order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        parameters(self.raw_parameters())
    }

    /// Whether there is a parameter at all.
    pub(super) fn has_parameters(&self) -> bool {
        self.has_room_for_parameters() && self.parameters().next().is_some()
    }

    /// Something stands between the name and the colon.
    fn has_room_for_parameters(&self) -> bool {
        self.value_start > self.name_length + 1
    }

    /// The first parameter of this name (in any case) as one text: unquoted, RFC 6868 decoded.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        if !self.has_room_for_parameters() {
            return None;
        }
        self.parameters()
            .find(|parameter| parameter.name().eq_ignore_ascii_case(name))
            .map(|parameter| parameter.value())
    }

    /// The values of a parameter that is a list, each unquoted and decoded; empty if there is none.
    pub fn parameter_values(&self, name: &str) -> Vec<Cow<'_, str>> {
        self.parameters()
            .filter(|parameter| parameter.name().eq_ignore_ascii_case(name))
            .flat_map(|parameter| parameter.values().collect::<Vec<_>>())
            .collect()
    }

    /// The physical line where it was read, from 1; 0 for one made or changed here.
    pub fn line_number(&self) -> usize {
        self.line_number as usize
    }

    /// The octets as they are printed, with folds and line end.
    pub fn octets(&self) -> &Bytes {
        &self.line
    }

    pub(super) fn into_octets(self) -> Bytes {
        self.line
    }

    /// Replaces the value by one that is already in its iCalendar form; parameters stay.
    ///
    /// # Errors
    /// The value contains a line break or another control character.
    pub fn set_raw_value(&mut self, raw_value: &str) -> Result<(), EditError> {
        if raw_value == self.raw_value() {
            return Ok(());
        }
        self.rewrite(format!(
            "{}{}:{raw_value}",
            self.written_name(),
            self.raw_parameters()
        ))
    }

    /// Replaces the value by a text, which is escaped here; parameters stay.
    ///
    /// # Errors
    /// The text contains a control character other than a line break or tab.
    pub fn set_text(&mut self, text: &str) -> Result<(), EditError> {
        self.set_raw_value(&text::escape(text))
    }

    /// Sets a parameter, in the place of the first of this name or at the end; encoded and quoted as needed.
    ///
    /// # Errors
    /// The name is none, or the value contains a control character other than a line break or tab.
    pub fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), EditError> {
        self.set_encoded_parameter(name, &text::encode_parameter(value))
    }

    /// Sets a parameter that is a list, each value in quotes (MEMBER, DELEGATED-TO, DELEGATED-FROM).
    ///
    /// # Errors
    /// As [`Property::set_parameter`].
    pub fn set_parameter_values(&mut self, name: &str, values: &[&str]) -> Result<(), EditError> {
        let quoted =
            |value: &&str| format!("\"{}\"", text::encode_parameter(value).trim_matches('"'));
        self.set_encoded_parameter(
            name,
            &values.iter().map(quoted).collect::<Vec<_>>().join(","),
        )
    }

    fn set_encoded_parameter(&mut self, name: &str, encoded: &str) -> Result<(), EditError> {
        if !is_name(name.as_bytes()) {
            return Err(EditError::BadName(name.to_owned()));
        }
        let mut content = self.written_name().to_owned();
        let mut set = false;
        for parameter in self.parameters() {
            if !parameter.name().eq_ignore_ascii_case(name) {
                content.extend([";", parameter.name(), "=", parameter.raw_value()]);
            } else if !set {
                set = true;
                content.extend([";", parameter.name(), "=", encoded]);
            }
        }
        if !set {
            content.extend([";", name, "=", encoded]);
        }
        content.extend([":", self.raw_value()]);
        self.rewrite(content)
    }

    /// Removes all parameters of this name; says whether there was one.
    pub fn remove_parameter(&mut self, name: &str) -> bool {
        if self.parameter(name).is_none() {
            return false;
        }
        let mut content = self.written_name().to_owned();
        for parameter in self
            .parameters()
            .filter(|parameter| !parameter.name().eq_ignore_ascii_case(name))
        {
            content.extend([";", parameter.name(), "=", parameter.raw_value()]);
        }
        content.extend([":", self.raw_value()]);
        self.rewrite(content)
            .expect("nothing was added to a valid line");
        true
    }

    fn rewrite(&mut self, content: String) -> Result<(), EditError> {
        if content != self.content() {
            *self = Property::from_content(content, LineEnd::of(&self.line))?;
        }
        Ok(())
    }

    /// Prints it with this line end from now on.
    pub(super) fn end_with(&mut self, end: LineEnd) {
        if LineEnd::of(&self.line) != end || !self.line.ends_with(b"\n") {
            self.fold_again(end);
        }
    }

    /// Prints it anew; the content is the same.
    fn fold_again(&mut self, end: LineEnd) {
        let line_number = self.line_number;
        *self = Property::from_content(self.content().to_owned(), end)
            .expect("the content was valid before");
        self.line_number = line_number;
    }

    /// Mends folds within a UTF-8 character, which some clients make; says whether there were any.
    pub(super) fn mend_folds(&mut self) -> bool {
        let broken = std::str::from_utf8(&self.line).is_err();
        if broken {
            self.fold_again(LineEnd::of(&self.line));
        }
        broken
    }
}

impl PartialEq for Property {
    fn eq(&self, other: &Property) -> bool {
        self.content_octets() == other.content_octets()
    }
}

impl Eq for Property {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where the name ends, by a search for what ends it.
    fn name_of(content: &str) -> Result<&str, ParseFault> {
        let end = content.find([':', ';']).ok_or(ParseFault::NoColon)?;
        let name = &content[..end];
        let is_name =
            |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
        match !name.is_empty() && name.chars().all(is_name) {
            true => Ok(name),
            false => Err(ParseFault::BadName),
        }
    }

    proptest! {
        #[test]
        fn names_are_told_from_what_follows(content in "[A-Za-c09._/ ä=-]{0,6}[:; ]?[:A-Z]{0,3}") {
            let places = split_content(content.as_bytes());
            match name_of(&content) {
                Ok(name) if content[name.len()..].starts_with(':') => {
                    let places = places.unwrap();
                    prop_assert_eq!(places.name_length, name.len());
                    prop_assert_eq!(places.value_start, name.len() + 1);
                    prop_assert_eq!(places.has_lower_case, name != name.to_ascii_uppercase());
                }
                // what becomes of parameters is shown by the tables of streams
                Ok(_) => {}
                Err(fault) => prop_assert_eq!(places.err(), Some(fault)),
            }
        }
    }
}
