//! An element cut out of a document so that it stands by itself: the form in which dead properties
//! (RFC 4918 §4.3, §4.4) and lock owners are stored. Prefixes are kept, every namespace that is needed
//! is declared, the language in scope comes along.

use bytes::Bytes;

use super::{
    name::XML_NAMESPACE,
    tree::{Element, Node},
    writer::{escape_attribute, escape_text, known_prefix},
};

/// The element with everything in it.
pub(crate) fn cut_out(element: Element<'_>) -> Bytes {
    cut(element, element.prefix())
}

/// The same with the prefix that this server gives to names it knows, where the element leaves it free:
/// there are clients that look for the usual prefixes.
pub(crate) fn cut_out_known(element: Element<'_>) -> Bytes {
    let usual = known_prefix(element.name().namespace);
    let is_free = |prefix: &&str| {
        element
            .declarations()
            .all(|(declared, _)| declared != *prefix)
    };
    cut(element, usual.filter(is_free).unwrap_or(element.prefix()))
}

fn cut<'d>(element: Element<'d>, prefix: &'d str) -> Bytes {
    let mut cutter = Cutter {
        out: String::new(),
        scope: vec![("xml", XML_NAMESPACE)],
    };
    cutter.element(element, prefix, element.language());
    Bytes::from(cutter.out)
}

struct Cutter<'d> {
    out: String,
    /// What the output has declared: prefix and namespace, innermost last.
    scope: Vec<(&'d str, &'d str)>,
}

impl<'d> Cutter<'d> {
    /// Depth is bounded by the parser.
    fn element(&mut self, element: Element<'d>, prefix: &'d str, language: Option<&str>) {
        let outside = self.scope.len();
        self.out.push('<');
        self.name(prefix, element.name().local);
        for (declared, namespace) in element.declarations() {
            self.declare(declared, namespace);
        }
        self.need(prefix, element.name().namespace);
        let mut language = language;
        for attribute in element.attributes() {
            if !attribute.prefix.is_empty() {
                self.need(attribute.prefix, attribute.name.namespace);
            }
            if attribute.name.namespace == XML_NAMESPACE && attribute.name.local == "lang" {
                language = None;
            }
            self.out.push(' ');
            self.name(attribute.prefix, attribute.name.local);
            self.value(attribute.value);
        }
        if let Some(language) = language {
            self.out.push_str(" xml:lang");
            self.value(language);
        }
        self.out.push('>');
        for node in element.nodes() {
            match node {
                Node::Element(child) => self.element(child, child.prefix(), None),
                Node::Text(text) => escape_text(&mut self.out, text),
            }
        }
        self.out.push_str("</");
        self.name(prefix, element.name().local);
        self.out.push('>');
        self.scope.truncate(outside);
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(local);
    }

    fn value(&mut self, value: &str) {
        self.out.push_str("=\"");
        escape_attribute(&mut self.out, value);
        self.out.push('"');
    }

    /// Declares a prefix unless it means this already.
    fn need(&mut self, prefix: &'d str, namespace: &'d str) {
        let bound = self
            .scope
            .iter()
            .rev()
            .find(|(bound, _)| *bound == prefix)
            .map(|(_, namespace)| *namespace);
        if bound.unwrap_or("") != namespace {
            self.declare(prefix, namespace);
        }
    }

