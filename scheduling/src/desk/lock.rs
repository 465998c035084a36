//! LOCK and UNLOCK (RFC 4918 §9.10, §9.11).

use bytes::Bytes;
use storage::{
    Batch, Found, Resolution, ResourcePath, Timestamp, Uuid,
    access::Privilege,
    model::{AuditAction, Collection, CollectionKind, Content, Lock, LockRoot, Object, Properties},
};

use super::{
    Desk, MAXIMUM_ROUNDS, conditions,
    content::{DEFAULT_CONTENT_TYPE, entity_tag},
    guard::{self, Touched},
    place,
    refuse::{crowded, forbidden, precondition, read_failed},
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Precondition, Refusal};

/// The longest time for which a lock is granted or refreshed; a client that asks for more, or for
/// `Infinite`, gets this (RFC 4918 §10.7).
pub const MAXIMUM_LOCK_SECONDS: u32 = 24 * 60 * 60;
/// The most octets of a lock's owner element.
pub const MAXIMUM_LOCK_OWNER_OCTETS: usize = 1024;

/// LOCK with a body.
#[derive(Clone, Debug)]
pub struct TakeLock {
    /// The lock's root.
    pub path: ResourcePath,
    /// Depth infinity (else 0).
    pub deep: bool,
    /// Exclusive (else shared).
    pub exclusive: bool,
    /// The owner element, as octets.
    pub owner: Bytes,
    /// As long as asked for; at most `MAXIMUM_LOCK_SECONDS` are granted.
    pub timeout_seconds: u32,
    /// What must hold.
    pub conditions: Conditions,
}

impl Desk {
    /// Takes a lock, and tells whether an empty resource was made for it (RFC 4918 §7.3).
    ///
    /// Errors: `ParentMissing`, `Forbidden` (`DAV:write-content`, for a new resource `DAV:bind`, for a collection
    /// `DAV:unlock` too),
    /// `ConditionFailed`, `Locked` with `no-conflicting-lock`, `InsufficientStorage` above the number of
    /// locks per home.
    pub async fn lock(&self, actor: &Actor, lock: TakeLock) -> Result<(Lock, bool), Refusal> {
        if lock.owner.len() > MAXIMUM_LOCK_OWNER_OCTETS {
            return Err(Refusal::InsufficientStorage("the owner of a lock"));
        }
        for _ in 0..MAXIMUM_ROUNDS {
            if let Some(taken) = self.lock_round(actor, &lock).await? {
                return Ok(taken);
            }
        }
        Err(crowded())
    }

    async fn lock_round(
        &self,
        actor: &Actor,
        take: &TakeLock,
    ) -> Result<Option<(Lock, bool)>, Refusal> {
        let TakeLock {
            path, conditions, ..
        } = take;
        let scene = self.scene(actor, &[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        self.require(actor, &needs(path, resolution)).await?;
        if matches!(resolution.found, Found::ParentMissing) {
            return Err(Refusal::ParentMissing);
        }
        scene.check_conditions(conditions, path)?;
        let home = resolution.home();
        let before = scene.locks(home.id)?;
        guard::check_new(before, scene.now, path, take.deep, take.exclusive)?;
        let mut batch = self.store.batch();
        scene.expect(&mut batch);
        let created = matches!(resolution.found, Found::Missing);
        if created {
            let submitted = conditions::submitted_tokens(conditions);
            guard::check(
                before,
                scene.now,
                &Touched::bound(path),
                &submitted,
                actor.principal.id,
            )?;
            let parent = scene::parent(resolution)?;
            place::check_object_location(path, parent)?;
            if parent.kind == CollectionKind::Calendar {
                return Err(precondition(
                    Precondition::ValidCalendarData,
                    "an empty resource cannot stand in a calendar",
                ));
            }
            scene.check_vacant(path)?;
            let owner = resolution.owner.id;
            self.note(&mut batch, actor, owner, AuditAction::Created, path);
            batch.put_object(
                parent,
                path.name().unwrap_or_default(),
                None,
                &empty_object(self.fresh_identity(), scene.now),
            );
        }
        let root = LockRoot {
            path: path.clone(),
            is_collection: matches!(resolution.found, Found::Collection),
        };
        let lock = self.new_lock(actor, take, root, scene.now);
        let after = self.with_lock(before, &scene, lock.clone())?;
        batch.set_locks(home.id, before, &after);
        Ok(self.commit(batch).await?.map(|_| (lock, created)))
    }

    fn new_lock(&self, actor: &Actor, take: &TakeLock, root: LockRoot, now: Timestamp) -> Lock {
        let timeout_seconds = take.timeout_seconds.clamp(1, MAXIMUM_LOCK_SECONDS);
        Lock {
            // RFC 4918 §6.5: a URN that never names another lock.
            token: self.fresh_identity().to_string(),
            root,
            deep: take.deep,
            exclusive: take.exclusive,
            principal: actor.principal.id,
            owner: take.owner.clone(),
            timeout_seconds,
            expires: expiry(now, timeout_seconds),
        }
    }

    fn with_lock(&self, before: &[Lock], scene: &Scene, lock: Lock) -> Result<Vec<Lock>, Refusal> {
        let mut after: Vec<Lock> = guard::live(before, scene.now).cloned().collect();
        if after.len() >= self.settings.limits.maximum_locks_per_home {
            return Err(Refusal::InsufficientStorage("locks in one home"));
        }
        after.push(lock);
        Ok(after)
    }

    /// LOCK without a body: starts the time of a lock anew (RFC 4918 §9.10.2). The If header names the
    /// lock's token.
    ///
    /// Errors: `ConditionFailed` where no submitted token is one's own lock of this resource.
    pub async fn refresh_lock(
        &self,
        actor: &Actor,
        path: ResourcePath,
        conditions: Conditions,
        timeout_seconds: u32,
    ) -> Result<Lock, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self.scene(actor, &[&path], &conditions).await?;
            let resolution = scene.resolution(&path)?;
            self.require(actor, &[Need::to_write(&path, resolution)])
                .await?;
            scene.check_conditions(&conditions, &path)?;
            let home = resolution.home();
            let before = scene.locks(home.id)?;
            let submitted = conditions::submitted_tokens(&conditions);
            let mut after: Vec<Lock> = guard::live(before, scene.now).cloned().collect();
            let own = after.iter_mut().find(|lock| {
                guard::covers(lock, &path)
                    && submitted.contains(&lock.token.as_str())
                    && lock.principal == actor.principal.id
            });
            let lock = own.ok_or(Refusal::ConditionFailed("If"))?;
            lock.timeout_seconds = timeout_seconds.clamp(1, MAXIMUM_LOCK_SECONDS);
            lock.expires = expiry(scene.now, lock.timeout_seconds);
            let lock = lock.clone();
            let mut batch = self.store.batch();
            scene.expect(&mut batch);
            batch.set_locks(home.id, before, &after);
            if self.commit(batch).await?.is_some() {
                return Ok(lock);
            }
        }
        Err(crowded())
    }

