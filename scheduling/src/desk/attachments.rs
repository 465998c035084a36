//! Which managed attachments an object refers to, and who may fetch them (RFC 8607).
//!
//! An attachment is made in a home, whose owner alone may refer to it in other objects. Everybody else's
//! object refers to it because it is a copy of one that does: an attendee's of the organizer's. The octets
//! stay as long as any object refers to them.

use bytes::Bytes;
use calendar::{
    CalendarObject,
    attachment::{self, ManagedAttachment},
};
use storage::{
    AttachmentHolder, Found,
    model::{Attachment, AttachmentId, CollectionId, Content, Object},
};

use super::{
    Desk,
    admission::Admitted,
    arrival::Arrival,
    content::entity_tag_of,
    refuse::{precondition, read_failed},
};
use crate::{Actor, Precondition, Refusal};

/// Objects that refer to an attachment which are read at once.
const HOLDERS_AT_ONCE: usize = 100;
/// Objects that refer to an attachment which are looked at for whoever wants to fetch it.
const MAXIMUM_HOLDERS: usize = 2_000;

/// Those of the known attachments that an object names, each once.
pub(super) fn named(object: &CalendarObject, known: &[Attachment]) -> Vec<Attachment> {
    let ids = attachment::managed_ids(object);
    let of_id = |id: &String| known.iter().find(|it| it.id.to_string() == *id);
    ids.iter().filter_map(of_id).cloned().collect()
}

fn known_as(id: AttachmentId, known: &[&[Attachment]]) -> Option<Attachment> {
    let mut all = known.iter().flat_map(|some| some.iter());
    all.find(|it| it.id == id).cloned()
}

impl Desk {
    /// What an object says of an attachment.
    pub(super) fn said(&self, attachment: &Attachment) -> ManagedAttachment {
        let media_type = attachment.media_type.split(';').next().unwrap_or_default();
        ManagedAttachment {
            id: attachment.id.to_string(),
            uri: self
                .settings
                .attachment_url(attachment.id, &attachment.filename),
            media_type: media_type.trim().to_ascii_lowercase(),
            filename: attachment.filename.clone(),
            octets: attachment.length,
        }
    }

    /// Those of the attachments that an arriving object names which it may refer to: what it keeps, what it
    /// brings, and what was made in the same home.
    pub(super) async fn attachments_of_arrival(
        &self,
        arrival: &Arrival<'_>,
    ) -> Result<Vec<Attachment>, Refusal> {
        let replaced = arrival.was().map_or(&[][..], |it| it.attachments());
        let kept = arrival.keeps.map_or(&[][..], Object::attachments);
        let known = [replaced, kept, arrival.attached];
        self.attachments_in(&arrival.admitted.object, arrival.calendar.home, &known)
            .await
    }

    /// Those of the attachments that an object names which are known, or were made in a home.
    pub(super) async fn attachments_in(
        &self,
        object: &CalendarObject,
        home: CollectionId,
        known: &[&[Attachment]],
    ) -> Result<Vec<Attachment>, Refusal> {
        let mut found = Vec::new();
        for id in attachment::managed_ids(object) {
            let Ok(id) = id.parse::<AttachmentId>() else {
                continue;
            };
            match known_as(id, known) {
                Some(known) => found.push(known),
                None => found.extend(self.attachment_made_in(home, id).await?),
            }
        }
        Ok(found)
    }

    /// What is imported into a home, with attachments from elsewhere as nobody manages them (RFC 8607
    /// §3.12.7).
    pub(super) async fn with_attachments_released(
        &self,
        mut admitted: Admitted,
        home: CollectionId,
    ) -> Result<Admitted, Refusal> {
        let own = self.attachments_in(&admitted.object, home, &[]).await?;
        let is_own = |id: &str| own.iter().any(|it| it.id.to_string() == id);
        if attachment::release(&mut admitted.object, is_own) {
            admitted.octets = admitted.object.to_octets();
            admitted.mended = true;
        }
        Ok(admitted)
    }

    /// An attachment that was made in a home, as long as an object there refers to it.
    async fn attachment_made_in(
        &self,
        home: CollectionId,
        id: AttachmentId,
    ) -> Result<Option<Attachment>, Refusal> {
        let holders = self.store.attachment_holders(id, Some(home), None, 1).await;
        let Some(holder) = holders.map_err(read_failed)?.into_iter().next() else {
            return Ok(None);
        };
        let found = self.attachment_held_by(&holder, id).await?;
        Ok(found.filter(|attachment| attachment.home == home))
    }

    async fn attachment_held_by(
        &self,
        holder: &AttachmentHolder,
        id: AttachmentId,
    ) -> Result<Option<Attachment>, Refusal> {
        let object = self.store.object(holder.collection, &holder.name).await;
        let object = object.map_err(read_failed)?;
        let mut attachments = object.iter().flat_map(|object| object.attachments());
        Ok(attachments.find(|it| it.id == id).cloned())
    }

    /// What a client got wrong of the attachments that it kept, set right (RFC 8607 §3.7). `None` where
    /// nothing was.
    pub(super) fn corrected(
        &self,
        admitted: &Admitted,
        attachments: &[Attachment],
    ) -> Option<Admitted> {
        if attachments.is_empty() {
            return None;
        }
        let mut object = admitted.object.clone();
        let mut is_corrected = false;
        for attachment in attachments {
            is_corrected |= attachment::correct(&mut object, &self.said(attachment));
        }
        is_corrected.then(|| Admitted {
            octets: object.to_octets(),
            object,
            mended: true,
            ..admitted.clone()
        })
    }

