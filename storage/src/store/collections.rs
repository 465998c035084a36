//! Collections: made, changed, moved, detached.

use super::{
    Batch, keys,
    record::{self, LogRecord},
};
use crate::{
    Revision, Stored,
    model::{Collection, CollectionKind},
};

impl Batch {
    /// Expects the collection's header to be as it was read.
    pub fn expect_collection(&mut self, collection: &Stored<Collection>) -> &mut Self {
        self.expect_header(collection.id, collection);
        self
    }

    /// Makes a collection. `parent` must be as it was read and have no member of that name; a home
    /// has none.
    pub fn create_collection(
        &mut self,
        parent: Option<&Stored<Collection>>,
        collection: &Collection,
    ) -> &mut Self {
        self.expect_new_header(collection.id);
        self.put(keys::collection(collection.id), record::encode(collection));
        self.append(
            keys::changes(collection.id),
            record::encode(&LogRecord::Created),
        );
        match parent {
            Some(parent) => self.bind(parent, collection),
            None if collection.kind == CollectionKind::Home && collection.parent.is_none() => {}
            None => self.fault = Some("a collection outside of every home"),
        }
        self
    }

    /// Changes a collection where it stands. Its parent's change log tells of it.
    pub fn update_collection(
        &mut self,
        before: &Stored<Collection>,
        after: &Collection,
    ) -> &mut Self {
        let place = |it: &Collection| (it.id, it.home, it.parent, it.kind);
        if place(before) != place(after) || before.name != after.name || before.is_detached() {
            self.fault = Some("an update that moves a collection");
        }
        self.expect_header(before.id, before);
        self.put(keys::collection(after.id), record::encode(after));
        if let Some(parent) = after.parent {
            self.append(
                keys::changes(parent),
                record::encode(&LogRecord::Put(after.name.clone())),
            );
        }
        self
    }

    /// Gives a collection another name or place within its home. `after` names both; `ancestors` are
    /// all collections from the home down to the new parent, as they were read: they must not change,
    /// so that two moves at the same time cannot close a circle.
    pub fn move_collection(
        &mut self,
        before: &Stored<Collection>,
        after: &Collection,
        ancestors: &[impl AsRef<Stored<Collection>>],
    ) -> &mut Self {
        let identity = |it: &Collection| (it.id, it.home, it.kind);
        let circle = ancestors
            .iter()
            .any(|ancestor| ancestor.as_ref().id == before.id);
        if identity(before) != identity(after)
            || circle
            || before.parent.is_none()
            || before.is_detached()
        {
            self.fault = Some("a move out of the home or into itself");
        }
        for ancestor in ancestors {
            self.expect_collection(ancestor.as_ref());
        }
        self.expect_header(before.id, before);
        self.unbind(before);
        self.put(keys::collection(after.id), record::encode(after));
        match ancestors.last() {
            Some(parent) => self.bind(parent.as_ref(), after),
            None => self.fault = Some("a move to nowhere"),
        }
        self
    }

    /// Deletes a collection with all that is below it, however much: in this commit it becomes
    /// unreachable as a whole, its name and its UIDs are free again, and it waits in the trash, as it is,
    /// for its time to be over; [`super::Store::purge_detached`] removes the rows then. Nothing can be written into the
    /// collection itself any more; a write into a collection below it that was under way is as if it
    /// came before.
    pub fn detach_collection(&mut self, before: &Stored<Collection>) -> &mut Self {
        self.expect_header(before.id, before);
        self.unbind(before);
        if before.kind == CollectionKind::Home {
            return self.detach(before);
        }
        self.hang_on_itself(before);
        self.removed_collections.push(before.value.clone());
        self
    }

    /// Makes the header one that hangs on itself, and a task of the purge.
    pub(super) fn detach(&mut self, before: &Collection) -> &mut Self {
        self.hang_on_itself(before);
        self.put(keys::detached(before.home, before.id), bytes::Bytes::new());
        self
    }

    fn hang_on_itself(&mut self, before: &Collection) {
        let after = Collection {
            parent: Some(before.id),
            ..before.clone()
        };
        self.put(keys::collection(before.id), record::encode(&after));
    }

    pub(super) fn bind(&mut self, parent: &Stored<Collection>, collection: &Collection) {
        if collection.parent != Some(parent.id)
            || collection.home != parent.home
            || parent.is_detached()
        {
            self.fault = Some("a collection that does not belong to its parent");
        }
        self.check_name(&collection.name);
        self.expect_header(parent.id, parent);
        self.expect_member(parent.id, &collection.name, Revision(0));
        self.put_member(
            parent.id,
            &collection.name,
            record::encode_binding(collection.id),
        );
        let change = LogRecord::Put(collection.name.clone());
        self.append(keys::changes(parent.id), record::encode(&change));
    }

    fn unbind(&mut self, collection: &Collection) {
        if let Some(parent) = collection.parent {
            self.delete_member(parent, &collection.name);
            let change = LogRecord::Removed(collection.name.clone());
            self.append(keys::changes(parent), record::encode(&change));
        }
    }
}