    /// UNLOCK: ends a lock whose scope holds the resource.
    ///
    /// Errors: `Precondition` `lock-token-matches-request-uri` for any other token (RFC 4918 §9.11.1);
    /// `Forbidden` where it is another's lock and `DAV:unlock` is missing (RFC 3744 §3.5);
    /// `ConditionFailed`.
    pub async fn unlock(
        &self,
        actor: &Actor,
        path: ResourcePath,
        token: String,
        conditions: Conditions,
    ) -> Result<(), Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self.scene(actor, &[&path], &conditions).await?;
            let resolution = scene.resolution(&path)?;
            let home = resolution.home();
            let before = scene.locks(home.id)?;
            // A lock of what is hidden is hidden, too.
            let is_named = |lock: &&Lock| {
                lock.token == token
                    && guard::covers(lock, &path)
                    && scene.check_vacant(&path).is_ok()
            };
            let named = guard::live(before, scene.now).find(is_named);
            let held = self.privileges(actor, resolution).await?;
            match named {
                Some(lock)
                    if lock.principal == actor.principal.id || held.has(Privilege::Unlock) => {}
                Some(_) => return Err(forbidden(&path, Privilege::Unlock)),
                None if !held.has(Privilege::Read) => {
                    return Err(forbidden(&path, Privilege::Unlock));
                }
                None => {
                    return Err(precondition(
                        Precondition::LockTokenMatchesRequestUri,
                        "the resource is not in the scope of a lock with this token",
                    ));
                }
            }
            scene.check_conditions(&conditions, &path)?;
            let after: Vec<Lock> = guard::live(before, scene.now)
                .filter(|lock| lock.token != token)
                .cloned()
                .collect();
            let mut batch = self.store.batch();
            scene.expect(&mut batch);
            batch.set_locks(home.id, before, &after);
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Locks go with their resources (RFC 4918 §9.6), also with what nobody asked to remove: these members of a
    /// collection, which the batch removes.
    pub(crate) async fn release_locks(
        &self,
        batch: &mut Batch,
        collection: &Collection,
        removed: &[String],
    ) -> Result<(), Refusal> {
        if removed.is_empty() {
            return Ok(());
        }
        let home = collection.home;
        let before = self.store.locks(home).await.map_err(read_failed)?;
        if before.is_empty() {
            return Ok(());
        }
        let path = self.store.path_of(collection).await.map_err(read_failed)?;
        let trees = path.map(|path| {
            removed
                .iter()
                .map(|name| path.child(name))
                .collect::<Vec<_>>()
        });
        if let Some(after) = guard::without_trees(&before, self.now(), &trees.unwrap_or_default()) {
            batch.set_locks(home, &before, &after);
        }
        Ok(())
    }

    /// The locks in whose scope a resource is, for `DAV:lockdiscovery` (RFC 4918 §15.8).
    pub async fn locks_on(
        &self,
        opened: &super::Opened,
        path: &ResourcePath,
    ) -> Result<Vec<Lock>, Refusal> {
        let home = opened.resolution.home();
        let locks = self.store.locks(home.id).await.map_err(read_failed)?;
        let covering = guard::live(&locks, self.now()).filter(|lock| guard::covers(lock, path));
        Ok(covering.cloned().collect())
    }
}

/// A lock of a collection stands in the way of all who use it, its owner among them (RFC 4918 §7.4): who takes
/// one must be able to end others' locks there, too, as the owner, administrators, and who has all rights.
/// Everybody else locks single resources.
fn needs<'a>(path: &ResourcePath, resolution: &'a Resolution) -> Vec<Need<'a>> {
    let mut needs = vec![Need::to_write(path, resolution)];
    if matches!(resolution.found, Found::Collection) {
        needs.push(Need::on(path, resolution, Privilege::Unlock));
    }
    needs
}

fn expiry(now: Timestamp, seconds: u32) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::from(seconds) * 1000))
}

/// The resource that a lock of an unmapped URL makes (RFC 4918 §9.10.4).
fn empty_object(id: Uuid, now: Timestamp) -> Object {
    Object {
        id: Some(id),
        content: Content::Inline(Bytes::new()),
        etag: entity_tag(b""),
        content_type: DEFAULT_CONTENT_TYPE.into(),
        created: now,
        modified: now,
        calendar: None,
        properties: Properties::new(),
        access: Vec::new(),
    }
}
