//! Looks whether calendar objects are what their rows say of them, and whether they are iCalendar at all.
//!
//! The octets are the truth. What was derived from them when they were written (entity tag, UID,
//! projection) can be derived again; octets that are not iCalendar are left as they are.

use calendar::check::check;
use serde::de::DeserializeOwned;
use storage::{
    CheckEvent, Damage, ObjectPlace, Store, Stored,
    backend::{CommitError, ReadError},
    model::{
        ASK_AGAIN_QUEUE, AskAgain, CalendarFacts, Collection, CollectionKind,
        DORMANT_MEMBERSHIP_QUEUE, ENABLED_QUEUE, Enabled, MEMBERSHIP_QUEUE, MembershipChange,
        Object, Work, WorkId,
    },
};
use tokio::sync::mpsc;

use super::{
    ANSWERED_QUEUE, BOOKING_QUEUE, DELIVERY_QUEUE, HELD_ANSWER_QUEUE, MAIL_STATUS_QUEUE,
    REFRESH_QUEUE,
    booking::Invitation,
    content::entity_tag,
    held_answers::HeldAnswers,
    inbox::Answered,
    mail_status::MailFates,
    mailing::Mailings,
    outstanding::{LETTERS_BEHIND_QUEUE, LETTERS_QUEUE, Letters, Turn},
    refresh::Refresh,
};
use crate::{
    mail::{self, OutgoingMessage},
    parse_stored,
    projection::ObjectProjection,
};

/// Objects read at once.
const PAGE_ROWS: usize = 100;
/// Rows of work read at once.
const WORK_ROWS: usize = 10;
/// Objects between two words of progress.
const PROGRESS_OBJECTS: u64 = 10_000;
/// Says whether a row of work asks for something.
pub(super) type IsReadable = fn(&Work) -> bool;

/// The queues.
pub(super) const QUEUES: [(&str, IsReadable); 16] = [
    (mail::QUEUE, |row| {
        OutgoingMessage::decode(&row.payload).is_some()
    }),
    (mail::HELD_QUEUE, |row| {
        OutgoingMessage::decode(&row.payload).is_some()
    }),
    (mail::MAILING_QUEUE, is_some::<Mailings>),
    (mail::HELD_MAILING_QUEUE, is_some::<Mailings>),
    (DELIVERY_QUEUE, is_some::<Turn>),
    (LETTERS_QUEUE, is_letters),
    (LETTERS_BEHIND_QUEUE, is_letters),
    (MAIL_STATUS_QUEUE, is_some::<MailFates>),
    (REFRESH_QUEUE, is_some::<Refresh>),
    (BOOKING_QUEUE, is_some::<Invitation>),
    (ASK_AGAIN_QUEUE, is_some::<AskAgain>),
    (ANSWERED_QUEUE, is_some::<Answered>),
    (HELD_ANSWER_QUEUE, is_some::<HeldAnswers>),
    (MEMBERSHIP_QUEUE, is_membership_change),
    (DORMANT_MEMBERSHIP_QUEUE, is_membership_change),
    (ENABLED_QUEUE, is_some::<Enabled>),
];
/// The kind of finding.
const OBJECT: &str = "calendar object";

fn is_some<Task: DeserializeOwned>(row: &Work) -> bool {
    row.task::<Task>().is_some()
}

fn is_letters(row: &Work) -> bool {
    Letters::of(row).is_some()
}

fn is_membership_change(row: &Work) -> bool {
    MembershipChange::of(row).is_some()
}

/// What is wrong with one object.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    /// The object as it should be, where that follows from its octets.
    mended: Option<Box<Object>>,
}

/// Checks every calendar object and every mail and delivery that waits, in pages, and tells of it; with
/// `repair`, derives again what follows from the octets, one object in a commit. May be broken off
/// anywhere, and goes on while others write. Comes after [`Store::check_aloud`], which finds what cannot
/// even be read.
pub async fn audit(
    store: &Store,
    repair: bool,
    events: mpsc::Sender<CheckEvent>,
) -> Result<(), CommitError> {
    let mut audit = Audit {
        store,
        repair,
        events,
        header: None,
    };
    audit.objects().await?;
    audit.work().await
}

struct Audit<'a> {
    store: &'a Store,
    repair: bool,
    events: mpsc::Sender<CheckEvent>,
    /// That of the collection last looked at; `None` within where it cannot be read.
    header: Option<(storage::model::CollectionId, Option<Stored<Collection>>)>,
}

