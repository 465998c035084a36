//! What the people here have who are to hear of a change, in few reads.

use std::sync::Arc;

use storage::{
    Found, Resolution, Stored,
    access::{Delegation, Privilege},
    model::{
        Collection, CollectionId, CollectionKind, INBOX_NAME, InvitationRecipients, Member,
        Principal, PrincipalId,
    },
};

use super::{
    super::{
        Desk, collection::takes_component, copy::Copies, members::Members, properties::home_path,
        refuse::read_failed,
    },
    Reader, Recipient, Recipients,
};
use crate::{
    Actor, Classification, Refusal,
    engine::{Delivery, Message},
    log::Lines,
};

/// The most delegates who find somebody's invitations in their inboxes, so that a commit stays bounded: the
/// first ones in the order in which they were named.
const MAXIMUM_READERS: usize = 10;

/// Whether a calendar takes what a message is about.
fn takes(calendar: &Collection, message: &Message) -> bool {
    let mut entries = message.object.entries();
    entries.all(|entry| takes_component(calendar, entry.name()))
}

/// Somebody who is not read yet, and what comes to them.
type New<'a> = (&'a Arc<Principal>, &'a Message);

impl Desk {
    /// Reads what the recipients of these deliveries have, unless it was read already. `sender` is the
    /// owner of the calendar that the messages come from.
    pub(crate) async fn load_recipients(
        &self,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        deliveries: &[Delivery],
    ) -> Result<(), Refusal> {
        let unreadable = self.load_readable_recipients(recipients, sender, deliveries);
        match unreadable.await?.into_iter().next() {
            Some((_, damage)) => Err(damage),
            None => Ok(()),
        }
    }

