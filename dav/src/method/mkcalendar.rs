//! (Skeleton: its owner writes it.)
#![allow(clippy::unimplemented, unused_variables)]

use crate::{
    error::DavError,
    service::{Dav, Request, Response},
};

pub(crate) async fn mkcalendar(dav: &Dav, request: Request) -> Result<Response, DavError> {
    unimplemented!()
}
