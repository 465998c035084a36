//! An XML document as an arena of elements, read strictly and within bounds.
//!
//! What quick-xml lets pass and we do not: DOCTYPE, entities other than the five, undeclared prefixes,
//! repeated attributes, characters and names that XML does not have, a second root, an unclosed root,
//! depth, number of elements and of attributes.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::name::{Name, XML_NAMESPACE};

/// Elements within elements at the most.
pub(crate) const MAXIMUM_DEPTH: usize = 64;
/// Elements in a document at the most.
pub(crate) const MAXIMUM_ELEMENTS: usize = 50_000;
/// Attributes and namespace declarations on one element at the most.
pub(crate) const MAXIMUM_ATTRIBUTES: usize = 64;

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    /// Not well-formed, or not namespace-well-formed.
    #[error("the XML is not well-formed: {0}")]
    Malformed(Cow<'static, str>),
    /// A document type declaration: nothing we speak has one (RFC 4918 §20.6).
    #[error("a document type declaration is not accepted")]
    DocumentType,
    /// An entity that would have to be declared.
    #[error("an entity reference is not accepted")]
    Entity,
    /// Larger or deeper than we read.
    #[error("the XML has too many {0}")]
    TooMuch(&'static str),
}

fn malformed(reason: impl Into<Cow<'static, str>>) -> XmlError {
    XmlError::Malformed(reason.into())
}

/// A document. Its root is element 0.
#[derive(Debug)]
pub(crate) struct Document {
    elements: Vec<ElementData>,
    namespaces: Vec<String>,
}

#[derive(Debug)]
struct ElementData {
    parent: Option<u32>,
    namespace: u32,
    prefix: Box<str>,
    local: Box<str>,
    attributes: Vec<AttributeData>,
    /// Prefix (empty: the default namespace) and namespace, as declared on this element.
    declarations: Vec<(Box<str>, u32)>,
    content: Vec<Content>,
}

#[derive(Debug)]
struct AttributeData {
    namespace: u32,
    prefix: Box<str>,
    local: Box<str>,
    value: Box<str>,
}

#[derive(Debug)]
enum Content {
    Element(u32),
    Text(String),
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'d> {
    document: &'d Document,
    index: u32,
}

/// An attribute of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'d> {
    /// The name; the namespace is empty unless the attribute has a prefix.
    pub name: Name<'d>,
    /// The prefix as written; empty for none.
    pub prefix: &'d str,
    /// The value, normalised.
    pub value: &'d str,
}

/// What an element holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'d> {
    /// An element.
    Element(Element<'d>),
    /// Character data.
    Text(&'d str),
}

impl Document {
    /// Reads a document from octets in UTF-8 or UTF-16.
    pub fn parse(octets: &[u8]) -> Result<Document, XmlError> {
        Document::parse_within(octets, MAXIMUM_ELEMENTS)
    }

    /// The same of at most so many elements, for what was asked for and is no request.
    pub fn parse_within(octets: &[u8], maximum_elements: usize) -> Result<Document, XmlError> {
        let text = decode(octets)?;
        if let Some(character) = text.chars().find(|character| !is_character(*character)) {
            return Err(malformed(format!(
                "the character U+{:04X} is not allowed",
                u32::from(character)
            )));
        }
        Builder::new(maximum_elements).read(&text)
    }

    /// The outermost element.
    pub fn root(&self) -> Element<'_> {
        Element {
            document: self,
            index: 0,
        }
    }
}

