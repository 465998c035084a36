//! RFC 5842 §3.1: what names a resource for ever.

use crate::{
    kind::Kinds,
    property::{
        facts::Facts,
        table::{Presence, Property},
    },
    target::Target,
    xml::{Writer, name::dav},
};

pub(super) const PROPERTIES: &[Property] = &[Property::computed(
    dav::RESOURCE_ID,
    "RFC 5842 §3.1",
    Kinds::STORED,
    resource_id,
)];

/// It follows a resource through changes and moves; a copy has its own.
fn resource_id(facts: &Facts, writer: &mut Writer) -> Presence {
    let Target::Stored(resource) = &facts.target else {
        return Presence::Absent;
    };
    let identity = match &resource.object {
        None => resource.collection.identity(),
        Some(object) => {
            let name = resource.path.name().unwrap_or_default();
            object.identity(resource.collection.id, name)
        }
    };
    writer.leaf(dav::HREF, &identity.to_string());
    Presence::Present
}
