//! Writes XML: straight into one buffer, with the known namespaces declared once at the root.

use bytes::Bytes;

use super::{
    name::{self, Name},
    tree::is_character,
};

/// The prefixes that every document declares at its root.
const PREFIXES: [(&str, &str); 5] = [
    ("D", name::dav::NAMESPACE),
    ("C", name::caldav::NAMESPACE),
    ("CS", name::calendarserver::NAMESPACE),
    ("A", name::apple::NAMESPACE),
    ("X", name::convoke::NAMESPACE),
];

/// The prefix under which another namespace is declared on the element that needs it.
const OTHER_PREFIX: &str = "N";

/// A document being written.
#[derive(Debug)]
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    /// Begins a document whose root has this name, to be ended by [`Writer::finish`].
    pub fn begin(root: Name<'_>) -> Writer {
        let mut writer = Writer {
            out: String::with_capacity(1024),
        };
        writer
            .out
            .push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<");
        writer.name(root);
        for (prefix, namespace) in PREFIXES {
            writer.declaration(prefix, namespace);
        }
        if known_prefix(root.namespace).is_none() && !root.namespace.is_empty() {
            writer.declaration(OTHER_PREFIX, root.namespace);
        }
        writer.out.push('>');
        writer
    }

    /// Begins a piece that is to be put into such a document by [`Writer::piece`].
    pub fn begin_piece() -> Writer {
        Writer { out: String::new() }
    }

    /// Puts in what another writer wrote after [`Writer::begin_piece`].
    pub fn piece(&mut self, piece: &Writer) {
        self.out.push_str(&piece.out);
    }

    /// Ends the document that [`Writer::begin`] began with the same name.
    pub fn finish(mut self, root: Name<'_>) -> Bytes {
        self.close(root);
        self.out.push('\n');
        Bytes::from(self.out)
    }

    /// What was written so far, to be sent ahead; the writer goes on behind it.
    pub fn take_page(&mut self) -> Bytes {
        let next = String::with_capacity(self.out.capacity());
        Bytes::from(std::mem::replace(&mut self.out, next))
    }

    /// Writes a whole document whose root has this name.
    pub fn document(root: Name<'_>, content: impl FnOnce(&mut Writer)) -> Bytes {
        let mut writer = Writer::begin(root);
        content(&mut writer);
        writer.finish(root)
    }

    /// An element.
    pub fn element(&mut self, name: Name<'_>, content: impl FnOnce(&mut Writer)) {
        self.element_with(name, &[], content);
    }

    /// An element with attributes (without namespace).
    pub fn element_with(
        &mut self,
        name: Name<'_>,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Writer),
    ) {
        self.out.push('<');
        self.name(name);
        if known_prefix(name.namespace).is_none() && !name.namespace.is_empty() {
            self.declaration(OTHER_PREFIX, name.namespace);
        }
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            escape_attribute(&mut self.out, value);
            self.out.push('"');
        }
        self.content(name, content);
    }

    /// Adds an attribute (without namespace) to the element that was begun last, before anything is in it.
    pub fn attribute(&mut self, name: &str, value: &str) {
        debug_assert!(self.out.ends_with('>'));
        self.out.pop();
        self.out.extend([" ", name, "=\""]);
        escape_attribute(&mut self.out, value);
        self.out.push_str("\">");
    }

    /// An element without content.
    pub fn empty(&mut self, name: Name<'_>) {
        self.element(name, |_| {});
    }

    /// An element that holds text.
    pub fn leaf(&mut self, name: Name<'_>, text: &str) {
        self.element(name, |writer| writer.text(text));
    }

    /// Text. CR is written as a character reference, because a parser would turn it into LF.
    pub fn text(&mut self, text: &str) {
        escape_text(&mut self.out, text);
    }

    /// An element that was stored by [`super::fragment`]: complete with its namespaces.
    pub fn fragment(&mut self, octets: &[u8]) {
        self.out.push_str(&String::from_utf8_lossy(octets));
    }

    /// A place to which [`Writer::rewind`] goes back.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Forgets what was written since a position.
    pub fn rewind(&mut self, position: usize) {
        self.out.truncate(position);
    }

    fn name(&mut self, name: Name<'_>) {
        if !name.namespace.is_empty() {
            self.out
                .push_str(known_prefix(name.namespace).unwrap_or(OTHER_PREFIX));
            self.out.push(':');
        }
        self.out.push_str(name.local);
    }

    fn declaration(&mut self, prefix: &str, namespace: &str) {
        self.out.push_str(" xmlns:");
        self.out.push_str(prefix);
        self.out.push_str("=\"");
        escape_attribute(&mut self.out, namespace);
        self.out.push('"');
    }

    /// An element without content is written as one tag.
    fn content(&mut self, name: Name<'_>, content: impl FnOnce(&mut Writer)) {
        self.out.push('>');
        let before = self.out.len();
        content(self);
        if self.out.len() == before {
            self.out.pop();
            self.out.push_str("/>");
            return;
        }
        self.close(name);
    }

    fn close(&mut self, name: Name<'_>) {
        self.out.push_str("</");
        self.name(name);
        self.out.push('>');
    }
}