impl<'d> Element<'d> {
    fn data(self) -> &'d ElementData {
        &self.document.elements[self.index as usize]
    }

    /// Its expanded name.
    pub fn name(self) -> Name<'d> {
        let data = self.data();
        Name {
            namespace: &self.document.namespaces[data.namespace as usize],
            local: &data.local,
        }
    }

    /// Its prefix as written; empty for none.
    pub fn prefix(self) -> &'d str {
        &self.data().prefix
    }

    /// Whether it has this name.
    pub fn is(self, name: Name<'_>) -> bool {
        self.name() == name
    }

    /// Everything in it, in order.
    pub fn nodes(self) -> impl Iterator<Item = Node<'d>> {
        self.data()
            .content
            .iter()
            .map(move |content| match content {
                Content::Element(index) => Node::Element(Element {
                    document: self.document,
                    index: *index,
                }),
                Content::Text(text) => Node::Text(text),
            })
    }

    /// The elements directly in it.
    pub fn children(self) -> impl Iterator<Item = Element<'d>> {
        self.nodes().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first element of this name directly in it.
    pub fn child(self, name: Name<'_>) -> Option<Element<'d>> {
        self.children().find(|child| child.is(name))
    }

    /// The elements of this name directly in it.
    pub fn children_named(self, name: Name<'static>) -> impl Iterator<Item = Element<'d>> {
        self.children().filter(move |child| child.is(name))
    }

    /// The text directly in it.
    pub fn text(self) -> Cow<'d, str> {
        let mut pieces = self.nodes().filter_map(|node| match node {
            Node::Text(text) => Some(text),
            Node::Element(_) => None,
        });
        match (pieces.next(), pieces.next()) {
            (None, _) => Cow::Borrowed(""),
            (Some(only), None) => Cow::Borrowed(only),
            (Some(first), Some(second)) => {
                let mut text = [first, second].concat();
                text.extend(pieces);
                Cow::Owned(text)
            }
        }
    }

    /// The text directly in it without white space around it.
    pub fn trimmed_text(self) -> String {
        self.text().trim().to_owned()
    }

    /// Its attributes, without namespace declarations.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> {
        self.data()
            .attributes
            .iter()
            .map(move |attribute| Attribute {
                name: Name {
                    namespace: &self.document.namespaces[attribute.namespace as usize],
                    local: &attribute.local,
                },
                prefix: &attribute.prefix,
                value: &attribute.value,
            })
    }

    /// The value of an attribute without namespace.
    pub fn attribute(self, local: &str) -> Option<&'d str> {
        self.attributes()
            .find(|attribute| attribute.name == Name::new("", local))
            .map(|attribute| attribute.value)
    }

    /// The namespaces declared on it: prefix (empty for the default) and namespace.
    pub fn declarations(self) -> impl Iterator<Item = (&'d str, &'d str)> {
        self.data()
            .declarations
            .iter()
            .map(move |(prefix, namespace)| {
                (&**prefix, &*self.document.namespaces[*namespace as usize])
            })
    }

    /// The `xml:lang` in scope (RFC 4918 §4.4).
    pub fn language(self) -> Option<&'d str> {
        let mut element = self;
        loop {
            let wanted = Name::new(XML_NAMESPACE, "lang");
            if let Some(language) = element
                .attributes()
                .find(|attribute| attribute.name == wanted)
            {
                return Some(language.value);
            }
            element = Element {
                document: self.document,
                index: element.data().parent?,
            };
        }
    }
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one (XML 1.0 §4.3.3).
fn decode(octets: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let pairs = octets[2..].chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(malformed("half a UTF-16 unit at the end"));
        }
        char::decode_utf16(pairs.map(|pair| from([pair[0], pair[1]])))
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| malformed("not UTF-16"))
    };
    match octets {
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes),
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes),
        _ => {
            let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
            std::str::from_utf8(octets)
                .map(Cow::Borrowed)
                .map_err(|_| malformed("not UTF-8"))
        }
    }
}

