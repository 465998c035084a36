//! Busy time for those who ask (RFC 6638 §5): what of a person's calendars another may know.

use bytes::Bytes;
use calendar::{
    Budget, CalendarObject, Zone,
    free_busy::{BusyPeriod, busy_periods, merge},
    recurrence::DEFAULT_WORK,
};
use storage::{
    ResourcePath, Stored,
    access::Privilege,
    model::{Collection, CollectionId, CollectionKind, INBOX_NAME, Member, Object, Principal},
};

use super::{
    Desk,
    properties::home_path,
    refuse::{precondition, read_failed},
};
use crate::{
    Actor, ObjectProjection, Precondition, Refusal, engine,
    engine::{Addressee, Directory},
    free_busy::{FreeBusyAnswer, FreeBusyRequest},
};

/// Members read at a time.
const PAGE_ROWS: usize = 500;

/// Says whether a calendar counts for its owner's busy time (RFC 6638 §9.1), which only the protocol
/// layer can read from its properties.
pub type Counts = fn(&Collection) -> bool;

impl Desk {
    /// Answers a question for busy time that was sent to an outbox, person by person.
    ///
    /// Errors: `Forbidden` (`schedule-send-freebusy`), `max-resource-size`, `valid-calendar-data`,
    /// `valid-scheduling-message`, `valid-organizer`.
    pub async fn ask_for_busy_time(
        &self,
        actor: &Actor,
        outbox: &ResourcePath,
        message: Bytes,
        counts: Counts,
    ) -> Result<Vec<FreeBusyAnswer>, Refusal> {
        let opened = self
            .open_for(actor, outbox, Privilege::ScheduleSendFreeBusy)
            .await?;
        let request = self.read_question(message)?;
        let mut addresses = request.attendees.clone();
        addresses.push(request.organizer.clone());
        let mut directory = Directory::new();
        self.look_up(&mut directory, &addresses).await?;
        if !directory.is(&request.organizer, opened.resolution.owner.id) {
            return Err(precondition(
                Precondition::ValidOrganizer,
                "the ORGANIZER must be an address of the outbox's owner",
            ));
        }
        let mut answers = Vec::with_capacity(request.attendees.len());
        for attendee in &request.attendees {
            let (request_status, calendar_data) = self
                .answer_about(actor, directory.get(attendee), attendee, &request, counts)
                .await?;
            answers.push(FreeBusyAnswer {
                recipient: attendee.clone(),
                request_status,
                calendar_data,
            });
        }
        Ok(answers)
    }

    fn read_question(&self, message: Bytes) -> Result<FreeBusyRequest, Refusal> {
        let limits = &self.settings.limits;
        if message.len() as u64 > limits.maximum_resource_octets {
            let detail = format!(
                "at most {} octets are possible",
                limits.maximum_resource_octets
            );
            return Err(precondition(Precondition::MaxResourceSize, detail));
        }
        let object = CalendarObject::parse_shared(message, &calendar::Limits::default())
            .map_err(|error| precondition(Precondition::ValidCalendarData, error.to_string()))?;
        let request = FreeBusyRequest::read(&object)
            .map_err(|fault| precondition(Precondition::ValidSchedulingMessage, fault))?;
        if request.attendees.len() > limits.maximum_attendees {
            let detail = format!(
                "at most {} attendees are possible",
                limits.maximum_attendees
            );
            return Err(precondition(Precondition::ValidSchedulingMessage, detail));
        }
        Ok(request)
    }

