//! XML as this protocol needs it: names as constants, an arena tree for what comes in, a writer for
//! what goes out. Nothing else in this crate touches the text of XML.

pub(crate) mod fragment;
pub(crate) mod name;
pub(crate) mod tree;
pub(crate) mod writer;

pub(crate) use name::Name;
pub(crate) use tree::{Document, Element, XmlError};
pub(crate) use writer::Writer;