/// XML 1.0 production [2].
pub(crate) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// XML 1.0 productions [4] and [4a], without the colon (Namespaces in XML, production [4]).
fn is_name(text: &str) -> bool {
    let start = |character: char| {
        matches!(character, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
            | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
            | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
    };
    let further = |character: char| {
        start(character)
            || matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    let mut characters = text.chars();
    characters.next().is_some_and(start) && characters.all(further)
}

/// Prefix and local name, both checked.
fn split_name(name: &str) -> Result<(&str, &str), XmlError> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if !is_name(local) || !(prefix.is_empty() || is_name(prefix)) || name.starts_with(':') {
        return Err(malformed(format!("{name:?} is not a name")));
    }
    Ok((prefix, local))
}

struct Builder {
    document: Document,
    /// The elements that are open, outermost first.
    open: Vec<u32>,
    /// Bindings in scope: prefix and namespace, innermost last.
    scope: Vec<(Box<str>, u32)>,
    maximum_elements: usize,
}

impl Builder {
    fn new(maximum_elements: usize) -> Builder {
        let document = Document {
            elements: Vec::new(),
            namespaces: vec![String::new(), XML_NAMESPACE.to_owned()],
        };
        Builder {
            document,
            open: Vec::new(),
            scope: vec![("xml".into(), 1)],
            maximum_elements,
        }
    }

    fn read(mut self, text: &str) -> Result<Document, XmlError> {
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader
                .read_event()
                .map_err(|error| malformed(error.to_string()))?;
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(data) => self.character_data(&data.xml10_content())?,
                Event::GeneralRef(reference) => self.reference(&reference)?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Decl(declaration) => check_encoding(&declaration)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() || self.document.elements.is_empty() {
            return Err(malformed("the document ends too early"));
        }
        Ok(self.document)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(malformed("there is a second root"));
        }
        if self.open.len() >= MAXIMUM_DEPTH {
            return Err(XmlError::TooMuch("levels"));
        }
        if self.document.elements.len() >= self.maximum_elements {
            return Err(XmlError::TooMuch("elements"));
        }
        let raw = read_attributes(start)?;
        let declarations = self.declare(&raw)?;
        let name = start.name();
        let (prefix, local) = split_name(name.as_ref())?;
        let namespace = self.resolve(prefix)?;
        let attributes = self.attributes(raw)?;
        let index = u32::try_from(self.document.elements.len()).unwrap_or(u32::MAX);
        let parent = self.open.last().copied();
        self.document.elements.push(ElementData {
            parent,
            namespace,
            prefix: prefix.into(),
            local: local.into(),
            attributes,
            declarations,
            content: Vec::new(),
        });
        if let Some(parent) = parent {
            self.document.elements[parent as usize]
                .content
                .push(Content::Element(index));
        }
        self.open.push(index);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(index) = self.open.pop() {
            let declared = self.document.elements[index as usize].declarations.len();
            self.scope.truncate(self.scope.len() - declared);
        }
    }

    /// Takes the namespace declarations among the attributes into scope.
    fn declare(&mut self, raw: &[(String, String)]) -> Result<Vec<(Box<str>, u32)>, XmlError> {
        let mut declarations = Vec::new();
        for (name, value) in raw {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) => match rest.strip_prefix(':') {
                    Some(prefix) => prefix,
                    None => continue,
                },
                None => continue,
            };
            let bound_to_xml = value == XML_NAMESPACE;
            if (prefix == "xml") != bound_to_xml
                || prefix == "xmlns"
                || value == "http://www.w3.org/2000/xmlns/"
            {
                return Err(malformed("a reserved prefix or namespace is declared"));
            }
            if !prefix.is_empty() && (value.is_empty() || !is_name(prefix)) {
                return Err(malformed("a prefix is declared without a namespace"));
            }
            declarations.push((Box::from(prefix), self.intern(value)));
        }
        self.scope.extend(declarations.iter().cloned());
        Ok(declarations)
    }

    fn attributes(&mut self, raw: Vec<(String, String)>) -> Result<Vec<AttributeData>, XmlError> {
        let mut attributes: Vec<AttributeData> = Vec::new();
        for (name, value) in raw {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let (prefix, local) = split_name(&name)?;
            let namespace = if prefix.is_empty() {
                0
            } else {
                self.resolve(prefix)?
            };
            if attributes
                .iter()
                .any(|other| other.namespace == namespace && *other.local == *local)
            {
                return Err(malformed(format!("the attribute {name:?} is repeated")));
            }
            attributes.push(AttributeData {
                namespace,
                prefix: prefix.into(),
                local: local.into(),
                value: value.into(),
            });
        }
        Ok(attributes)
    }

    fn resolve(&self, prefix: &str) -> Result<u32, XmlError> {
        match self
            .scope
            .iter()
            .rev()
            .find(|(bound, _)| **bound == *prefix)
        {
            Some((_, namespace)) => Ok(*namespace),
            None if prefix.is_empty() => Ok(0),
            None => Err(malformed(format!("the prefix {prefix:?} is not declared"))),
        }
    }

    fn intern(&mut self, namespace: &str) -> u32 {
        let known = self
            .document
            .namespaces
            .iter()
            .position(|known| known == namespace);
        let index = known.unwrap_or_else(|| {
            self.document.namespaces.push(namespace.to_owned());
            self.document.namespaces.len() - 1
        });
        u32::try_from(index).unwrap_or(0)
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        if text.contains("]]>") {
            return Err(malformed("]]> stands in text"));
        }
        self.character_data(text)
    }

    fn reference(&mut self, reference: &str) -> Result<(), XmlError> {
        let resolved = match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => numeric_reference(reference)?,
        };
        self.character_data(resolved.encode_utf8(&mut [0; 4]))
    }

    fn character_data(&mut self, text: &str) -> Result<(), XmlError> {
        let Some(index) = self.open.last() else {
            return match text.trim_matches(['\t', '\n', '\r', ' ']) {
                "" => Ok(()),
                _ => Err(malformed("there is text outside of the root")),
            };
        };
        let content = &mut self.document.elements[*index as usize].content;
        match content.last_mut() {
            Some(Content::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => content.push(Content::Text(text.to_owned())),
        }
        Ok(())
    }
}

