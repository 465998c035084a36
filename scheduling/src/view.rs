//! What a given viewer sees of an object. Classification, per-user data, rights and free-busy masking
//! are decided here and nowhere else.

use bytes::Bytes;
use storage::model::Object;

use crate::{Actor, calendar_view::Row};

/// Whether a viewer who may read a collection is told of this object in it: asked of every row that a listing
/// or a query looks at, before anything is read.
///
/// At present everybody who may read sees all of it.
pub fn sees(viewer: &Actor, row: &Row) -> bool {
    let _ = (viewer, row);
    true
}

/// The octets of an object as its viewer may see them.
///
/// At present the owner and administrators are the only viewers, and see the object as it is.
pub fn view(viewer: &Actor, object: &Object, octets: Bytes) -> Bytes {
    let _ = (viewer, object);
    octets
}
