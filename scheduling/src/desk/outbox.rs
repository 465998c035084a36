//! Questions for busy time that are sent to an outbox (RFC 6638 §5): who is asked about, and what is said.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use calendar::{
    CalendarObject, Zone,
    free_busy::{BusyPeriod, merge},
};
use storage::{
    ResourcePath,
    access::Privilege,
    model::{Collection, CollectionId, INBOX_NAME, Principal, PrincipalKind},
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

/// When somebody is busy, or the REQUEST-STATUS that says why that is not told.
type Times = Result<Vec<BusyPeriod>, &'static str>;

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
        // RFC 6638 §6.1: others tell the one in whose name they are asked.
        let asks = Actor::of(Arc::clone(&opened.resolution.owner));
        let mut answers = Vec::with_capacity(request.attendees.len());
        let mut known = BTreeMap::new();
        for attendee in &request.attendees {
            let people = self.asked_about(directory.get(attendee)).await?;
            if people.len() > self.settings.limits.maximum_attendees {
                return Err(self.too_many_attendees());
            }
            let mut all = Ok(Vec::new());
            for person in &people {
                let times = match reachable(person) {
                    Err(status) => Err(status),
                    // who has several addresses is looked at once
                    Ok(principal) => match known.get(&principal.id) {
                        Some(times) => Times::clone(times),
                        None => {
                            let times = self.times_of(&asks, principal, &request).await?;
                            known.insert(principal.id, times.clone());
                            times
                        }
                    },
                };
                all = together(all, times);
            }
            answers.push(self.free_busy_answer(attendee, &request, all.map(merge)));
        }
        Ok(answers)
    }

    /// Whom somebody asks about: a group is all who are invited with it. They get one answer (RFC 6638 §5: one for each
    /// calendar user in the question), for a client shows what it is told about the address that it asked for.
    async fn asked_about(&self, addressee: &Addressee) -> Result<Vec<Addressee>, Refusal> {
        let group = match addressee {
            Addressee::Local(group) if group.kind == PrincipalKind::Group => group,
            person => return Ok(vec![person.clone()]),
        };
        let members = self.store.members_of_all(&[group.id]).await;
        let members = members.map_err(read_failed)?.into_iter();
        let people: Vec<Addressee> = members
            .map(Addressee::Local)
            .filter(|member| reachable(member).is_ok())
            .collect();
        Ok(match people.is_empty() {
            true => vec![addressee.clone()],
            false => people,
        })
    }

    /// What somebody answers about an address of theirs.
    pub(super) async fn answer_about(
        &self,
        asks: &Actor,
        addressee: &Addressee,
        attendee: &str,
        request: &FreeBusyRequest,
    ) -> Result<FreeBusyAnswer, Refusal> {
        let times = match reachable(addressee) {
            Ok(principal) => self.times_of(asks, principal, request).await?,
            Err(status) => Err(status),
        };
        Ok(self.free_busy_answer(attendee, request, times))
    }

    fn free_busy_answer(
        &self,
        attendee: &str,
        request: &FreeBusyRequest,
        times: Times,
    ) -> FreeBusyAnswer {
        let reply = times.map(|periods| request.reply(attendee, &periods, self.now()));
        FreeBusyAnswer {
            recipient: attendee.to_owned(),
            request_status: reply.as_ref().err().copied().unwrap_or("2.0;Success"),
            calendar_data: reply.ok(),
        }
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
        match request.attendees.len() > limits.maximum_attendees {
            true => Err(self.too_many_attendees()),
            false => Ok(request),
        }
    }

    fn too_many_attendees(&self) -> Refusal {
        let maximum = self.settings.limits.maximum_attendees;
        let detail = format!("at most {maximum} attendees are possible");
        precondition(Precondition::MaxAttendeesPerInstance, detail)
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

    /// When somebody is busy, or the REQUEST-STATUS that says why that is not told.
    async fn times_of(
        &self,
        asks: &Actor,
        principal: &Arc<Principal>,
        request: &FreeBusyRequest,
    ) -> Result<Times, Refusal> {
        let inbox = home_path(principal).child(INBOX_NAME);
        match self
            .open_for(asks, &inbox, &[Privilege::ScheduleQueryFreeBusy])
            .await
        {
            Ok(_) => {}
            Err(Refusal::Forbidden { .. } | Refusal::NotFound) => {
                return Ok(Err("3.8;No authority"));
            }
            Err(refusal) => return Err(refusal),
        }
        let rules = &self.settings.calendar_rules;
        let floating = rules.zone_for(principal);
        let query = BusyQuery {
            path: home_path(principal),
            deep: true,
            window: request.window,
            floating: &floating,
            masked_uid: request.masked_uid.as_deref(),
        };
        let busy = self.busy_periods_below(asks, &query).await;
        let periods = match busy {
            Ok(busy) => {
                self.with_availability(busy, principal, &request.window, rules.availability)
                    .await
            }
            Err(refusal) => Err(refusal),
        };
        match periods {
            Ok(periods) => Ok(Ok(periods)),
            // The recurrences take too much work.
            Err(Refusal::Precondition { .. }) => Ok(Err("5.1;Service unavailable")),
            Err(refusal) => Err(refusal),
        }
    }
}

/// When at least one of several is busy. Where that is not told of one, it is told of none: nobody's time is shown as free
/// that is not known.
fn together(all: Times, times: Times) -> Times {
    let mut all = all?;
    all.extend(times?);
    Ok(all)
}

/// Whom one can ask; else the REQUEST-STATUS that says why not.
fn reachable(addressee: &Addressee) -> Result<&Arc<Principal>, &'static str> {
    match addressee {
        Addressee::Local(principal) if principal.home.is_some() && !principal.disabled => {
            Ok(principal)
        }
        Addressee::UnknownLocal => Err("3.7;Invalid Calendar User"),
        Addressee::Local(_) | Addressee::Remote => Err("5.3;No scheduling support for user"),
    }
}