/// `#10` or `#xA`.
fn numeric_reference(reference: &str) -> Result<char, XmlError> {
    let named = BytesRef::new(reference).resolve_char_ref();
    match named.map(|named| named.filter(|character| is_character(*character))) {
        Ok(Some(character)) => Ok(character),
        _ if reference.starts_with('#') => {
            Err(malformed("a character reference names no character"))
        }
        _ => Err(XmlError::Entity),
    }
}

/// Names and normalised values (XML 1.0 §3.3.3) of all attributes as written.
fn read_attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, XmlError> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    let mut iterator = start.attributes();
    // The iterator's own check is quadratic without a bound.
    for attribute in iterator.with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        if attributes.len() >= MAXIMUM_ATTRIBUTES {
            return Err(XmlError::TooMuch("attributes"));
        }
        let name: &str = attribute.key.as_ref();
        if attributes.iter().any(|(other, _)| other == name) {
            return Err(malformed(format!("the attribute {name:?} is repeated")));
        }
        attributes.push((name.to_owned(), attribute_value(&attribute.value)?));
    }
    Ok(attributes)
}

fn attribute_value(raw: &str) -> Result<String, XmlError> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(position) = rest.find(['&', '<', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at(position);
        value.push_str(before);
        rest = match from.as_bytes()[0] {
            b'<' => return Err(malformed("< stands in an attribute")),
            b'&' => {
                let (reference, after) = from[1..]
                    .split_once(';')
                    .ok_or_else(|| malformed("a reference has no end"))?;
                value.push(match reference {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => numeric_reference(reference)?,
                });
                after
            }
            _ => {
                value.push(' ');
                from.strip_prefix("\r\n").unwrap_or(&from[1..])
            }
        };
    }
    value.push_str(rest);
    Ok(value)
}

