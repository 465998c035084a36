//! What the messages make of copies and inboxes, in the change's own commit.

use bytes::Bytes;
use calendar::{CalendarObject, Component};
use storage::{
    Batch, Timestamp,
    model::{Attachment, CalendarFacts, Object},
};

use super::{
    super::{Desk, admission, attachments},
    Recipient, Recipients,
};
use crate::{
    Refusal,
    log::{LogEntry, Occasion},
    projection::ObjectProjection,
};

/// The new objects of a commit, with the octets that they are made of.
type Made = Vec<(Bytes, Object)>;

impl Desk {
    /// Writes everything that the messages changed into the batch, which then depends upon all that
    /// was read for it. A lock never stops a delivery. What a copy may refer to is what the sender's object
    /// does (`attachments`), and what a copy that was read does already.
    pub(crate) async fn write_recipients(
        &self,
        batch: &mut Batch,
        recipients: &Recipients,
        attachments: &[Attachment],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let known = recipients.attachments(attachments);
        let mut made = Made::new();
        for recipient in recipients.people.values() {
            batch.expect_collection(recipient.inbox.collection());
            recipient.copies.expect(batch);
            if recipient.is_changed {
                self.write_copy(batch, recipient, &mut made, &known, now)
                    .await?;
            }
            if recipient.is_asked {
                self.enqueue_booking(batch, recipient.principal.id, recipient.copies.uid(), now);
            }
            for item in &recipient.inbox_items {
                // A message refers to no attachment: it may lie in the inbox for ever.
                let object = self
                    .delivered_anew(&mut made, &item.object, &[], now)
                    .await?;
                for inbox in recipient.inboxes_for(item) {
                    batch.expect_collection(inbox.collection());
                    batch.put_object(inbox.collection(), &self.fresh_name(), None, &object);
                }
            }
            let entry = LogEntry {
                time: now,
                actor: None,
                occasion: Occasion::Received,
                is_public: recipient.is_public,
                lines: recipient.log.lines().to_vec(),
            };
            self.log(
                batch,
                recipient.inbox.home().id,
                recipient.copies.uid(),
                entry,
            );
        }
        for outstanding in &recipients.outstanding {
            self.write_outstanding(batch, outstanding, now).await?;
        }
        Ok(())
    }

    async fn write_copy(
        &self,
        batch: &mut Batch,
        recipient: &Recipient,
        made: &mut Made,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Recipient {
            copies,
            object,
            calendar_for_new,
            ..
        } = recipient;
        match (&copies.meeting, object) {
            (Some(copy), None) => {
                batch.remove_object(&copy.calendar, &copy.name, &copy.stored);
                let names = std::slice::from_ref(&copy.name);
                self.release_locks(batch, &copy.calendar, names).await?;
            }
            (Some(copy), Some(object)) => {
                let before = Some(&copy.stored.value);
                let mut after = self.delivered(object, before, known, now).await?;
                if let Some(facts) = &mut after.calendar {
                    let is_new = recipient.new_schedule_tag || !facts.scheduling;
                    facts.scheduling |= recipient.is_scheduled && recipient.takes_part_in(object);
                    if !facts.scheduling {
                        // what was published, or came to a list, is nobody's to answer (RFC 6638 §3.1)
                        after.forget_superseded();
                    } else if is_new {
                        facts.schedule_tag = Some(self.fresh_schedule_tag());
                        after.forget_superseded();
                    } else {
                        after.supersede(&copy.stored.etag);
                    }
                }
                batch.put_object(&copy.calendar, &copy.name, Some(&copy.stored), &after);
            }
            (None, Some(object)) => {
                if let Some(calendar) = calendar_for_new {
                    let mut after = self.delivered_anew(made, object, known, now).await?;
                    if let Some(facts) = &mut after.calendar {
                        facts.scheduling = true;
                        facts.schedule_tag = Some(self.fresh_schedule_tag());
                    }
                    batch.put_object(calendar, &self.fresh_name(), None, &after);
                }
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// A new object as the server stores it. Most recipients get the same octets, of which all but the identity is
    /// the same, too; messages, which have a METHOD, are never taken for copies.
    async fn delivered_anew(
        &self,
        made: &mut Made,
        object: &CalendarObject,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<Object, Refusal> {
        let octets = object.to_octets();
        if let Some((_, same)) = made.iter().find(|(of, _)| *of == octets) {
            return Ok(Object {
                id: Some(self.fresh_identity()),
                ..same.clone()
            });
        }
        let new = self.delivered(object, None, known, now).await?;
        made.push((octets, new.clone()));
        Ok(new)
    }

    /// An object as the server stores it, in place of another one.
    async fn delivered(
        &self,
        object: &CalendarObject,
        before: Option<&Object>,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<Object, Refusal> {
        let replaced = before.and_then(|before| before.calendar.as_ref());
        let uid = object
            .entries()
            .find_map(|entry| entry.text("UID"))
            .unwrap_or_default()
            .into_owned();
        let facts = CalendarFacts {
            uid,
            scheduling: replaced.is_some_and(|facts| facts.scheduling),
            schedule_tag: replaced.and_then(|facts| facts.schedule_tag.clone()),
            projection: ObjectProjection::of(object)
                .after(replaced.map(|it| &*it.projection))
                .encode(),
            attachments: attachments::named(object, known),
        };
        let body = self
            .body_beside(object.to_octets(), &facts.attachments)
            .await?;
        let component = object.entries().next().map_or("VEVENT", Component::name);
        Ok(body.into_object(admission::content_type(component), Some(facts), before, now))
    }

    /// RFC 6638 §3.2.10: a tag that was never used before.
    pub(crate) fn fresh_schedule_tag(&self) -> String {
        format!("{:016x}", self.environment().random_u64())
    }

    /// A name for an object that the server makes.
    fn fresh_name(&self) -> String {
        format!("{:032x}.ics", self.environment().random_u128())
    }
}
