//! Which resource may stand where. Pure.

use storage::{
    ResourcePath,
    access::Privilege,
    model::{Collection, CollectionKind, MAXIMUM_NAME_OCTETS, RESERVED_NAMES},
};

use super::refuse::{forbidden, precondition};
use crate::{Precondition, Refusal};

/// The most collections between a home and a resource.
pub const MAXIMUM_DEPTH: usize = 32;

/// Whether a new resource may take this path below `parent`.
pub(crate) fn check_name(path: &ResourcePath, parent: &Collection) -> Result<(), Refusal> {
    let Some(name) = path.name() else {
        return Err(Refusal::NotAllowed("a home is made with its owner"));
    };
    if name.is_empty()
        || name == "."
        || name == ".."
        || name.contains(|it: char| it.is_control() || it == '/')
    {
        return Err(Refusal::Conflict("a resource cannot have this name"));
    }
    if name.len() > MAXIMUM_NAME_OCTETS {
        return Err(Refusal::Conflict("the name is too long"));
    }
    if path.segments.len() > MAXIMUM_DEPTH {
        return Err(Refusal::Conflict("collections are nested too deep"));
    }
    if parent.kind == CollectionKind::Home && RESERVED_NAMES.contains(&name) {
        return Err(forbidden(path, Privilege::Bind));
    }
    Ok(())
}

/// Whether a client may put a non-collection resource into `parent`. Deliveries alone make members of
/// an inbox (RFC 6638 §2.2), and an outbox has none (RFC 6638 §2.1).
pub(crate) fn check_object_location(
    path: &ResourcePath,
    parent: &Collection,
) -> Result<(), Refusal> {
    check_name(path, parent)?;
    match parent.kind {
        CollectionKind::Calendar | CollectionKind::Plain | CollectionKind::Home => Ok(()),
        CollectionKind::Inbox | CollectionKind::Outbox => {
            let parent = path.parent().unwrap_or_else(|| path.clone());
            Err(forbidden(&parent, Privilege::Bind))
        }
    }
}

/// Whether a collection of this kind may be made in `parent`: calendars only directly in homes
/// (RFC 4791 §4.2, §5.3.1), other collections anywhere but inside calendars, inboxes and outboxes.
pub(crate) fn check_collection_location(
    path: &ResourcePath,
    kind: CollectionKind,
    parent: &Collection,
) -> Result<(), Refusal> {
    check_name(path, parent)?;
    match (kind, parent.kind) {
        (CollectionKind::Calendar, CollectionKind::Home) => Ok(()),
        (CollectionKind::Plain, CollectionKind::Home | CollectionKind::Plain) => Ok(()),
        (CollectionKind::Calendar | CollectionKind::Plain, _) => Err(precondition(
            Precondition::CalendarCollectionLocationOk,
            "calendars stand directly in a home, and nothing but calendar objects in a calendar",
        )),
        (CollectionKind::Home | CollectionKind::Inbox | CollectionKind::Outbox, _) => {
            Err(precondition(
                Precondition::ValidResourcetype,
                "such a collection is made with its owner",
            ))
        }
    }
}

/// Whether a client may remove or rename a collection of this kind.
pub(crate) fn check_removable(path: &ResourcePath, collection: &Collection) -> Result<(), Refusal> {
    match collection.kind {
        CollectionKind::Calendar | CollectionKind::Plain => Ok(()),
        CollectionKind::Home | CollectionKind::Inbox | CollectionKind::Outbox => {
            let parent = path.parent().unwrap_or_else(|| path.clone());
            Err(forbidden(&parent, Privilege::Unbind))
        }
    }
}