    /// The same as far as it can be read; for whom it cannot, and why.
    pub(crate) async fn load_readable_recipients(
        &self,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        deliveries: &[Delivery],
    ) -> Result<Vec<(PrincipalId, Refusal)>, Refusal> {
        let mut new: Vec<New<'_>> = Vec::new();
        for delivery in deliveries {
            let id = delivery.recipient.id;
            if !recipients.people.contains_key(&id) && !new.iter().any(|(known, _)| known.id == id)
            {
                new.push((&delivery.recipient, &delivery.message));
            }
        }
        match self.load_together(recipients, sender, &new).await {
            // what is damaged with one of them is damaged for that one
            Err(Refusal::Damaged(_)) => {}
            loaded => return loaded,
        }
        let mut unreadable = Vec::new();
        for one in new {
            match self.load_together(recipients, sender, &[one]).await {
                Ok(damaged) => unreadable.extend(damaged),
                Err(damage @ Refusal::Damaged(_)) => unreadable.push((one.0.id, damage)),
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(unreadable)
    }

    /// Errors: `Damaged` where what is read of all at once cannot be read of one of them.
    async fn load_together(
        &self,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        new: &[New<'_>],
    ) -> Result<Vec<(PrincipalId, Refusal)>, Refusal> {
        let mut unreadable = Vec::new();
        let paths: Vec<_> = new
            .iter()
            .map(|(principal, _)| home_path(principal).child(INBOX_NAME))
            .collect();
        let inboxes = self.store.resolve_many(&paths).await.map_err(read_failed)?;
        let ids: Vec<CollectionId> = new
            .iter()
            .filter_map(|(principal, _)| principal.default_calendar)
            .collect();
        let calendars = self.store.collections(&ids).await.map_err(read_failed)?;
        let calendars: Vec<Stored<Collection>> = calendars.into_iter().flatten().collect();
        for ((principal, message), inbox) in new.iter().zip(inboxes) {
            let Some(inbox) = inbox.filter(|it| matches!(it.found, Found::Collection)) else {
                continue;
            };
            let default = calendars
                .iter()
                .find(|it| Some(it.id) == principal.default_calendar);
            let home = inbox.home().id;
            let known = recipients.known.take_if(|it| it.are_of(home, &message.uid));
            let found = (inbox, known);
            let recipient = self.load_recipient(sender, principal, message, found, default);
            match recipient.await {
                Ok(recipient) => drop(recipients.people.insert(principal.id, recipient)),
                Err(damage @ Refusal::Damaged(_)) => unreadable.push((principal.id, damage)),
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(unreadable)
    }

    async fn load_recipient(
        &self,
        sender: &Arc<Principal>,
        principal: &Arc<Principal>,
        message: &Message,
        (inbox, known): (Resolution, Option<Copies>),
        default_calendar: Option<&Stored<Collection>>,
    ) -> Result<Recipient, Refusal> {
        let home = inbox.home().id;
        let mut copies = match known {
            Some(known) => known,
            None => self.copies(home, &message.uid).await?,
        };
        // whoever was invited before has that copy, whatever else has its UID
        let object = copies.meeting.as_ref().map(|copy| copy.object.clone());
        let default_calendar = default_calendar.filter(|it| !it.is_detached());
        if let Some(default) = default_calendar {
            copies.give_way(default.id, &message.object);
        }
        let calendar_for_new = match (default_calendar, &copies.meeting) {
            (Some(default), None) if !takes(default, message) || copies.stands_in(default.id) => {
                self.other_calendar(home, message, &copies).await?
            }
            _ => None,
        };
        let sender = Actor::of(Arc::clone(sender));
        let held = self.privileges(&sender, &inbox).await?;
        let room = self.room(inbox.home().id).await?;
        let delegates = self.readers_of_invitations(principal).await?;
        let leaves = principal.invitations_to == InvitationRecipients::Delegates;
        Ok(Recipient {
            leaves_invitations: leaves,
            delegates,
            principal: Arc::clone(principal),
            may_invite: held.has(Privilege::ScheduleDeliverInvite),
            may_reply: held.has(Privilege::ScheduleDeliverReply),
            inbox,
            calendar_for_new: calendar_for_new.or(default_calendar.cloned()),
            room,
            object,
            is_public: copies
                .meeting
                .as_ref()
                .is_none_or(|copy| Classification::is_public(&copy.object)),
            copies,
            called_off: None,
            removed: None,
            is_changed: false,
            new_schedule_tag: false,
            is_scheduled: false,
            inbox_items: Vec::new(),
            is_asked: false,
            answer_differs: false,
            log: Lines::default(),
        })
    }

    /// The first calendar of a home, by its name, in which what a message is about can stand: for a to-do, where the default
    /// calendar is for events alone; for a meeting, where another event there has its UID.
    async fn other_calendar(
        &self,
        home: CollectionId,
        message: &Message,
        copies: &Copies,
    ) -> Result<Option<Stored<Collection>>, Refusal> {
        let mut members = Members::of(home);
        while let Some(page) = self.next_members(&mut members).await? {
            let ids = page.iter().filter_map(|listed| match listed.member.value {
                Member::Collection(id) => Some(id),
                Member::Object(_) => None,
            });
            let ids: Vec<CollectionId> = ids.collect();
            let calendars = self.store.collections(&ids).await.map_err(read_failed)?;
            let mut calendars = calendars.into_iter().flatten();
            let has_place = |it: &Stored<Collection>| {
                it.kind == CollectionKind::Calendar
                    && !it.is_detached()
                    && takes(it, message)
                    && !copies.stands_in(it.id)
            };
            if let Some(found) = calendars.find(has_place) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The delegates who find the principal's invitations in their inboxes, too.
    async fn readers_of_invitations(&self, principal: &Principal) -> Result<Vec<Reader>, Refusal> {
        if principal.invitations_to == InvitationRecipients::Manager {
            return Ok(Vec::new());
        }
        let delegates: Vec<PrincipalId> = principal.delegates_in(Delegation::Answer).collect();
        let people = self.store.members_of_all(&delegates).await;
        let mut people = people.map_err(read_failed)?;
        people.retain(|it| it.id != principal.id && !it.disabled && it.home.is_some());
        people.truncate(MAXIMUM_READERS);
        let trusted: Vec<PrincipalId> = principal.delegates_in(Delegation::Private).collect();
        let trusted = self.store.members_of_all(&trusted).await;
        let trusted = trusted.map_err(read_failed)?;
        let sees_private = |id| trusted.iter().any(|it| it.id == id);
        let paths: Vec<_> = people
            .iter()
            .map(|it| home_path(it).child(INBOX_NAME))
            .collect();
        let inboxes = self.store.resolve_many(&paths).await.map_err(read_failed)?;
        let readers = people.iter().zip(inboxes).filter_map(|(person, inbox)| {
            Some(Reader {
                inbox: inbox.filter(|it| matches!(it.found, Found::Collection))?,
                sees_private: sees_private(person.id),
            })
        });
        Ok(readers.collect())
    }

    /// The inboxes in which delegates find the principal's invitations.
    pub(crate) async fn inboxes_of_delegates(
        &self,
        principal: &Principal,
    ) -> Result<Vec<Resolution>, Refusal> {
        let readers = self.readers_of_invitations(principal).await?;
        Ok(readers.into_iter().map(|reader| reader.inbox).collect())
    }

    /// How many octets a home may still grow by; `None` without a quota (RFC 4331).
    async fn room(&self, home: CollectionId) -> Result<Option<u64>, Refusal> {
        let Some(quota) = self.settings.limits.quota_octets else {
            return Ok(None);
        };
        let used = self.store.used_octets(home).await.map_err(read_failed)?;
        Ok(Some(quota.saturating_sub(used)))
    }
}