/// The prefix of a namespace that every document declares at its root.
pub(super) fn known_prefix(namespace: &str) -> Option<&'static str> {
    PREFIXES
        .iter()
        .find(|(_, known)| *known == namespace)
        .map(|(prefix, _)| *prefix)
}

/// Writes text with everything escaped that would not come back.
pub(super) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, b"&<>\r");
}

/// Writes an attribute's value with everything escaped that would not come back.
pub(super) fn escape_attribute(out: &mut String, text: &str) {
    escape(out, text, b"&<>\"\t\n\r");
}

/// Octets that are looked at together.
const WORD_OCTETS: usize = 8;
/// A one in each octet, and the highest bit of each.
const ONES: u64 = u64::MAX / 255;
const HIGHEST_BITS: u64 = ONES << 7;

/// Whether an octet may begin something that XML cannot carry: 0xEF begins U+FFFE and U+FFFF, beside much
/// that is harmless.
const fn is_suspicious(octet: u8) -> bool {
    (octet < 0x20 && !matches!(octet, b'\t' | b'\n' | b'\r')) || octet == 0xEF
}

/// The highest bits of the octets that may need a look: below 0x20, 0xEF, or one of `special`; some others
/// above them, too. What is zero needs none.
const fn odd_octets(word: u64, special: &[u8]) -> u64 {
    let mut odd = word.wrapping_sub(ONES * 0x20) & !word | zero_octets(word ^ (ONES * 0xEF));
    let mut index = 0;
    while index < special.len() {
        if special[index] >= 0x20 {
            odd |= zero_octets(word ^ (ONES * special[index] as u64));
        }
        index += 1;
    }
    odd & HIGHEST_BITS
}

/// The highest bits of the octets that are zero, and perhaps of some above them.
const fn zero_octets(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}

/// Where the next octet stands that must be looked at: one of `special`, or suspicious. Nearly everything is
/// passed over eight octets at a time.
#[inline(always)]
fn next_special(octets: &[u8], special: &[u8]) -> Option<usize> {
    let counts = |octet: u8| special.contains(&octet) || is_suspicious(octet);
    let (words, rest) = octets.as_chunks::<WORD_OCTETS>();
    for (index, word) in words.iter().enumerate() {
        let mut odd = odd_octets(u64::from_le_bytes(*word), special);
        while odd != 0 {
            let place = (odd.trailing_zeros() / u8::BITS) as usize;
            if counts(word[place]) {
                return Some(index * WORD_OCTETS + place);
            }
            odd &= odd - 1;
        }
    }
    let place = rest.iter().position(|octet| counts(*octet))?;
    Some(octets.len() - rest.len() + place)
}

