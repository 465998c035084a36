//! Locks as XML: `DAV:activelock` (RFC 4918 §14.1), in LOCK's answer and in `DAV:lockdiscovery`.

use storage::{Timestamp, model::Lock};

use crate::{
    path::Path,
    xml::{Writer, name::dav},
};

/// One lock, with the time that remains of it.
pub(crate) fn write(writer: &mut Writer, lock: &Lock, now: Timestamp) {
    writer.element(dav::ACTIVELOCK, |writer| {
        let scope = if lock.exclusive {
            dav::EXCLUSIVE
        } else {
            dav::SHARED
        };
        writer.element(dav::LOCKSCOPE, |writer| writer.empty(scope));
        writer.element(dav::LOCKTYPE, |writer| writer.empty(dav::WRITE));
        writer.leaf(dav::DEPTH, if lock.deep { "infinity" } else { "0" });
        if !lock.owner.is_empty() {
            writer.fragment(&lock.owner);
        }
        writer.leaf(
            dav::TIMEOUT,
            &format!("Second-{}", remaining_seconds(lock, now)),
        );
        writer.element(dav::LOCKTOKEN, |writer| writer.leaf(dav::HREF, &lock.token));
        writer.element(dav::LOCKROOT, |writer| {
            writer.leaf(dav::HREF, &Path::of_lock_root(&lock.root))
        });
    });
}

/// Rounded up, so that a fresh lock says what was granted.
fn remaining_seconds(lock: &Lock, now: Timestamp) -> i64 {
    let milliseconds = lock.expires.0.saturating_sub(now.0).max(0);
    milliseconds / 1000 + i64::from(milliseconds % 1000 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use storage::{
        ResourcePath,
        model::{LockRoot, PrincipalId, PrincipalKind},
    };

    use super::*;
    use crate::xml::{Document, Name};

    /// RFC 4918 §14.1
    #[test]
    fn a_lock_is_written_in_full() {
        let root = LockRoot {
            path: ResourcePath {
                owner_kind: PrincipalKind::User,
                owner_name: "alice".into(),
                segments: vec!["a b".into()],
            },
            is_collection: true,
        };
        let lock = Lock {
            token: "urn:uuid:1".into(),
            root,
            deep: true,
            exclusive: false,
            principal: PrincipalId(1),
            owner: Bytes::from_static(b"<D:owner xmlns:D=\"DAV:\">Alice</D:owner>"),
            timeout_seconds: 60,
            expires: Timestamp(100_000),
        };
        let octets = Writer::document(dav::PROP, |writer| write(writer, &lock, Timestamp(40_001)));
        let document = Document::parse(&octets).unwrap();
        let active = document.root().child(dav::ACTIVELOCK).unwrap();
        let text = |names: &[Name<'static>]| {
            names
                .iter()
                .fold(active, |element, name| element.child(*name).unwrap())
                .trimmed_text()
        };
        assert!(
            active
                .child(dav::LOCKSCOPE)
                .unwrap()
                .child(dav::SHARED)
                .is_some()
        );
        assert!(
            active
                .child(dav::LOCKTYPE)
                .unwrap()
                .child(dav::WRITE)
                .is_some()
        );
        assert_eq!(text(&[dav::DEPTH]), "infinity");
        assert_eq!(text(&[Name::new("DAV:", "owner")]), "Alice");
        assert_eq!(text(&[dav::TIMEOUT]), "Second-60");
        assert_eq!(text(&[dav::LOCKTOKEN, dav::HREF]), "urn:uuid:1");
        assert_eq!(
            text(&[dav::LOCKROOT, dav::HREF]),
            "/dav/calendars/users/alice/a%20b/"
        );
    }
}
