//! XML as tokens, read strictly and within bounds.
//!
//! What quick-xml lets pass and we do not: document types, entities other than the five, undeclared
//! prefixes, repeated attributes, characters and names that XML does not have, a second root, an unclosed
//! root, more depth and attributes than anybody writes.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::NAMESPACE;

/// Elements within elements at the most.
const MAXIMUM_DEPTH: usize = 128;
/// Attributes and namespace declarations on one element at the most.
const MAXIMUM_ATTRIBUTES: usize = 64;

/// What comes next.
#[derive(Debug)]
pub(super) enum Token<'x> {
    /// The beginning of an element of xCal's namespace, with its local name.
    Start(String),
    /// The beginning of another element.
    Foreign,
    /// The end of an element.
    End,
    /// Text, or a piece of it.
    Text(Cow<'x, str>),
    /// The end of the document.
    Nothing,
}

/// A document being read.
pub(super) struct Tokens<'x> {
    source: &'x str,
    reader: Reader<&'x [u8]>,
    /// Bindings in scope: prefix and namespace, innermost last.
    scope: Vec<(String, String)>,
    /// How many bindings were in scope outside of each open element.
    open: Vec<usize>,
    has_root: bool,
    /// Where the latest token begins.
    begins: usize,
    /// The least number of bindings that a name without a prefix needed since somebody set this.
    plain_name_needs: usize,
}

