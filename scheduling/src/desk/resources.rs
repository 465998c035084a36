//! Rooms and resources that could be had for a meeting.

use std::sync::Arc;

use calendar::free_busy::merge;
use storage::{
    access::Privilege,
    model::{Booking, INBOX_NAME, Principal},
};

use super::{BusyQuery, Desk, properties::home_path, refuse::read_failed};
use crate::{
    Actor, Refusal,
    resources::{ResourceQuery, Span, Vacancy, judge},
};

/// How many rooms and resources one question looks into.
const MAXIMUM_EXAMINED: usize = 500;

/// A room or resource that is what was asked for.
#[derive(Clone, Debug)]
pub struct FoundResource {
    /// Which.
    pub principal: Arc<Principal>,
    /// Whether it can be had.
    pub vacancy: Vacancy,
    /// Which of the spans are taken, in whole or in part.
    pub taken: Vec<Span>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct FoundResources {
    /// The smallest first, those whose capacity nobody said last; alike ones by their names.
    pub resources: Vec<FoundResource>,
    /// There is no more that fits; else, something was left out.
    pub is_whole: bool,
}

impl Desk {
    /// Rooms and resources that fit and that `counts` does not leave out, `limit` of them at most, each with whether
    /// it can be had. Without an actor the installation itself asks, which may know everything.
    ///
    /// What is busy is what a room would say that answers by itself: what it was not yet asked or has not answered
    /// keeps nobody out.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn find_resources(
        &self,
        actor: Option<&Actor>,
        query: &ResourceQuery,
        counts: impl Fn(&Arc<Principal>) -> bool,
        limit: usize,
    ) -> Result<FoundResources, Refusal> {
        let mut fitting = self.store.principals().await.map_err(read_failed)?;
        fitting.retain(|principal| query.fits(principal) && counts(principal));
        fitting.sort_by_key(|principal| principal.capacity.unwrap_or(u32::MAX));
        let is_whole = fitting.len() <= MAXIMUM_EXAMINED;
        fitting.truncate(MAXIMUM_EXAMINED);
        let mut found = FoundResources {
            resources: Vec::new(),
            is_whole,
        };
        for principal in fitting {
            let (vacancy, taken) = self.vacancy(actor, &principal, query).await?;
            if query.only_free && vacancy != Vacancy::Free {
                continue;
            }
            if found.resources.len() >= limit {
                found.is_whole = false;
                break;
            }
            found.resources.push(FoundResource {
                principal,
                vacancy,
                taken,
            });
        }
        Ok(found)
    }

    async fn vacancy(
        &self,
        actor: Option<&Actor>,
        room: &Arc<Principal>,
        query: &ResourceQuery,
    ) -> Result<(Vacancy, Vec<Span>), Refusal> {
        let mode = self
            .booking_for(room, actor.and_then(Actor::signed_in))
            .await?;
        if mode == Booking::DeclineAlways {
            return Ok((Vacancy::NotBookable, Vec::new()));
        }
        let itself = Actor::of(Arc::clone(room));
        let asks = actor.unwrap_or(&itself);
        let inbox = home_path(room).child(INBOX_NAME);
        let opened = self.open_for(asks, &inbox, &[Privilege::ScheduleQueryFreeBusy]);
        match opened.await {
            Ok(_) => {}
            Err(Refusal::Forbidden { .. } | Refusal::NotFound) => {
                return Ok((Vacancy::Unknown, Vec::new()));
            }
            Err(refusal) => return Err(refusal),
        }
        let floating = self.settings.calendar_rules.zone_for(room);
        let busy_query = BusyQuery {
            path: home_path(room),
            deep: true,
            window: query.spans.reach(),
            floating: &floating,
            masked_uid: None,
        };
        let horizon = match mode {
            Booking::None | Booking::AcceptAlways => None,
            _ => self.booking_window(room).end,
        };
        match self.bookings(asks, room, &busy_query, None).await {
            Ok(busy) => Ok(judge(&query.spans, &merge(busy), horizon)),
            // The recurrences take too much work.
            Err(Refusal::Precondition { .. }) => Ok((Vacancy::Unknown, Vec::new())),
            Err(refusal) => Err(refusal),
        }
    }
}
