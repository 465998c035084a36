//! What a given viewer sees of an object. Classification, per-user data, rights and free-busy masking
//! are decided here and nowhere else.

use bytes::Bytes;
use storage::model::Object;

use crate::Actor;

/// The octets of an object as its viewer may see them.
///
/// At present the owner and administrators are the only viewers, and see the object as it is.
pub fn view(viewer: &Actor, object: &Object, octets: Bytes) -> Bytes {
    let _ = (viewer, object);
    octets
}
