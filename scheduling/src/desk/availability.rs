//! When somebody cannot be had, by what the person's scheduling inbox says (RFC 7953 §7.2.4).

use calendar::{
    Budget, CalendarObject, TimeRange, Zone,
    availability::unavailable_periods,
    free_busy::{BusyPeriod, merge},
};
use storage::{
    Found,
    model::{Collection, INBOX_NAME, Principal},
};

use super::{Desk, properties::home_path, refuse::precondition, refuse::read_failed};
use crate::{Precondition, Refusal};

/// Reads the availability that the properties of an inbox hold, and the zone in which its floating times are
/// read, if the inbox has one of its own; else the zone of its owner counts, else UTC.
pub type ReadAvailability = fn(&Collection) -> Option<(CalendarObject, Option<Zone>)>;

impl Desk {
    /// Busy periods together with those in which their owner cannot be had, merged and in order (RFC 7953
    /// §5).
    ///
    /// Errors: `number-of-matches-within-limits` where the recurrences take too much work.
    pub async fn with_availability(
        &self,
        mut periods: Vec<BusyPeriod>,
        owner: &Principal,
        window: &TimeRange,
        read: ReadAvailability,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let inbox = home_path(owner).child(INBOX_NAME);
        let inbox = self.store.resolve(&inbox).await.map_err(read_failed)?;
        let inbox = inbox.filter(|inbox| matches!(inbox.found, Found::Collection));
        let Some((object, zone)) = inbox.and_then(|inbox| read(inbox.collection())) else {
            return Ok(periods);
        };
        let own_zone = || owner.time_zone.as_deref().and_then(Zone::by_reference);
        let zone = zone.or_else(own_zone).unwrap_or_else(Zone::utc);
        let unavailable = unavailable_periods(&object, window, &zone, &mut Budget::default());
        periods.extend(unavailable.map_err(|error| {
            precondition(Precondition::NumberOfMatchesWithinLimits, error.to_string())
        })?);
        Ok(merge(periods))
    }
}
