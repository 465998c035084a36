//! Which locks stand in the way of a change (RFC 4918 §6 and §7). Pure.

use storage::{
    ResourcePath, Timestamp,
    model::{Lock, PrincipalId},
};

use crate::{Precondition, Refusal};

/// What a change touches, as far as locks are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Resources whose content, properties or membership change. A collection is named here when a
    /// member is bound or unbound (RFC 4918 §7.4).
    pub resources: Vec<ResourcePath>,
    /// Resources that vanish with all that stands below them.
    pub trees: Vec<ResourcePath>,
}

impl Touched {
    /// The content or properties of one resource.
    pub fn resource(path: &ResourcePath) -> Touched {
        Touched {
            resources: vec![path.clone()],
            trees: Vec::new(),
        }
    }

    /// A resource that comes into being: its parent's membership changes.
    pub fn bound(path: &ResourcePath) -> Touched {
        Touched {
            resources: path.parent().into_iter().chain([path.clone()]).collect(),
            trees: Vec::new(),
        }
    }

    /// A resource that vanishes, with all below it: its parent's membership changes.
    pub fn unbound(path: &ResourcePath) -> Touched {
        Touched {
            resources: path.parent().into_iter().collect(),
            trees: vec![path.clone()],
        }
    }

    /// Both.
    pub fn and(mut self, other: Touched) -> Touched {
        self.resources.extend(other.resources);
        self.trees.extend(other.trees);
        self
    }
}

/// Whether the resource is in the lock's scope, directly or by the lock's depth.
pub(crate) fn covers(lock: &Lock, path: &ResourcePath) -> bool {
    if lock.deep {
        lock.root.path.contains(path)
    } else {
        lock.root.path == *path
    }
}

/// The locks that have not run out (RFC 4918 §6.6).
pub(crate) fn live(locks: &[Lock], now: Timestamp) -> impl Iterator<Item = &Lock> {
    locks.iter().filter(move |lock| lock.is_live(now))
}

/// Refuses the change with `lock-token-submitted` (RFC 4918 §7.5) where a touched resource is locked
/// and none of its locks' tokens was submitted by the lock's maker. Of several shared locks on a
/// resource one suffices.
pub(crate) fn check(
    locks: &[Lock],
    now: Timestamp,
    touched: &Touched,
    submitted: &[&str],
    actor: PrincipalId,
) -> Result<(), Refusal> {
    let below = live(locks, now).map(|lock| &lock.root.path);
    let below = below.filter(|root| touched.trees.iter().any(|tree| tree.contains(root)));
    let mut roots = Vec::new();
    for resource in touched.resources.iter().chain(&touched.trees).chain(below) {
        let mut held = false;
        let mut found = Vec::new();
        for lock in live(locks, now).filter(|lock| covers(lock, resource)) {
            held |= lock.principal == actor && submitted.contains(&lock.token.as_str());
            found.push(lock.root.clone());
        }
        if !held {
            roots.extend(found);
        }
    }
    roots.sort();
    roots.dedup();
    match roots.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Locked {
            precondition: Precondition::LockTokenSubmitted,
            roots,
        }),
    }
}

/// Refuses a new lock that would conflict with one that stands (RFC 4918 §6.2, §9.10.3, §9.10.5).
pub(crate) fn check_new(
    locks: &[Lock],
    now: Timestamp,
    root: &ResourcePath,
    deep: bool,
    exclusive: bool,
) -> Result<(), Refusal> {
    let conflicting = live(locks, now).filter(|lock| {
        (lock.exclusive || exclusive)
            && (covers(lock, root) || deep && root.contains(&lock.root.path))
    });
    let mut roots: Vec<_> = conflicting.map(|lock| lock.root.clone()).collect();
    roots.sort();
    roots.dedup();
    match roots.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Locked {
            precondition: Precondition::NoConflictingLock,
            roots,
        }),
    }
}