    /// The attachments of an object that is stored in a calendar: all that it names must be known.
    ///
    /// Errors: `valid-managed-id-parameter`, `max-attachments-per-resource`.
    pub(super) fn checked_attachments(
        &self,
        object: &CalendarObject,
        arrival: &Arrival<'_>,
        known: Vec<Attachment>,
    ) -> Result<Vec<Attachment>, Refusal> {
        let ids = attachment::managed_ids(object);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let attachments = named(object, &known);
        if attachments.len() != ids.len() {
            return Err(precondition(
                Precondition::ValidManagedIdParameter,
                "an ATTACH has a MANAGED-ID that is not of an attachment of this calendar's owner",
            ));
        }
        let replaced = arrival.was().map_or(0, |it| it.attachments().len());
        let maximum = self.settings.limits.maximum_attachments;
        if attachments.len() > maximum.max(replaced) {
            return Err(too_many(maximum));
        }
        Ok(attachments)
    }

    /// Gives an object that is copied or moved from one home to another attachments of its own there, with
    /// the same octets. The octets of the object with their names.
    pub(super) fn adopt_attachments(
        &self,
        object: &mut Object,
        (from, home): (CollectionId, CollectionId),
        octets: Bytes,
    ) -> Result<Bytes, Refusal> {
        let Some(facts) = &mut object.calendar else {
            return Ok(octets);
        };
        if from == home || facts.attachments.is_empty() {
            return Ok(octets);
        }
        let mut parsed = self.parse(octets)?;
        for attachment in &mut facts.attachments {
            let before = attachment.id.to_string();
            attachment.id = self.fresh_attachment_id();
            attachment.home = home;
            attachment::replace(&mut parsed, &before, &self.said(attachment))
                .map_err(super::attach::refuse)?;
        }
        Ok(parsed.to_octets())
    }

    /// The same of an object that comes with its collection.
    pub(super) async fn adopt_copied_attachments(
        &self,
        object: &mut Object,
        homes: (CollectionId, CollectionId),
    ) -> Result<(), Refusal> {
        if homes.0 == homes.1 || object.attachments().is_empty() {
            return Ok(());
        }
        let before = self.store.content(&object.content).await;
        let before = before.map_err(read_failed)?;
        let octets = self.adopt_attachments(object, homes, before)?;
        let body = self.body_beside(octets, object.attachments()).await?;
        (object.content, object.etag) = (body.content, body.etag);
        Ok(())
    }

    /// RFC 8607 §4.3
    pub(super) fn fresh_attachment_id(&self) -> AttachmentId {
        AttachmentId(self.environment().random_u128())
    }

    /// An attachment, as a file, for somebody who may read an object that refers to it; with the name of
    /// its file (RFC 8607 §3.10, §3.12.2).
    ///
    /// Errors: `NotFound`, also for whoever may not read any: that there is one is told to nobody else.
    pub async fn open_attachment(
        &self,
        actor: &Actor,
        id: AttachmentId,
    ) -> Result<(Object, String), Refusal> {
        if let Some(home) = actor.principal.home
            && let Some(found) = self.readable_attachment(actor, id, Some(home)).await?
        {
            return Ok(as_file(found));
        }
        let found = self.readable_attachment(actor, id, None).await?;
        found.map(as_file).ok_or(Refusal::NotFound)
    }

    async fn readable_attachment(
        &self,
        actor: &Actor,
        id: AttachmentId,
        home: Option<CollectionId>,
    ) -> Result<Option<Attachment>, Refusal> {
        let mut after: Option<AttachmentHolder> = None;
        for _ in 0..MAXIMUM_HOLDERS / HOLDERS_AT_ONCE {
            let page = self
                .store
                .attachment_holders(id, home, after.as_ref(), HOLDERS_AT_ONCE)
                .await
                .map_err(read_failed)?;
            for holder in &page {
                let found = self.attachment_seen_in(actor, holder, id).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            match page.into_iter().last() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        Ok(None)
    }

    /// An attachment, where the object refers to it as the actor sees it: what is seen in part has none.
    async fn attachment_seen_in(
        &self,
        actor: &Actor,
        holder: &AttachmentHolder,
        id: AttachmentId,
    ) -> Result<Option<Attachment>, Refusal> {
        let path = self.path_of(holder.collection, &holder.name).await?;
        let Some(path) = path else {
            return Ok(None);
        };
        let opened = match self.open(actor, &path).await {
            Ok(opened) => opened,
            Err(Refusal::NotFound | Refusal::Forbidden { .. }) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        Ok(match &opened.resolution.found {
            Found::Object(object) => known_as(id, &[object.attachments()]),
            _ => None,
        })
    }
}

/// `max-attachments-per-resource`
pub(super) fn too_many(maximum: usize) -> Refusal {
    precondition(
        Precondition::MaxAttachmentsPerResource,
        format!("at most {maximum} attachments are possible"),
    )
}

/// An attachment is served as any file is.
fn as_file(attachment: Attachment) -> (Object, String) {
    let file = Object {
        id: None,
        etag: entity_tag_of(&blake3::Hash::from_bytes(attachment.hash)),
        content: Content::Blob {
            hash: attachment.hash,
            length: attachment.length,
        },
        content_type: attachment.media_type,
        created: attachment.created,
        modified: attachment.created,
        calendar: None,
        properties: storage::model::Properties::new(),
        access: Vec::new(),
    };
    (file, attachment.filename)
}
