//! (Skeleton: its owner writes it.)
#![allow(clippy::unimplemented, unused_variables)]

use crate::{
    error::DavError,
    service::{Dav, Request, Response},
};

pub(crate) async fn acl(dav: &Dav, request: Request) -> Result<Response, DavError> {
    unimplemented!()
}
