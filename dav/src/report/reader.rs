//! Reads facts together with the selected part of calendar data.

use bytes::Bytes;
use calendar::{TooMuchWork, Zone, zone::reference::TimeZones};
use http::HeaderMap;
use scheduling::{Actor, Precondition};
use storage::model::CollectionId;

use crate::{
    error::DavError,
    header::time_zones,
    property::{CalendarData, Facts, Loader, Wanted},
    report::{calendar_data::Selection, floating_zone},
    service::Dav,
    target::Target,
    xml::Element,
};

/// What a report asks for of calendar data.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    selection: Option<Selection>,
    /// The zone of the request, which goes before that of a collection (RFC 4791 §9.8).
    zone: Option<Zone>,
    /// Whether calendar data comes with the zones that it names (RFC 7809 §7.1).
    time_zones: TimeZones,
}

impl Chosen {
    /// What stands in the body and the header fields of the request.
    pub fn read(dav: &Dav, root: Element<'_>, headers: &HeaderMap) -> Result<Chosen, DavError> {
        Ok(Chosen {
            selection: Selection::of_request(root, &dav.desk().settings().limits)?,
            zone: floating_zone::of_request(root)?,
            time_zones: time_zones::parse(headers)?,
        })
    }
}

/// Facts and calendar data for one report, or a part of it.
pub(super) struct Reader<'a> {
    dav: &'a Dav,
    loader: Loader<'a>,
    chosen: &'a Chosen,
    /// The zone of the collection that was asked about last.
    collection_zone: Option<(CollectionId, Zone)>,
}

impl<'a> Reader<'a> {
    /// For a report that asks for this.
    pub fn new(dav: &'a Dav, actor: &'a Actor, wanted: &Wanted, chosen: &'a Chosen) -> Reader<'a> {
        Reader {
            dav,
            loader: Loader::new(dav, actor, wanted.needs()),
            chosen,
            collection_zone: None,
        }
    }

    /// The octets of a calendar object that was opened for the actor; `None` for everything else.
    pub async fn octets(&self, target: &Target) -> Result<Option<Bytes>, DavError> {
        let Target::Stored(resource) = target else {
            return Ok(None);
        };
        match &resource.object {
            Some(object) if object.calendar.is_some() => {
                Ok(Some(self.dav.desk().octets(object).await?))
            }
            _ => Ok(None),
        }
    }

    /// The facts about a resource, with its calendar data where that is asked for; or what is wrong with this
    /// one resource, which is no reason to tell nothing of the others.
    pub async fn facts(&mut self, target: Target) -> Result<Result<Facts, DavError>, DavError> {
        let octets = match self.chosen.selection {
            Some(_) => self.octets(&target).await?,
            None => None,
        };
        let data = match octets {
            Some(octets) => match self.data(&target, &octets) {
                Ok(data) => data,
                Err(error) => return Ok(Err(error)),
            },
            None => None,
        };
        let mut facts = self.loader.facts(target).await?;
        facts.calendar_data = data;
        Ok(Ok(facts))
    }

    /// The facts about a resource without its calendar data.
    pub async fn facts_without_data(&mut self, target: Target) -> Result<Facts, DavError> {
        self.loader.facts(target).await
    }

    /// The selected part of calendar data, where that is asked for.
    ///
    /// # Errors
    /// `number-of-matches-within-limits` where the work on the recurrence set is too much.
    pub fn data(
        &mut self,
        target: &Target,
        octets: &Bytes,
    ) -> Result<Option<CalendarData>, DavError> {
        if self.chosen.selection.is_none() {
            return Ok(None);
        }
        let zone = self.zone_of(target);
        let octets = self.chosen.time_zones.apply(octets.clone());
        let select = |selection: &Selection| {
            let text = selection.apply(&octets, &zone)?;
            let format = selection.format();
            Ok(CalendarData { format, text })
        };
        let data = self.chosen.selection.as_ref().map(select).transpose();
        data.map_err(|error: TooMuchWork| {
            let reason = format!("{}: {error}", target.href());
            DavError::precondition(Precondition::NumberOfMatchesWithinLimits, reason)
        })
    }

    /// The zone in which floating times of a resource are read.
    pub fn zone_of(&mut self, target: &Target) -> Zone {
        if let Some(zone) = &self.chosen.zone {
            return zone.clone();
        }
        let Target::Stored(resource) = target else {
            return Zone::utc();
        };
        let id = resource.collection.id;
        match &self.collection_zone {
            Some((known, zone)) if *known == id => zone.clone(),
            _ => {
                let zone = floating_zone::of_resource(resource);
                self.collection_zone = Some((id, zone.clone()));
                zone
            }
        }
    }
}
