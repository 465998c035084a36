//! Questions for busy time that are sent to an outbox (RFC 6638 §5): who is asked about, and what is said.

use bytes::Bytes;
use calendar::{CalendarObject, Zone};
use storage::{
    ResourcePath,
    access::Privilege,
    model::{Collection, CollectionId, INBOX_NAME, Principal},
};

use super::{
    BusyQuery, Desk, ReadAvailability,
    properties::home_path,
    refuse::{precondition, read_failed},
};
use crate::{
    Actor, Precondition, Refusal,
    engine::{Addressee, Directory},
    free_busy::{FreeBusyAnswer, FreeBusyRequest},
};

/// What of calendars only the protocol layer can read from their properties.
#[derive(Clone, Copy, Debug)]
pub struct CalendarRules {
    /// Whether a calendar counts for its owner's busy time (RFC 6638 §9.1).
    pub counts: fn(&Collection) -> bool,
    /// The zone in which floating times of a calendar are read, if it has one of its own; else the zone of the
    /// calendar's owner counts, else UTC.
    pub floating: fn(&Collection) -> Option<Zone>,
    /// The availability that an inbox holds.
    pub availability: ReadAvailability,
}

impl CalendarRules {
    /// The zone in which floating times of the owner's calendars are read.
    pub(super) fn zone_for(
        &self,
        owner: &Principal,
    ) -> impl Fn(&Collection) -> Zone + Sync + use<> {
        let own_zone = owner.time_zone.as_deref().and_then(Zone::by_reference);
        let own_zone = own_zone.unwrap_or_else(Zone::utc);
        let floating = self.floating;
        move |calendar| floating(calendar).unwrap_or_else(|| own_zone.clone())
    }
}

impl Desk {
    /// Answers a question for busy time that was sent to an outbox, person by person.
    ///
    /// Errors: `Forbidden` (`schedule-send-freebusy`), `max-resource-size`, `valid-calendar-data`,
    /// `max-attendees-per-instance` (RFC 6638 §11.1), `valid-scheduling-message`, `valid-organizer`.
    pub async fn ask_for_busy_time(
        &self,
        actor: &Actor,
        outbox: &ResourcePath,
        message: Bytes,
        rules: &CalendarRules,
    ) -> Result<Vec<FreeBusyAnswer>, Refusal> {
        let opened = self
            .open_for(actor, outbox, &[Privilege::ScheduleSendFreeBusy])
            .await?;
        let mut request = self.read_question(message)?;
        let home = opened.resolution.home().id;
        self.unmask_unknown(&mut request, home).await?;
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
                .answer_about(actor, directory.get(attendee), attendee, &request, rules)
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
            return Err(precondition(Precondition::MaxAttendeesPerInstance, detail));
        }
        Ok(request)
    }

    /// Who asks as if a meeting were not there has that meeting; else the answers with and without it would tell anybody
    /// whether somebody is in it.
    async fn unmask_unknown(
        &self,
        request: &mut FreeBusyRequest,
        home: CollectionId,
    ) -> Result<(), Refusal> {
        let Some(uid) = &request.masked_uid else {
            return Ok(());
        };
        let own = self.store.find_uid(home, uid).await.map_err(read_failed)?;
        if own.is_empty() {
            request.masked_uid = None;
        }
        Ok(())
    }

    /// REQUEST-STATUS, and where it is a success the answer itself.
    pub(super) async fn answer_about(
        &self,
        actor: &Actor,
        addressee: &Addressee,
        attendee: &str,
        request: &FreeBusyRequest,
        rules: &CalendarRules,
    ) -> Result<(&'static str, Option<Bytes>), Refusal> {
        let principal = match addressee {
            Addressee::Local(principal) if principal.home.is_some() && !principal.disabled => {
                principal
            }
            Addressee::UnknownLocal => return Ok(("3.7;Invalid Calendar User", None)),
            Addressee::Local(_) | Addressee::Remote => {
                return Ok(("5.3;No scheduling support for user", None));
            }
        };
        let inbox = home_path(principal).child(INBOX_NAME);
        match self
            .open_for(actor, &inbox, &[Privilege::ScheduleQueryFreeBusy])
            .await
        {
            Ok(_) => {}
            Err(Refusal::Forbidden { .. } | Refusal::NotFound) => {
                return Ok(("3.8;No authority", None));
            }
            Err(refusal) => return Err(refusal),
        }
        let floating = rules.zone_for(principal);
        let query = BusyQuery {
            path: home_path(principal),
            deep: true,
            window: request.window,
            floating: &floating,
            masked_uid: request.masked_uid.as_deref(),
        };
        let busy = self.busy_periods_below(actor, &query, rules.counts).await;
        let periods = match busy {
            Ok(busy) => {
                self.with_availability(busy, principal, &request.window, rules.availability)
                    .await
            }
            Err(refusal) => Err(refusal),
        };
        match periods {
            Ok(periods) => {
                let reply = request.reply(attendee, &periods, self.now());
                Ok(("2.0;Success", Some(reply)))
            }
            // The recurrences take too much work.
            Err(Refusal::Precondition { .. }) => Ok(("5.1;Service unavailable", None)),
            Err(refusal) => Err(refusal),
        }
    }
}
