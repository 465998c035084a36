//! LOCK (RFC 4918 §9.10).

use bytes::Bytes;
use http::StatusCode;
use scheduling::{Precondition, Refusal, desk::TakeLock};
use storage::{
    ResourcePath,
    model::{Lock, LockRoot},
};

use crate::{
    active_lock, answer,
    error::DavError,
    header::{Depth, depth, lock_token::LOCK_TOKEN, timeout},
    multistatus::Multistatus,
    path::Path,
    service::{Dav, Request, Response},
    xml::{Document, Element, Writer, fragment, name::dav},
};

/// Takes a lock, or refreshes one where there is no body.
pub(crate) async fn lock(dav: &Dav, request: Request) -> Result<Response, DavError> {
    match request.body.is_empty() {
        true => refresh(dav, request).await,
        false => take(dav, request).await,
    }
}

async fn take(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let path = request.stored_path()?.clone();
    let asked = LockInfo::parse(&request.body)?;
    // RFC 4918 §9.10.3
    let deep = match depth::parse(&request.headers)? {
        None | Some(Depth::Infinity) => true,
        Some(Depth::Zero) => false,
        Some(Depth::One) => {
            return Err(DavError::BadRequest(
                "the Depth header of LOCK must be 0 or infinity".into(),
            ));
        }
    };
    let change = TakeLock {
        path: path.clone(),
        deep,
        exclusive: asked.exclusive,
        owner: asked.owner,
        timeout_seconds: timeout::parse(&request.headers)?,
        conditions: request.conditions(dav)?,
    };
    match dav.desk().lock(&request.actor, change).await {
        Ok((lock, created)) => {
            let status = if created {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            let mut response = lock_discovery(dav, status, &lock);
            answer::insert(
                response.headers_mut(),
                LOCK_TOKEN.clone(),
                &format!("<{}>", lock.token),
            );
            Ok(response)
        }
        Err(Refusal::Locked {
            precondition: Precondition::NoConflictingLock,
            roots,
        }) if roots
            .iter()
            .all(|root| root.path != path && path.contains(&root.path)) =>
        {
            Ok(conflict_below(&path, roots))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// RFC 4918 §9.10.2. The Depth header is ignored.
async fn refresh(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let path = request.stored_path()?.clone();
    let conditions = request.conditions(dav)?;
    if conditions.if_lists.is_empty() {
        return Err(DavError::BadRequest(
            "a LOCK without a body refreshes a lock and needs an If header with its token".into(),
        ));
    }
    let timeout_seconds = timeout::parse(&request.headers)?;
    let refreshed = dav
        .desk()
        .refresh_lock(&request.actor, path, conditions, timeout_seconds)
        .await;
    let lock = refreshed.map_err(|refusal| match refusal {
        Refusal::ConditionFailed("If") => DavError::NoLockToRefresh,
        refusal => refusal.into(),
    })?;
    Ok(lock_discovery(dav, StatusCode::OK, &lock))
}

/// `DAV:lockdiscovery` with the lock that was granted or refreshed (RFC 4918 §9.10.1).
fn lock_discovery(dav: &Dav, status: StatusCode, lock: &Lock) -> Response {
    let now = dav.desk().store().environment().clock.now();
    let document = Writer::document(dav::PROP, |writer| {
        writer.element(dav::LOCKDISCOVERY, |writer| {
            active_lock::write(writer, lock, now)
        });
    });
    answer::xml(status, document)
}

/// RFC 4918 §9.10.3: who cannot lock a member cannot lock the whole; the member says why.
fn conflict_below(path: &ResourcePath, roots: Vec<LockRoot>) -> Response {
    let mut answer = Multistatus::new();
    for root in roots {
        let href = Path::of_lock_root(&root);
        let precondition = Precondition::NoConflictingLock;
        answer.failure(
            &href,
            &Refusal::Locked {
                precondition,
                roots: vec![root],
            }
            .into(),
        );
    }
    answer.failure(
        &Path::Stored(path.clone()).href(true),
        &DavError::FailedDependency,
    );
    answer.finish()
}

/// The body of a LOCK (RFC 4918 §14.11).
#[derive(Debug, PartialEq, Eq)]
struct LockInfo {
    exclusive: bool,
    /// The owner element as it was sent; empty where there was none.
    owner: Bytes,
}

impl LockInfo {
    fn parse(body: &[u8]) -> Result<LockInfo, DavError> {
        let document = Document::parse(body)?;
        let root = document.root();
        if !root.is(dav::LOCKINFO) {
            return Err(DavError::BadRequest(
                "the body of LOCK must be a DAV:lockinfo".into(),
            ));
        }
        let scope = root.child(dav::LOCKSCOPE);
        let exclusive = match scope
            .and_then(|scope| scope.children().next())
            .map(Element::name)
        {
            Some(dav::EXCLUSIVE) => true,
            Some(dav::SHARED) => false,
            _ => {
                return Err(DavError::BadRequest(
                    "DAV:lockscope must hold DAV:exclusive or DAV:shared".into(),
                ));
            }
        };
        if root
            .child(dav::LOCKTYPE)
            .is_none_or(|kind| kind.child(dav::WRITE).is_none())
        {
            return Err(DavError::BadRequest(
                "DAV:locktype must hold DAV:write".into(),
            ));
        }
        Ok(LockInfo {
            exclusive,
            owner: root
                .child(dav::OWNER)
                .map(fragment::cut_out)
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<LockInfo, DavError> {
        LockInfo::parse(format!("<lockinfo xmlns='DAV:'>{content}</lockinfo>").as_bytes())
    }

    /// RFC 4918 §14.11
    #[test]
    fn bodies() {
        let write = "<locktype><write/></locktype>";
        assert_eq!(
            parse(&format!(
                "<lockscope><exclusive/></lockscope>{write}<owner><href>x</href></owner>"
            )),
            Ok(LockInfo {
                exclusive: true,
                owner: Bytes::from_static(b"<owner xmlns=\"DAV:\"><href>x</href></owner>")
            })
        );
        assert_eq!(
            parse(&format!("<lockscope><shared/></lockscope>{write}")),
            Ok(LockInfo {
                exclusive: false,
                owner: Bytes::new()
            })
        );
        for content in [
            "",
            write,
            "<lockscope/>",
            "<lockscope><other/></lockscope>",
            "<lockscope><shared/></lockscope>",
        ] {
            assert!(
                matches!(parse(content), Err(DavError::BadRequest(_))),
                "{content}"
            );
        }
        assert!(matches!(
            LockInfo::parse(b"<x/>"),
            Err(DavError::BadRequest(_))
        ));
        assert!(matches!(
            LockInfo::parse(b"<x"),
            Err(DavError::BadRequest(_))
        ));
    }
}