/// The locks that remain when the trees vanish: locks go with their resource (RFC 4918 §9.6, §7.6),
/// and those that ran out go too. `None` where no lock stood below the trees, so that nothing need be
/// written.
pub(crate) fn without_trees(
    locks: &[Lock],
    now: Timestamp,
    trees: &[ResourcePath],
) -> Option<Vec<Lock>> {
    let gone = |lock: &&Lock| trees.iter().any(|tree| tree.contains(&lock.root.path));
    locks.iter().find(gone)?;
    Some(
        live(locks, now)
            .filter(|lock| !gone(lock))
            .cloned()
            .collect(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;
    use storage::model::{LockRoot, PrincipalKind};

    use super::*;

    const ALICE: PrincipalId = PrincipalId(1);
    const BOB: PrincipalId = PrincipalId(2);
    const NOW: Timestamp = Timestamp(1_000);

    fn path(text: &str) -> ResourcePath {
        ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".into(),
            segments: text
                .split('/')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    fn root(text: &str) -> LockRoot {
        LockRoot {
            path: path(text),
            is_collection: false,
        }
    }

    /// `kind token root`: kinds are `exclusive`, `shared`, each maybe with `-deep`, `-expired` or `-bob`.
    fn lock(text: &str) -> Lock {
        let mut words = text.split(' ');
        let kind = words.next().unwrap();
        let token = words.next().unwrap();
        Lock {
            token: token.into(),
            root: root(words.next().unwrap()),
            deep: kind.contains("-deep"),
            exclusive: kind.starts_with("exclusive"),
            principal: if kind.contains("-bob") { BOB } else { ALICE },
            owner: Bytes::new(),
            timeout_seconds: 1,
            expires: if kind.contains("-expired") {
                NOW
            } else {
                Timestamp(NOW.0 + 1)
            },
        }
    }

    fn touched(text: &str) -> Touched {
        let (how, resource) = text.split_once(' ').unwrap();
        let resource = path(resource);
        match how {
            "write" => Touched::resource(&resource),
            "bind" => Touched::bound(&resource),
            _ => Touched::unbound(&resource),
        }
    }

    /// RFC 4918 §6, §7.
    #[test]
    fn which_locks_stand_in_the_way() {
        // locks, what is done, tokens submitted, the roots that refuse it
        #[rustfmt::skip]
        type Row<'a> = (&'a [&'a str], &'a str, &'a [&'a str], &'a [&'a str]);
        let table: &[Row<'_>] = &[
            (&[], "write /a/b", &[], &[]),
            (&["exclusive t /a/b"], "write /a/b", &[], &["/a/b"]),
            (&["exclusive t /a/b"], "write /a/b", &["t"], &[]),
            (&["exclusive t /a/b"], "write /a/b", &["other"], &["/a/b"]),
            (&["exclusive t /a/b"], "write /a/c", &[], &[]),
            (&["exclusive-bob t /a/b"], "write /a/b", &["t"], &["/a/b"]),
            (&["exclusive-expired t /a/b"], "write /a/b", &[], &[]),
            // depth 0 on a collection protects its membership, not its members' content
            (&["exclusive t /a"], "write /a/b", &[], &[]),
            (&["exclusive t /a"], "bind /a/b", &[], &["/a"]),
            (&["exclusive t /a"], "bind /a/b", &["t"], &[]),
            (&["exclusive t /a"], "unbind /a/b", &[], &["/a"]),
            (&["exclusive t /a"], "bind /a/b/c", &[], &[]),
            // depth infinity protects everything
            (&["exclusive-deep t /a"], "write /a/b/c", &[], &["/a"]),
            (&["exclusive-deep t /a"], "bind /a/b/c", &["t"], &[]),
            (&["exclusive-deep t /a"], "write /b", &[], &[]),
            // what vanishes needs the tokens of all that stands below
            (&["exclusive t /a/b/c"], "unbind /a", &[], &["/a/b/c"]),
            (
                &["exclusive t /a/b/c", "exclusive u /a/d"],
                "unbind /a",
                &["t"],
                &["/a/d"],
            ),
            (
                &["exclusive t /a/b/c", "exclusive u /a/d"],
                "unbind /a",
                &["t", "u"],
                &[],
            ),
            (&["exclusive t /a/b/c"], "write /a", &[], &[]),
            // of several shared locks one token suffices, if it is one's own
            (&["shared t /a", "shared u /a"], "write /a", &["u"], &[]),
            (
                &["shared-bob t /a", "shared u /a"],
                "write /a",
                &["t"],
                &["/a"],
            ),
            (
                &["shared-deep t /a", "shared u /a/b"],
                "write /a/b",
                &["t"],
                &[],
            ),
            (
                &["shared-deep t /a", "shared u /a/b"],
                "write /a/b",
                &[],
                &["/a", "/a/b"],
            ),
        ];
        for (locks, what, tokens, roots) in table {
            let locks: Vec<Lock> = locks.iter().map(|text| lock(text)).collect();
            let expected = match roots.is_empty() {
                true => Ok(()),
                false => Err(Refusal::Locked {
                    precondition: Precondition::LockTokenSubmitted,
                    roots: roots.iter().map(|path| root(path)).collect(),
                }),
            };
            assert_eq!(
                check(&locks, NOW, &touched(what), tokens, ALICE),
                expected,
                "{locks:?} {what}"
            );
        }
    }

    /// RFC 4918 §6.2, §9.10.5: the table of lock compatibility, along the tree too.
    #[test]
    fn which_locks_go_together() {
        #[rustfmt::skip]
        let table = [
            // standing, asked root, deep, exclusive, granted
            ("exclusive t /a", "/a", false, true, false),
            ("exclusive t /a", "/a", false, false, false),
            ("shared t /a", "/a", false, true, false),
            ("shared t /a", "/a", false, false, true),
            ("exclusive-expired t /a", "/a", false, true, true),
            ("exclusive t /a", "/a/b", false, true, true),
            ("exclusive-deep t /a", "/a/b", false, true, false),
            ("exclusive-deep t /a", "/a/b", false, false, false),
            ("shared-deep t /a", "/a/b", false, false, true),
            ("exclusive t /a/b", "/a", true, true, false),
            ("exclusive t /a/b", "/a", false, true, true),
            ("shared t /a/b", "/a", true, true, false),
            ("shared t /a/b", "/a", true, false, true),
            ("exclusive t /b", "/a", true, true, true),
        ];
        for (standing, root, deep, exclusive, granted) in table {
            let result = check_new(&[lock(standing)], NOW, &path(root), deep, exclusive);
            assert_eq!(
                result.is_ok(),
                granted,
                "{standing} against {root} {deep} {exclusive}"
            );
        }
    }

    /// RFC 4918 §9.6: locks are removed with their resource; §7.6: a lock does not move.
    #[test]
    fn locks_vanish_with_their_trees() {
        let locks = [
            "exclusive t /a/b",
            "exclusive u /c",
            "exclusive-expired v /d",
        ]
        .map(lock);
        assert_eq!(without_trees(&locks, NOW, &[path("/x")]), None);
        let left = without_trees(&locks, NOW, &[path("/a")]).unwrap();
        assert_eq!(
            left.iter()
                .map(|lock| lock.token.as_str())
                .collect::<Vec<_>>(),
            ["u"]
        );
    }
}