/// Copies runs of harmless octets at once. What XML cannot carry becomes U+FFFD.
#[inline(always)]
fn escape(out: &mut String, text: &str, special: &[u8]) {
    out.reserve(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(position) = next_special(rest.as_bytes(), special) {
        let (before, from) = rest.split_at(position);
        out.push_str(before);
        let Some(character) = from.chars().next() else {
            return;
        };
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            other if is_character(other) => out.push(other),
            _ => out.push('\u{FFFD}'),
        }
        rest = &from[character.len_utf8()..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::xml::Document;

    fn body(content: impl FnOnce(&mut Writer)) -> String {
        let octets = Writer::document(name::dav::PROP, content);
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let last = "urn:x-convoke\"";
        let start = text.find(last).unwrap() + last.len();
        text[start..].trim_end().to_owned()
    }

    #[test]
    fn elements_are_written_with_their_prefixes() {
        assert_eq!(body(|_| {}), "></D:prop>");
        assert_eq!(
            body(|w| w.empty(name::caldav::CALENDAR)),
            "><C:calendar/></D:prop>"
        );
        assert_eq!(
            body(|w| w.leaf(name::dav::HREF, "/a&b")),
            "><D:href>/a&amp;b</D:href></D:prop>"
        );
        assert_eq!(
            body(|w| w.element(name::convoke::ENTRY, |w| w.empty(name::convoke::DETAIL))),
            "><X:entry><X:detail/></X:entry></D:prop>"
        );
        assert_eq!(
            body(|w| w.empty(Name::new("u:\"", "x"))),
            "><N:x xmlns:N=\"u:&quot;\"/></D:prop>"
        );
        assert_eq!(body(|w| w.empty(Name::new("", "x"))), "><x/></D:prop>");
        let attributes = body(|w| w.element_with(name::caldav::COMP, &[("name", "\n<")], |_| {}));
        assert_eq!(attributes, "><C:comp name=\"&#10;&lt;\"/></D:prop>");
    }

    #[test]
    fn a_root_of_a_foreign_namespace_is_declared() {
        let document = Writer::document(Name::new("u:a", "a"), |_| {});
        let text = String::from_utf8(document.to_vec()).unwrap();
        assert!(text.contains("<N:a xmlns:D="), "{text}");
        assert!(
            text.trim_end().ends_with(" xmlns:N=\"u:a\"></N:a>"),
            "{text}"
        );
    }

    #[test]
    fn nested_foreign_namespaces_do_not_mix() {
        let text = body(|w| w.element(Name::new("u:a", "a"), |w| w.empty(Name::new("u:b", "b"))));
        assert_eq!(
            text,
            "><N:a xmlns:N=\"u:a\"><N:b xmlns:N=\"u:b\"/></N:a></D:prop>"
        );
    }

    #[test]
    fn carriage_returns_survive() {
        assert_eq!(
            body(|w| w.text("a\r\nb\u{1}\u{FFFF}")),
            ">a&#13;\nb\u{FFFD}\u{FFFD}</D:prop>"
        );
    }

    /// One character after the other.
    fn escaped_slowly(text: &str, special: &str) -> String {
        let mut out = String::new();
        for character in text.chars() {
            match character {
                '"' if special.contains('"') => out.push_str("&quot;"),
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                other if special.contains(other) => out.push_str(&format!("&#{};", other as u32)),
                other if is_character(other) => out.push(other),
                _ => out.push('\u{FFFD}'),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn escapes_are_those_of_a_slow_writer(text in "([ -~]|[&<>\"\r\n\t]|\\PC|[\u{0}-\u{20}\u{7F}-\u{FF}\u{FFF0}-\u{FFFF}]){0,40}") {
            let mut out = String::new();
            escape_text(&mut out, &text);
            prop_assert_eq!(out, escaped_slowly(&text, "\r"));
            let mut out = String::new();
            escape_attribute(&mut out, &text);
            prop_assert_eq!(out, escaped_slowly(&text, "\"\t\n\r"));
        }

        #[test]
        fn text_comes_back(text in "[ -~\\n\\r\\t\u{80}-\u{2FF}\u{FF00}-\u{FFFD}]{0,40}") {
            let octets = Writer::document(name::dav::PROP, |w| w.leaf(name::dav::HREF, &text));
            let document = Document::parse(&octets).unwrap();
            prop_assert_eq!(document.root().child(name::dav::HREF).unwrap().text(), text);
        }

        #[test]
        fn attributes_come_back(text in "[ -~\\n\\r\\t\u{80}-\u{2FF}]{0,40}") {
            let octets = Writer::document(name::dav::PROP, |w| w.element_with(name::caldav::COMP, &[("a", &text)], |_| {}));
            let document = Document::parse(&octets).unwrap();
            prop_assert_eq!(document.root().children().next().unwrap().attribute("a"), Some(&*text));
        }
    }
}