    /// REQUEST-STATUS, and where it is a success the answer itself.
    async fn answer_about(
        &self,
        actor: &Actor,
        addressee: &Addressee,
        attendee: &str,
        request: &FreeBusyRequest,
        counts: Counts,
    ) -> Result<(&'static str, Option<Bytes>), Refusal> {
        let principal = match addressee {
            Addressee::Local(principal) if principal.home.is_some() => principal,
            Addressee::UnknownLocal => return Ok(("3.7;Invalid Calendar User", None)),
            Addressee::Local(_) | Addressee::Remote => {
                return Ok(("5.3;No scheduling support for user", None));
            }
        };
        let inbox = home_path(principal).child(INBOX_NAME);
        match self
            .open_for(actor, &inbox, Privilege::ScheduleQueryFreeBusy)
            .await
        {
            Ok(_) => {}
            Err(Refusal::Forbidden { .. } | Refusal::NotFound) => {
                return Ok(("3.8;No authority", None));
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(
            match self.busy_time(actor, principal, request, counts).await? {
                Some(periods) => (
                    "2.0;Success",
                    Some(request.reply(attendee, &merge(periods), self.now())),
                ),
                None => ("5.1;Service unavailable", None),
            },
        )
    }

    /// The busy time of somebody in all their calendars; `None` where finding out takes too much work.
    async fn busy_time(
        &self,
        actor: &Actor,
        principal: &Principal,
        request: &FreeBusyRequest,
        counts: Counts,
    ) -> Result<Option<Vec<BusyPeriod>>, Refusal> {
        let mut periods = Vec::new();
        let mut open: Vec<(CollectionId, ResourcePath)> = principal
            .home
            .into_iter()
            .map(|home| (home, home_path(principal)))
            .collect();
        while let Some((id, path)) = open.pop() {
            let Some(collection) = self.store.collection(id).await.map_err(read_failed)? else {
                continue;
            };
            match collection.kind {
                CollectionKind::Home | CollectionKind::Plain => {
                    open.extend(self.collections_in(&collection, &path).await?);
                }
                CollectionKind::Calendar if counts(&collection) => {
                    match self.open_for(actor, &path, Privilege::ReadFreeBusy).await {
                        Ok(_) => {}
                        Err(Refusal::Forbidden { .. } | Refusal::NotFound) => continue,
                        Err(refusal) => return Err(refusal),
                    }
                    let Some(found) = self
                        .busy_time_in(actor, principal, &collection, request)
                        .await?
                    else {
                        return Ok(None);
                    };
                    periods.extend(found);
                }
                _ => {}
            }
        }
        Ok(Some(periods))
    }

    async fn collections_in(
        &self,
        collection: &Collection,
        path: &ResourcePath,
    ) -> Result<Vec<(CollectionId, ResourcePath)>, Refusal> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .members(collection.id, after.as_deref(), PAGE_ROWS)
                .await;
            let (members, more) = page.map_err(read_failed)?;
            after = members.last().map(|listed| listed.name.clone());
            found.extend(
                members
                    .into_iter()
                    .filter_map(|listed| match listed.member.value {
                        Member::Collection(id) => Some((id, path.child(&listed.name))),
                        Member::Object(_) => None,
                    }),
            );
            if !more {
                return Ok(found);
            }
        }
    }

    async fn busy_time_in(
        &self,
        actor: &Actor,
        principal: &Principal,
        calendar: &Stored<Collection>,
        request: &FreeBusyRequest,
    ) -> Result<Option<Vec<BusyPeriod>>, Refusal> {
        let floating = principal
            .time_zone
            .as_deref()
            .and_then(Zone::named)
            .unwrap_or_else(Zone::utc);
        let is_owner = |address: &str| self.is_address_of(principal, address);
        let mut periods = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .members(calendar.id, after.as_deref(), PAGE_ROWS)
                .await;
            let (members, more) = page.map_err(read_failed)?;
            for listed in &members {
                let Member::Object(object) = &listed.member.value else {
                    continue;
                };
                if !may_be_busy(object, request.masked_uid.as_deref()) {
                    continue;
                }
                let octets = self.octets(actor, object).await?;
                // What cannot be read any more says nothing.
                let Ok(object) = CalendarObject::parse_shared(octets, &calendar::Limits::default())
                else {
                    continue;
                };
                let mut budget = Budget::new(DEFAULT_WORK);
                match busy_periods(&object, &request.window, &floating, &is_owner, &mut budget) {
                    Ok(found) => periods.extend(found),
                    Err(_) => return Ok(None),
                }
            }
            after = members.last().map(|listed| listed.name.clone());
            if !more {
                return Ok(Some(periods));
            }
        }
    }

    /// Whether an address in an object is one of this principal's, without asking the store.
    fn is_address_of(&self, principal: &Principal, address: &str) -> bool {
        let form = engine::normalise(address);
        principal
            .addresses
            .iter()
            .any(|own| engine::normalise(own) == form)
            || super::people::url_path(address)
                .and_then(self.settings.principal_path_to_name)
                .as_deref()
                == Some(&principal.name)
    }
}

/// Whether an object can contribute, as far as its row tells.
fn may_be_busy(object: &Object, masked_uid: Option<&str>) -> bool {
    let Some(facts) = &object.calendar else {
        return false;
    };
    if masked_uid == Some(&facts.uid) {
        return false;
    }
    ObjectProjection::decode(&facts.projection).is_none_or(|projection| {
        let kinds = projection.kinds();
        kinds.may_contain("VEVENT") || kinds.may_contain("VFREEBUSY")
    })
}