impl<'x> Tokens<'x> {
    pub fn of(source: &'x str) -> Result<Tokens<'x>, String> {
        if let Some(character) = source.chars().find(|character| !is_character(*character)) {
            let code = u32::from(character);
            return Err(format!("the character U+{code:04X} is not allowed"));
        }
        let mut reader = Reader::from_str(source);
        reader.config_mut().expand_empty_elements = true;
        Ok(Tokens {
            source,
            reader,
            scope: vec![("xml".into(), "http://www.w3.org/XML/1998/namespace".into())],
            open: Vec::new(),
            has_root: false,
            begins: 0,
            plain_name_needs: usize::MAX,
        })
    }

    /// The line where the latest token begins.
    pub fn line(&self) -> usize {
        let before = self.source.as_bytes().get(..self.position());
        1 + before.map_or(0, |before| {
            before.iter().filter(|octet| **octet == b'\n').count()
        })
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub fn next(&mut self) -> Result<Token<'x>, String> {
        loop {
            self.begins = self.position();
            let event = self
                .reader
                .read_event()
                .map_err(|error| error.to_string())?;
            return match event {
                Event::Start(start) | Event::Empty(start) => self.start(&start),
                Event::End(_) => {
                    if let Some(bindings) = self.open.pop() {
                        self.scope.truncate(bindings);
                    }
                    Ok(Token::End)
                }
                Event::Text(text) => {
                    let text = text.xml10_content();
                    if text.contains("]]>") {
                        return Err("]]> stands in text".into());
                    }
                    self.text(text)
                }
                Event::CData(data) => self.text(data.xml10_content()),
                Event::GeneralRef(reference) => {
                    let resolved = resolve(&reference)?;
                    self.text(Cow::Owned(resolved.to_string()))
                }
                Event::DocType(_) => Err("a document type declaration is not accepted".into()),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose();
                    let encoding = encoding.map_err(|error| error.to_string())?;
                    let is_utf8 = encoding.is_none_or(|encoding| {
                        ["utf-8", "utf8", "us-ascii"]
                            .iter()
                            .any(|known| encoding.eq_ignore_ascii_case(known))
                    });
                    match is_utf8 {
                        true => continue,
                        false => Err("the encoding is not UTF-8".into()),
                    }
                }
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Eof if self.open.is_empty() && self.has_root => Ok(Token::Nothing),
                Event::Eof => Err("the document ends too early".into()),
            };
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<Token<'x>, String> {
        if self.open.is_empty() && self.has_root {
            return Err("there is a second root".into());
        }
        if self.open.len() >= MAXIMUM_DEPTH {
            return Err("the elements are nested too deep".into());
        }
        self.has_root = true;
        self.open.push(self.scope.len());
        let names = self.declare(start)?;
        let name = start.name();
        let (prefix, local) = split_name(name.as_ref())?;
        let (bindings, namespace) = self.resolve(prefix)?;
        let token = match namespace == NAMESPACE {
            true => Token::Start(local.to_owned()),
            false => Token::Foreign,
        };
        if prefix.is_empty() {
            self.plain_name_needs = self.plain_name_needs.min(bindings);
        }
        self.check_attributes(&names)?;
        Ok(token)
    }

    /// Takes the declarations among the attributes into scope; gives the names of the others.
    fn declare(&mut self, start: &BytesStart<'_>) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        let mut others = Vec::new();
        let mut attributes = start.attributes();
        // The iterator's own check is quadratic without a bound.
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name: &str = attribute.key.as_ref();
            if names.len() >= MAXIMUM_ATTRIBUTES {
                return Err("an element has too many attributes".into());
            }
            if names.iter().any(|other| other == name) {
                return Err(format!("the attribute {name:?} is repeated"));
            }
            names.push(name.to_owned());
            let value = attribute_value(&attribute.value)?;
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => &rest[1..],
                _ => {
                    others.push(name.to_owned());
                    continue;
                }
            };
            let is_reserved = matches!(prefix, "xml" | "xmlns") || value.starts_with(RESERVED);
            if is_reserved || (!prefix.is_empty() && (value.is_empty() || !is_name(prefix))) {
                return Err("a namespace is declared that cannot be".into());
            }
            self.scope.push((prefix.to_owned(), value));
        }
        Ok(others)
    }

    /// Names in Namespaces in XML §6.3: known prefixes, and none twice.
    fn check_attributes(&self, names: &[String]) -> Result<(), String> {
        let mut expanded = Vec::new();
        for name in names {
            let (prefix, local) = split_name(name)?;
            let namespace = match prefix {
                "" => "",
                prefix => self.resolve(prefix)?.1,
            };
            if expanded.contains(&(namespace, local)) {
                return Err(format!("the attribute {name:?} is repeated"));
            }
            expanded.push((namespace, local));
        }
        Ok(())
    }

    /// The number of bindings up to the one that counts, and its namespace.
    fn resolve(&self, prefix: &str) -> Result<(usize, &str), String> {
        let found = self.scope.iter().rposition(|(bound, _)| bound == prefix);
        match found {
            Some(index) => Ok((index + 1, &self.scope[index].1)),
            None if prefix.is_empty() => Ok((0, "")),
            None => Err(format!("the prefix {prefix:?} is not declared")),
        }
    }

    fn text(&self, text: Cow<'x, str>) -> Result<Token<'x>, String> {
        match self.open.is_empty() && !is_space(&text) {
            true => Err("there is text outside of the root".into()),
            false => Ok(Token::Text(text)),
        }
    }

    /// Passes over what is left of an element that has begun.
    pub fn skip(&mut self) -> Result<(), String> {
        let outside = self.open.len() - 1;
        while self.open.len() > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The rest of a foreign element that has just begun, as it stands, with the declarations that it
    /// needs from outside.
    pub fn take_foreign(&mut self) -> Result<String, String> {
        let begins = self.begins;
        let outside = self.open.last().copied().unwrap_or_default();
        let bindings = self.scope.clone();
        self.plain_name_needs = match root_prefix(&self.source[begins..]) {
            "" => self.resolve("")?.0,
            _ => usize::MAX,
        };
        self.skip()?;
        let element = &self.source[begins..self.position()];
        let own = &bindings[outside..];
        let mut missing: Vec<&(String, String)> = Vec::new();
        for binding @ (prefix, _) in bindings[1..outside].iter().rev() {
            let is_needed = match prefix.as_str() {
                "" => self.plain_name_needs <= outside,
                prefix => element.contains(&format!("{prefix}:")),
            };
            let is_known = own.iter().any(|(own, _)| own == prefix)
                || missing.iter().any(|(seen, _)| seen == prefix);
            if is_needed && !is_known {
                missing.push(binding);
            }
        }
        let (name, rest) = element.split_at(name_end(element));
        let mut taken = name.to_owned();
        for (prefix, namespace) in missing {
            let colon = if prefix.is_empty() { "" } else { ":" };
            taken.extend([" xmlns", colon, prefix, "=\"", &escape(namespace), "\""]);
        }
        taken.push_str(rest);
        Ok(taken.replace("\r\n", "\n").replace('\r', "\n"))
    }
}

const RESERVED: &str = "http://www.w3.org/XML/1998/namespace";

fn escape(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// A text that is one element outside of xCal's namespace and means the same within a document of it.
pub(super) fn foreign_element(text: &str) -> Option<&str> {
    let text = text.trim_matches(is_space_character);
    // Comments and instructions outside of it would not come back.
    if !text.starts_with('<') || text.starts_with("<!") || text.starts_with("<?") {
        return None;
    }
    let mut tokens = Tokens::of(text).ok()?;
    let first = tokens.next().ok()?;
    if !matches!(first, Token::Foreign) {
        return None;
    }
    let (_, namespace) = tokens.resolve(root_prefix(text)).ok()?;
    if namespace.is_empty() {
        return None;
    }
    tokens.skip().ok()?;
    let ends = tokens.position() == text.len();
    // A name without a prefix and without a namespace would fall into xCal's.
    let is_whole = tokens.plain_name_needs > 1;
    (ends && is_whole).then_some(text)
}

/// Where the name in an element's first tag ends.
fn name_end(element: &str) -> usize {
    element
        .find(|character: char| character.is_ascii_whitespace() || "/>".contains(character))
        .unwrap_or(element.len())
}

fn root_prefix(element: &str) -> &str {
    element[1..name_end(element)]
        .split_once(':')
        .map_or("", |(prefix, _)| prefix)
}

/// White space of XML.
pub(super) fn is_space(text: &str) -> bool {
    text.chars().all(is_space_character)
}

fn is_space_character(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

fn split_name(name: &str) -> Result<(&str, &str), String> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if !is_name(local) || !(prefix.is_empty() || is_name(prefix)) || name.starts_with(':') {
        return Err(format!("{name:?} is not a name"));
    }
    Ok((prefix, local))
}

/// Names in XML 1.0 §2.3 without the colon. Beyond ASCII, letters and digits as Unicode has them now.
fn is_name(text: &str) -> bool {
    let begins = |character: char| character.is_alphabetic() || character == '_';
    let goes_on = |character: char| {
        begins(character) || character.is_alphanumeric() || "-.\u{B7}".contains(character)
    };
    let mut characters = text.chars();
    characters.next().is_some_and(begins) && characters.all(goes_on)
}

/// XML 1.0 §2.2
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// One of the five entities, or the number of a character.
fn resolve(reference: &str) -> Result<char, String> {
    match reference {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let named = BytesRef::new(reference).resolve_char_ref();
    match named.map(|named| named.filter(|character| is_character(*character))) {
        Ok(Some(character)) => Ok(character),
        _ if reference.starts_with('#') => Err("a character reference names no character".into()),
        _ => Err("an entity reference is not accepted".into()),
    }
}

fn attribute_value(raw: &str) -> Result<String, String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<']) {
        value.push_str(&rest[..at]);
        let reference = rest[at..]
            .strip_prefix('&')
            .ok_or("< stands in an attribute")?;
        let (reference, after) = reference.split_once(';').ok_or("a reference has no end")?;
        value.push(resolve(reference)?);
        rest = after;
    }
    value.push_str(rest);
    Ok(value)
}