    fn declare(&mut self, prefix: &'d str, namespace: &'d str) {
        self.out.push_str(" xmlns");
        if !prefix.is_empty() {
            self.out.push(':');
            self.out.push_str(prefix);
        }
        self.value(namespace);
        self.scope.push((prefix, namespace));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::xml::Document;

    fn first_child(text: &str) -> String {
        let document = Document::parse(text.as_bytes()).unwrap();
        let octets = cut_out(document.root().children().next().unwrap());
        String::from_utf8(octets.to_vec()).unwrap()
    }

    /// RFC 4918 §4.4
    #[test]
    fn a_property_stands_by_itself() {
        let cases = [
            ("<a><b/></a>", "<b></b>"),
            ("<a xmlns='u'><b/></a>", "<b xmlns=\"u\"></b>"),
            (
                "<a xmlns='u'><b xmlns=''><c/></b></a>",
                "<b xmlns=\"\"><c></c></b>",
            ),
            (
                "<p:a xmlns:p='u'><p:b p:x='1' y='2'/></p:a>",
                "<p:b xmlns:p=\"u\" p:x=\"1\" y=\"2\"></p:b>",
            ),
            ("<a xml:lang='de'><b>t</b></a>", "<b xml:lang=\"de\">t</b>"),
            (
                "<a xml:lang='de'><b xml:lang='fr'>t</b></a>",
                "<b xml:lang=\"fr\">t</b>",
            ),
            (
                "<a><b> <![CDATA[<]]>&amp;\r\n&#13;</b></a>",
                "<b> &lt;&amp;\n&#13;</b>",
            ),
            (
                "<a xmlns:p='u'><b><p:c/><p:c/></b></a>",
                "<b><p:c xmlns:p=\"u\"></p:c><p:c xmlns:p=\"u\"></p:c></b>",
            ),
            (
                "<a xmlns:p='u'><b xmlns:q='v'/></a>",
                "<b xmlns:q=\"v\"></b>",
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(first_child(input), expected, "{input}");
        }
    }

    #[test]
    fn known_names_get_their_usual_prefix() {
        let cases = [
            (
                "<a xmlns='DAV:'><b>t</b></a>",
                "<D:b xmlns:D=\"DAV:\">t</D:b>",
            ),
            (
                "<x:a xmlns:x='DAV:'><x:b><x:c/></x:b></x:a>",
                "<D:b xmlns:D=\"DAV:\"><x:c xmlns:x=\"DAV:\"></x:c></D:b>",
            ),
            (
                "<a xmlns='DAV:'><b xmlns:D='u'/></a>",
                "<b xmlns:D=\"u\" xmlns=\"DAV:\"></b>",
            ),
            ("<a xmlns='u'><b/></a>", "<b xmlns=\"u\"></b>"),
        ];
        for (input, expected) in cases {
            let document = Document::parse(input.as_bytes()).unwrap();
            let cut = cut_out_known(document.root().children().next().unwrap());
            assert_eq!(String::from_utf8_lossy(&cut), expected, "{input}");
        }
    }

    fn same(left: Element<'_>, right: Element<'_>) -> bool {
        let attributes = |element: Element<'_>| -> Vec<(String, String)> {
            element
                .attributes()
                .map(|one| (one.name.clark(), one.value.to_owned()))
                .collect()
        };
        let nodes = |element: Element<'_>| element.nodes().count();
        left.name() == right.name()
            && attributes(left) == attributes(right)
            && nodes(left) == nodes(right)
            && left.nodes().zip(right.nodes()).all(|pair| match pair {
                (Node::Element(left), Node::Element(right)) => same(left, right),
                (Node::Text(left), Node::Text(right)) => left == right,
                _ => false,
            })
    }

    /// Random elements as text, well-formed by construction.
    fn elements() -> impl Strategy<Value = String> {
        let text = "[ a-zé\r\n]{0,6}".prop_map(|text| text.replace('\r', "&#13;"));
        let tag = prop_oneof![
            Just(("x", "")),
            Just(("p:x", "")),
            Just(("q:y", " xmlns:q='v' q:k='1'")),
            Just(("y", " xmlns='w'")),
            Just(("p:y", " xmlns:p='other' p:k='&lt;&quot;'")),
            Just(("x", " xmlns=''")),
        ];
        text.prop_recursive(4, 24, 4, move |inner| {
            (tag.clone(), proptest::collection::vec(inner, 0..4)).prop_map(
                |((name, attributes), content)| {
                    format!("<{name}{attributes}>{}</{name}>", content.concat())
                },
            )
        })
    }

    proptest! {
        #[test]
        fn what_is_cut_out_means_the_same(content in elements()) {
            let text = format!("<r xmlns='d' xmlns:p='u'><b>{content}</b></r>");
            let document = Document::parse(text.as_bytes()).unwrap();
            let property = document.root().children().next().unwrap();
            let cut = cut_out(property);
            let again = Document::parse(&cut).unwrap();
            prop_assert!(same(property, again.root()), "{}", String::from_utf8_lossy(&cut));
            prop_assert_eq!(cut_out(again.root()), cut);
        }
    }
}
