//! Judges what clients want to set and remove (RFC 4918 §9.2, RFC 4791 §5.3.1, RFC 5689). Pure.

use bytes::Bytes;
use http::StatusCode;
use scheduling::Precondition;

use crate::{
    error::DavError,
    kind::ResourceKind,
    property::table::{self, Origin},
    xml::{Element, Name, fragment, name::dav},
};

/// The largest value of a stored property, in octets.
pub(crate) const MAXIMUM_PROPERTY_OCTETS: usize = 16 * 1024;
/// The most instructions of one request.
pub(crate) const MAXIMUM_INSTRUCTIONS: usize = 1_000;

/// Why one property was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PropertyFault {
    /// The status of its propstat.
    pub status: StatusCode,
    /// The element that says why.
    pub precondition: Option<Precondition>,
}

impl PropertyFault {
    /// Only the server sets it (RFC 4918 §16).
    pub const PROTECTED: PropertyFault = PropertyFault {
        status: StatusCode::FORBIDDEN,
        precondition: Some(Precondition::CannotModifyProtectedProperty),
    };
    /// The value makes no sense for the property (RFC 4918 §9.2.1).
    pub const WRONG_VALUE: PropertyFault = PropertyFault {
        status: StatusCode::CONFLICT,
        precondition: None,
    };
    /// Too large (RFC 4918 §9.2.1).
    pub const TOO_LARGE: PropertyFault = PropertyFault {
        status: StatusCode::INSUFFICIENT_STORAGE,
        precondition: None,
    };

    /// 403 with a precondition element.
    pub const fn precondition(precondition: Precondition) -> PropertyFault {
        PropertyFault {
            status: StatusCode::FORBIDDEN,
            precondition: Some(precondition),
        }
    }
}

/// One thing that a client wants, in document order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction<'d> {
    /// The property element.
    pub element: Element<'d>,
    /// To be removed (else set).
    pub remove: bool,
}

impl<'d> Instruction<'d> {
    /// The property's name.
    pub fn name(&self) -> Name<'d> {
        self.element.name()
    }

    /// All instructions in the `DAV:set` and `DAV:remove` elements of `DAV:propertyupdate`,
    /// `CALDAV:mkcalendar` or `DAV:mkcol`.
    pub fn read_all(request: Element<'d>) -> Result<Vec<Instruction<'d>>, DavError> {
        let mut instructions = Vec::new();
        for part in request.children() {
            let remove = part.is(dav::REMOVE);
            if !remove && !part.is(dav::SET) {
                continue;
            }
            for prop in part.children_named(dav::PROP) {
                instructions.extend(
                    prop.children()
                        .map(|element| Instruction { element, remove }),
                );
            }
        }
        match instructions.len() > MAXIMUM_INSTRUCTIONS {
            true => Err(DavError::BadRequest(
                "too many properties are changed".into(),
            )),
            false => Ok(instructions),
        }
    }
}

/// What an instruction does once it is found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The octets to store under the property's name; `None` removes.
    Store(Option<Bytes>),
    /// The row is one that is set through the principal.
    OfPrincipal,
    /// The row is one that is set while the resource is made; its element says to what.
    AtCreation,
}

/// Judges an instruction on an existing resource of this kind.
pub(crate) fn judge(
    kind: ResourceKind,
    instruction: &Instruction<'_>,
) -> Result<Verdict, PropertyFault> {
    let Some(row) = table::find(instruction.name()) else {
        return store(instruction);
    };
    let applies = row.kinds.contains(kind);
    match row.origin {
        Origin::Computed | Origin::SetAtCreation => Err(PropertyFault::PROTECTED),
        _ if applies && !row.settable.contains(kind) => Err(PropertyFault::PROTECTED),
        Origin::OfPrincipal if applies => Ok(Verdict::OfPrincipal),
        Origin::OfPrincipal => Err(PropertyFault::PROTECTED),
        Origin::Kept(check) if applies && !instruction.remove => {
            check(instruction.element)?;
            store(instruction)
        }
        // Where a property means nothing it is a dead one.
        Origin::Kept(_) => store(instruction),
    }
}

/// The property whose value goes when another is set or removed on a resource of this kind.
pub(crate) fn superseded(kind: ResourceKind, name: Name<'_>) -> Option<Name<'static>> {
    let row = table::find(name)?;
    row.twin.filter(|_| row.kinds.contains(kind))
}

/// Judges an instruction on a resource of this kind that is being made.
pub(crate) fn judge_at_creation(
    kind: ResourceKind,
    instruction: &Instruction<'_>,
) -> Result<Verdict, PropertyFault> {
    match table::find(instruction.name()) {
        Some(row) if matches!(row.origin, Origin::SetAtCreation) && row.kinds.contains(kind) => {
            Ok(Verdict::AtCreation)
        }
        _ => judge(kind, instruction),
    }
}

fn store(instruction: &Instruction<'_>) -> Result<Verdict, PropertyFault> {
    if instruction.remove {
        return Ok(Verdict::Store(None));
    }
    // Dead properties keep even their prefixes (RFC 4918 §4.3).
    let octets = match table::find(instruction.name()) {
        Some(_) => fragment::cut_out_known(instruction.element),
        None => fragment::cut_out(instruction.element),
    };
    match octets.len() > MAXIMUM_PROPERTY_OCTETS {
        true => Err(PropertyFault::TOO_LARGE),
        false => Ok(Verdict::Store(Some(octets))),
    }
}

/// For properties that hold text: no elements in it.
pub(super) fn text_only(element: Element<'_>) -> Result<(), PropertyFault> {
    match element.children().next() {
        Some(_) => Err(PropertyFault::WRONG_VALUE),
        None => Ok(()),
    }
}

/// For properties whose content is the client's own business.
pub(super) fn anything(_: Element<'_>) -> Result<(), PropertyFault> {
    Ok(())
}