/// We decode by the octets; a declaration that says something else is refused.
fn check_encoding(declaration: &quick_xml::events::BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) => {
            let known = [
                "utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be",
            ];
            match known
                .iter()
                .any(|known| encoding.eq_ignore_ascii_case(known))
            {
                true => Ok(()),
                false => Err(malformed("the encoding is not UTF-8 or UTF-16")),
            }
        }
        Some(Err(error)) => Err(malformed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Document, XmlError> {
        Document::parse(text.as_bytes())
    }

    #[test]
    fn names_resolve_by_namespace_not_by_prefix() {
        let document =
            parse(r#"<a xmlns="DAV:" xmlns:b="DAV:" b:x="1" y="2"><b:c/><c xmlns="">t</c></a>"#)
                .unwrap();
        let root = document.root();
        assert_eq!(root.name(), Name::new("DAV:", "a"));
        let children: Vec<_> = root.children().map(Element::name).collect();
        assert_eq!(children, [Name::new("DAV:", "c"), Name::new("", "c")]);
        assert_eq!(root.attribute("y"), Some("2"));
        assert_eq!(root.attribute("x"), None);
        assert_eq!(
            root.attributes().next().unwrap().name,
            Name::new("DAV:", "x")
        );
    }

    #[test]
    fn text_is_put_together_from_its_pieces() {
        let cases = [
            ("<a>x&amp;y</a>", "x&y"),
            ("<a>x<!-- c -->y</a>", "xy"),
            ("<a>x<![CDATA[<&]]>y</a>", "x<&y"),
            ("<a>x\r\ny\rz</a>", "x\ny\nz"),
            ("<a>x&#13;&#xA;y</a>", "x\r\ny"),
            ("<a>x<b>no</b>y</a>", "xy"),
            ("<a> \u{1F600} </a>", " \u{1F600} "),
        ];
        for (input, expected) in cases {
            assert_eq!(parse(input).unwrap().root().text(), expected, "{input}");
        }
    }

    #[test]
    fn language_is_inherited() {
        let document =
            parse(r#"<a xml:lang="de"><b><c/></b><b xml:lang="fr"><c/></b></a>"#).unwrap();
        let languages: Vec<_> = document
            .root()
            .children()
            .map(|b| b.children().next().unwrap().language())
            .collect();
        assert_eq!(languages, [Some("de"), Some("fr")]);
    }

    #[test]
    fn utf_16_is_read() {
        let mut octets = vec![0xFF, 0xFE];
        octets.extend("<ä>ö</ä>".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(Document::parse(&octets).unwrap().root().text(), "ö");
        octets.pop();
        assert!(Document::parse(&octets).is_err());
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        let cases = [
            "",
            " ",
            "x",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "<a/>&amp;",
            "<p:a/>",
            "<a p:x='1'/>",
            "<a xmlns:p=''/>",
            "<a xmlns:xml='DAV:'/>",
            "<a xmlns:xmlns='DAV:'/>",
            "<a x='1' x='2'/>",
            "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>",
            "<a x='<'/>",
            "<a x=1/>",
            "<1a/>",
            "<a:/>",
            "<:a/>",
            "<a:b:c/>",
            "<a>\u{1}</a>",
            "<a>&#0;</a>",
            "<a>&#xFFFF;</a>",
            "<a>&#x;</a>",
            "<a>&#+1;</a>",
            "<a>]]></a>",
            "<a>&</a>",
            "<a x='&y'/>",
            "<?xml version='1.0' encoding='iso-8859-1'?><a/>",
        ];
        for input in cases {
            assert!(
                matches!(parse(input), Err(XmlError::Malformed(_))),
                "{input}: {:?}",
                parse(input)
            );
        }
        assert!(Document::parse(b"<a>\xFF</a>").is_err());
    }

    /// RFC 4918 §20.6
    #[test]
    fn declarations_and_entities_are_refused() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>"#;
        assert_eq!(parse(bomb).unwrap_err(), XmlError::DocumentType);
        assert_eq!(parse("<a>&b;</a>").unwrap_err(), XmlError::Entity);
        assert_eq!(parse("<a x='&b;'/>").unwrap_err(), XmlError::Entity);
    }

    #[test]
    fn bounds_hold() {
        let deep = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
        assert!(parse(&deep(MAXIMUM_DEPTH)).is_ok());
        assert_eq!(
            parse(&deep(MAXIMUM_DEPTH + 1)).unwrap_err(),
            XmlError::TooMuch("levels")
        );
        let wide = |elements: usize| format!("<a>{}</a>", "<b/>".repeat(elements - 1));
        assert!(parse(&wide(MAXIMUM_ELEMENTS)).is_ok());
        assert_eq!(
            parse(&wide(MAXIMUM_ELEMENTS + 1)).unwrap_err(),
            XmlError::TooMuch("elements")
        );
        let attributes: String = (0..=MAXIMUM_ATTRIBUTES)
            .map(|number| format!(" a{number}=''"))
            .collect();
        assert_eq!(
            parse(&format!("<a{attributes}/>")).unwrap_err(),
            XmlError::TooMuch("attributes")
        );
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Document::parse(&octets);
        }

        #[test]
        fn never_panics_on_markup(text in "[<>/a:&;#x='\"! ?\\[\\]-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
