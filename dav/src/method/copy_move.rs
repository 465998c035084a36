//! (Skeleton: its owner writes it.)
#![allow(clippy::unimplemented, unused_variables)]

use crate::{
    error::DavError,
    service::{Dav, Request, Response},
};

pub(crate) async fn copy(dav: &Dav, request: Request) -> Result<Response, DavError> {
    unimplemented!()
}

pub(crate) async fn r#move(dav: &Dav, request: Request) -> Result<Response, DavError> {
    unimplemented!()
}