impl Audit<'_> {
    async fn objects(&mut self) -> Result<(), CommitError> {
        let what = "calendar objects";
        let mut objects = 0;
        self.tell(CheckEvent::Reading { what, rows: 0 }).await?;
        let mut after = None;
        loop {
            let (places, next) = self.store.every_object(after, PAGE_ROWS).await?;
            for place in places {
                objects += 1;
                if objects % PROGRESS_OBJECTS == 0 {
                    let rows = objects;
                    self.tell(CheckEvent::Reading { what, rows }).await?;
                }
                self.object(place).await?;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn object(&mut self, place: ObjectPlace) -> Result<(), CommitError> {
        let Some(header) = self.header_of(&place).await? else {
            return Ok(());
        };
        if !matches!(
            header.kind,
            CollectionKind::Calendar | CollectionKind::Inbox
        ) {
            return Ok(());
        }
        let octets = match self.store.content(&place.object.content).await {
            Ok(octets) => octets,
            // That is found where blobs are looked at.
            Err(ReadError::Corrupt(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let Some(fault) = judge(header.kind, &place.object, &octets) else {
            return Ok(());
        };
        let damage = Damage {
            row: OBJECT,
            detail: format!(
                "{:?} in collection {:016x}: {}",
                place.name, place.collection.0, fault.what
            ),
            can_be_mended: fault.mended.is_some(),
        };
        self.tell(CheckEvent::Found(damage)).await?;
        let Some(mended) = fault.mended.filter(|_| self.repair) else {
            return Ok(());
        };
        let mut batch = self.store.batch();
        batch.put_object(&header, &place.name, Some(&place.object), &mended);
        match self.store.commit(batch).await {
            Ok(_) => {
                let what = "it was derived from the object again".to_owned();
                self.tell(CheckEvent::Mended(what)).await
            }
            // Somebody wrote it and derived it with that, or its UID is another's too.
            Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn header_of(
        &mut self,
        place: &ObjectPlace,
    ) -> Result<Option<Stored<Collection>>, CommitError> {
        match &self.header {
            Some((known, header)) if *known == place.collection => Ok(header.clone()),
            _ => {
                let header = match self.store.collection(place.collection).await {
                    Ok(header) => header,
                    Err(ReadError::Corrupt(_)) => None,
                    Err(error) => return Err(error.into()),
                };
                self.header = Some((place.collection, header.clone()));
                Ok(header)
            }
        }
    }

    /// What waits is in a form that its worker understands.
    async fn work(&mut self) -> Result<(), CommitError> {
        for (queue, is_readable) in QUEUES {
            let mut after: Option<WorkId> = None;
            loop {
                let page = self
                    .store
                    .list_unread_work(queue, after.as_ref(), WORK_ROWS);
                let page = page.await?;
                let Some(last) = page.last() else {
                    break;
                };
                after = Some(last.id.clone());
                for row in &page {
                    match self.store.work(queue, &row.id).await {
                        Ok(Some(work)) if !is_readable(&work) => {
                            self.tell(unknown_form(queue, &row.id)).await?;
                        }
                        // One that cannot even be read was found before.
                        Ok(_) | Err(ReadError::Corrupt(_)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, event: CheckEvent) -> Result<(), CommitError> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| CommitError::Unavailable("the check was broken off".to_owned()))
    }
}

fn unknown_form(queue: &str, WorkId { id, .. }: &WorkId) -> CheckEvent {
    CheckEvent::Found(Damage {
        row: "work",
        detail: format!("{id:032x} in the queue {queue} is in no known form"),
        can_be_mended: false,
    })
}

/// Compares an object's row with its octets.
fn judge(kind: CollectionKind, object: &Object, octets: &bytes::Bytes) -> Option<Fault> {
    let left = |what: String| Some(Fault { what, mended: None });
    let parsed = match parse_stored(octets.clone()) {
        Ok(parsed) => parsed,
        Err(error) => return left(format!("it is not iCalendar: {error}")),
    };
    let Some(known) = &object.calendar else {
        return left("its row does not say that it is a calendar object".to_owned());
    };
    let mut wrong = Vec::new();
    let mut uid = known.uid.clone();
    // A message in an inbox has a METHOD, and is no calendar object resource (RFC 6638 §2.2).
    if kind == CollectionKind::Calendar {
        match check(&parsed) {
            Ok(facts) if facts.uid == uid => {}
            Ok(facts) => {
                wrong.push("the UID in its row is another");
                uid = facts.uid.to_string();
            }
            Err(fault) => return left(format!("it could not be stored today: {fault}")),
        }
    }
    let projection = ObjectProjection::of(&parsed);
    // One of other rules is computed again when it is needed.
    let is_current = ObjectProjection::decode(&known.projection)
        .is_none_or(|known| known.is_of_same_object(&projection));
    if !is_current {
        wrong.push("its row says other times or kinds than it has");
    }
    let etag = entity_tag(octets);
    if object.etag != etag {
        wrong.push("its entity tag is that of other octets");
    }
    if wrong.is_empty() {
        return None;
    }
    let mended = Object {
        etag,
        calendar: Some(CalendarFacts {
            uid,
            projection: projection.encode(),
            ..known.clone()
        }),
        ..object.clone()
    };
    Some(Fault {
        what: wrong.join(", and "),
        mended: Some(Box::new(mended)),
    })
}
