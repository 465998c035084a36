//! Reads facts together with the selected part of calendar data.

use bytes::Bytes;
use calendar::{Zone, zone::reference::TimeZones};
use http::HeaderMap;
use scheduling::{Actor, Precondition};

use crate::{
    error::DavError,
    header::time_zones,
    property::{CalendarData, Facts, Loader, Wanted},
    report::{calendar_data::Selection, floating_zone},
    service::Dav,
    target::Target,
    xml::Element,
};

/// Facts and calendar data for one report.
pub(super) struct Reader<'a> {
    dav: &'a Dav,
    actor: &'a Actor,
    loader: Loader<'a>,
    selection: Option<Selection>,
    /// The zone of the request, which goes before that of a collection (RFC 4791 §9.8).
    zone: Option<Zone>,
    /// Whether calendar data comes with the zones that it names (RFC 7809 §7.1).
    time_zones: TimeZones,
}

impl<'a> Reader<'a> {
    /// For a report that asks for this.
    pub fn new(
        dav: &'a Dav,
        actor: &'a Actor,
        wanted: &Wanted,
        request: Element<'_>,
    ) -> Result<Reader<'a>, DavError> {
        let selection = Selection::of_request(request, &dav.desk().settings().limits)?;
        Ok(Reader {
            dav,
            actor,
            loader: Loader::new(dav, actor, wanted.needs()),
            selection,
            zone: floating_zone::of_request(request)?,
            time_zones: TimeZones::AsStored,
        })
    }

    /// The same, with the zones that the header fields of the request ask for.
    pub fn with_time_zones(mut self, headers: &HeaderMap) -> Result<Reader<'a>, DavError> {
        self.time_zones = time_zones::parse(headers)?;
        Ok(self)
    }

    /// The octets of a calendar object as the actor may see them; `None` for everything else.
    pub async fn octets(&self, target: &Target) -> Result<Option<Bytes>, DavError> {
        let Target::Stored(resource) = target else {
            return Ok(None);
        };
        match &resource.object {
            Some(object) if object.calendar.is_some() => {
                Ok(Some(self.dav.desk().octets(self.actor, object).await?))
            }
            _ => Ok(None),
        }
    }

    /// The facts about a resource, with its calendar data where that is asked for.
    pub async fn facts(&mut self, target: Target) -> Result<Facts, DavError> {
        let octets = match self.selection {
            Some(_) => self.octets(&target).await?,
            None => None,
        };
        self.facts_with(target, octets.as_ref()).await
    }

    /// The same, where the octets were read already.
    pub async fn facts_with(
        &mut self,
        target: Target,
        octets: Option<&Bytes>,
    ) -> Result<Facts, DavError> {
        let mut facts = self.loader.facts(target).await?;
        if let (Some(selection), Some(octets)) = (&self.selection, octets) {
            let octets = self.time_zones.apply(octets.clone());
            let text = selection.apply(&octets, &self.zone_of(&facts.target));
            let text = text.map_err(|error| {
                let reason = format!("{}: {error}", facts.target.href());
                DavError::precondition(Precondition::NumberOfMatchesWithinLimits, reason)
            })?;
            let format = selection.format();
            facts.calendar_data = Some(CalendarData { format, text });
        }
        Ok(facts)
    }

    /// The zone in which floating times of a resource are read.
    pub fn zone_of(&self, target: &Target) -> Zone {
        match (&self.zone, target) {
            (Some(zone), _) => zone.clone(),
            (None, Target::Stored(resource)) => floating_zone::of_resource(resource),
            (None, _) => Zone::utc(),
        }
    }
}
