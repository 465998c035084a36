//! Who refers to a managed attachment: an index that each change of an object keeps in its own commit.

use super::{Store, keys, record};
use crate::{
    backend::{KeyRange, Page, ReadError},
    model::{AttachmentId, CollectionId},
};

/// An object that refers to an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentHolder {
    /// The home that it stands in.
    pub home: CollectionId,
    /// The collection.
    pub collection: CollectionId,
    /// Its name there.
    pub name: String,
}

impl Store {
    /// Objects that refer to an attachment, at most `rows` of them behind `after`; all of them, or those
    /// in one home.
    pub async fn attachment_holders(
        &self,
        id: AttachmentId,
        home: Option<CollectionId>,
        after: Option<&AttachmentHolder>,
        rows: usize,
    ) -> Result<Vec<AttachmentHolder>, ReadError> {
        let prefix = match home {
            Some(home) => keys::attachment_holders_in(id, home),
            None => keys::attachment_holders(id),
        };
        let range = KeyRange::prefix(prefix);
        let range = match after {
            Some(after) => {
                let key = keys::attachment(id, after.home, after.collection, &after.name);
                range.beyond(&key, false)
            }
            None => range,
        };
        let page = Page {
            rows,
            octets: usize::MAX,
            reverse: false,
        };
        let page = self.backend().scan(range, page).await?;
        let mut holders = Vec::with_capacity(page.rows.len());
        for (key, _) in &page.rows {
            let (_, home, collection, name) = keys::attachment_holder(key)
                .ok_or_else(|| record::corrupt("attachment", "its key is odd"))?;
            holders.push(AttachmentHolder {
                home,
                collection,
                name: name.to_owned(),
            });
        }
        Ok(holders)
    }
}
