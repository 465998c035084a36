//! Moving calendars in and out: the operations of the commands import, export and migrate on the data. They
//! run in the process of the server (asked over the control socket), or in a command that opened the folder
//! itself. Each is bounded; the commands repeat them.
//!
//! [`files`] and [`radicale`] read what is imported from folders, [`remote`] from another server; [`intake`]
//! puts it into calendars and counts; [`outgoing`] writes folders and streams.

pub mod files;
pub mod intake;
pub mod outgoing;
pub mod radicale;
pub mod remote;

use std::sync::Arc;

use bytes::Bytes;
use dav::CalendarDescription;
use scheduling::{
    Actor, Conditions, Desk, Refusal,
    desk::{Import, Imported, IncomingObject, MakeCollection, OnConflict},
};
use serde::{Deserialize, Serialize};
use storage::{
    Found, Listed, ResourcePath, Uuid,
    model::{CollectionKind, Member, Principal},
};

/// Objects that are given out at once.
const OBJECTS_AT_ONCE: usize = 200;
/// Members that are looked at at once for where they came from.
const ORIGINS_AT_ONCE: usize = 1_000;
/// Octets beyond which no more objects are given out at once.
const OCTETS_AT_ONCE: usize = 2 * 1024 * 1024;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Which calendars somebody has.
    ListCalendars {
        /// Whose.
        owner: String,
    },
    /// Makes a calendar.
    MakeCalendar {
        /// Whose.
        owner: String,
        /// Its name in the home.
        name: String,
        /// What people see of it.
        description: Box<CalendarDescription>,
        /// The component names it takes, upper case; empty takes all.
        components: Vec<String>,
    },
    /// Imports objects into a calendar; nobody hears of it.
    ImportObjects {
        /// Whose.
        owner: String,
        /// The calendar's name.
        calendar: String,
        /// The objects.
        objects: Vec<Incoming>,
        /// What becomes of objects that stand there already.
        on_conflict: OnConflict,
        /// Nothing is written.
        dry_run: bool,
    },
    /// Where some of the objects of a calendar came from.
    ListOrigins {
        /// Whose.
        owner: String,
        /// The calendar's name.
        calendar: String,
        /// Those behind this name.
        after: Option<String>,
    },
    /// Some of the objects of a calendar.
    ExportObjects {
        /// Whose.
        owner: String,
        /// The calendar's name.
        calendar: String,
        /// Those behind this name.
        after: Option<String>,
    },
}

/// One state of one resource of another server. It says neither which server nor which resource.
pub type Origin = [u8; 16];

/// The origin of what stands at an address, as long as it has this entity tag there.
fn origin_of(address: &str, entity_tag: &str) -> Origin {
    let parts = [address.as_bytes(), entity_tag.as_bytes()];
    Uuid::derived("Convoke 2026-11 origin of an object", &parts).to_octets()
}

/// An object on its way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// One VCALENDAR.
    pub text: String,
    /// Where it came from, by which it is known if it comes again.
    pub origin: Option<Origin>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// The calendars.
    Calendars(Vec<Calendar>),
    /// The calendar is there.
    Made,
    /// What became of each object.
    Imported(Vec<Outcome>),
    /// Where objects came from that somebody migrated, and the name behind which there are more.
    Origins(Vec<Origin>, Option<String>),
    /// Objects with their names, and whether there are more.
    Objects(Vec<(String, String)>, bool),
    /// Nothing was done: why.
    Refused(String),
}

/// One calendar of somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Its name in the home.
    pub name: String,
    /// What people see of it.
    pub description: CalendarDescription,
    /// The component names it takes, upper case; empty takes all.
    pub components: Vec<String>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is new in the calendar.
    Created,
    /// It replaced what stood there.
    Updated,
    /// What stands there says the same.
    Unchanged,
    /// What stands there is another one, and stays.
    Kept,
    /// It is not stored: why.
    Refused(String),
}

impl intake::Performer for Desk {
    async fn perform(&self, ask: &Ask) -> Result<Told, String> {
        Ok(perform(self, ask.clone()).await)
    }
}

/// Does one operation.
pub async fn perform(desk: &Desk, ask: Ask) -> Told {
    answer(desk, ask)
        .await
        .unwrap_or_else(|refusal| Told::Refused(words(&refusal)))
}

async fn answer(desk: &Desk, ask: Ask) -> Result<Told, Refusal> {
    match ask {
        Ask::ListCalendars { owner } => match home_of(desk, &owner).await? {
            Ok((actor, home)) => list(desk, &actor, &home).await,
            Err(nobody) => Ok(nobody),
        },
        Ask::MakeCalendar {
            owner,
            name,
            description,
            components,
        } => match home_of(desk, &owner).await? {
            Ok((actor, home)) => {
                let make = MakeCollection {
                    path: home.child(&name),
                    kind: CollectionKind::Calendar,
                    components,
                    properties: description.properties(),
                    conditions: Conditions::default(),
                };
                desk.make_collection(&actor, make)
                    .await
                    .map(|()| Told::Made)
            }
            Err(nobody) => Ok(nobody),
        },
        Ask::ImportObjects {
            owner,
            calendar,
            objects,
            on_conflict,
            dry_run,
        } => match home_of(desk, &owner).await? {
            Ok((actor, home)) => {
                let import = Import {
                    calendar: home.child(&calendar),
                    on_conflict,
                    conditions: Conditions::default(),
                    dry_run,
                };
                let objects: Vec<IncomingObject> = objects.into_iter().map(incoming).collect();
                let done = desk.import(&actor, &import, &objects).await?;
                Ok(Told::Imported(done.into_iter().map(outcome).collect()))
            }
            Err(nobody) => Ok(nobody),
        },
        Ask::ListOrigins {
            owner,
            calendar,
            after,
        } => match home_of(desk, &owner).await? {
            Ok((actor, home)) => origins(desk, &actor, &home.child(&calendar), after).await,
            Err(nobody) => Ok(nobody),
        },
        Ask::ExportObjects {
            owner,
            calendar,
            after,
        } => match home_of(desk, &owner).await? {
            Ok((actor, home)) => objects(desk, &actor, &home.child(&calendar), after).await,
            Err(nobody) => Ok(nobody),
        },
    }
}

/// An administrator's command acts as the owner; `Err` where nobody of that name has calendars.
async fn home_of(desk: &Desk, owner: &str) -> Result<Result<(Actor, ResourcePath), Told>, Refusal> {
    let found = desk.store().principal_by_name(owner).await;
    let found = found.map_err(|error| Refusal::Unavailable(error.to_string()))?;
    let Some(principal) = found.filter(|it| it.home.is_some()) else {
        let nobody = format!("nobody named \"{owner}\" has calendars");
        return Ok(Err(Told::Refused(nobody)));
    };
    let home = home_path(&principal);
    let actor = Actor::of(principal);
    Ok(Ok((actor, home)))
}

fn home_path(principal: &Arc<Principal>) -> ResourcePath {
    ResourcePath {
        owner_kind: principal.kind,
        owner_name: principal.name.clone(),
        segments: Vec::new(),
    }
}

async fn list(desk: &Desk, actor: &Actor, home: &ResourcePath) -> Result<Told, Refusal> {
    let unreadable = |error: storage::backend::ReadError| Refusal::Unavailable(error.to_string());
    let opened = desk.open(actor, home).await?;
    let (mut calendars, mut after): (_, Option<String>) = (Vec::new(), None);
    loop {
        let id = opened.resolution.collection().id;
        let page = desk.store().members(id, after.as_deref(), OBJECTS_AT_ONCE);
        let (members, more) = page.await.map_err(unreadable)?;
        after = members.last().map(|listed| listed.name.clone());
        for listed in members {
            let Member::Collection(id) = listed.member.value else {
                continue;
            };
            let found = desk.store().collection(id).await.map_err(unreadable)?;
            let calendar = found.filter(|it| it.kind == CollectionKind::Calendar);
            calendars.extend(calendar.map(|calendar| Calendar {
                name: listed.name,
                description: CalendarDescription::of(&calendar.properties),
                components: calendar.components.clone(),
            }));
        }
        if !more {
            return Ok(Told::Calendars(calendars));
        }
    }
}

fn incoming(object: Incoming) -> IncomingObject {
    IncomingObject {
        octets: Bytes::from(object.text),
        origin: object.origin.map(Uuid::from_octets),
    }
}

async fn origins(
    desk: &Desk,
    actor: &Actor,
    calendar: &ResourcePath,
    after: Option<String>,
) -> Result<Told, Refusal> {
    let (members, more) = page(desk, actor, calendar, after, ORIGINS_AT_ONCE).await?;
    let after = members.last().filter(|_| more).map(|it| it.name.clone());
    let origin = |listed: Listed| match listed.member.value {
        Member::Object(object) => object.origin().map(Uuid::to_octets),
        Member::Collection(_) => None,
    };
    Ok(Told::Origins(
        members.into_iter().filter_map(origin).collect(),
        after,
    ))
}

/// Some of the members of a calendar, and whether there are more.
async fn page(
    desk: &Desk,
    actor: &Actor,
    calendar: &ResourcePath,
    after: Option<String>,
    rows: usize,
) -> Result<(Vec<Listed>, bool), Refusal> {
    let opened = desk.open(actor, calendar).await?;
    let id = match opened.resolution.found {
        Found::Collection => opened.resolution.collection().id,
        _ => return Err(Refusal::NotFound),
    };
    let page = desk.store().members(id, after.as_deref(), rows).await;
    page.map_err(|error| Refusal::Unavailable(error.to_string()))
}

async fn objects(
    desk: &Desk,
    actor: &Actor,
    calendar: &ResourcePath,
    after: Option<String>,
) -> Result<Told, Refusal> {
    let (members, more) = page(desk, actor, calendar, after, OBJECTS_AT_ONCE).await?;
    let (number, mut octets, mut objects) = (members.len(), 0, Vec::new());
    for (at, listed) in members.into_iter().enumerate() {
        let Member::Object(object) = listed.member.value else {
            continue;
        };
        let text = String::from_utf8(desk.octets(&object).await?.to_vec());
        let text = text.map_err(|_| Refusal::Damaged(format!("{} is no text", listed.name)))?;
        octets += text.len();
        objects.push((listed.name, text));
        if octets >= OCTETS_AT_ONCE && at + 1 < number {
            return Ok(Told::Objects(objects, true));
        }
    }
    Ok(Told::Objects(objects, more))
}

fn outcome(imported: Imported) -> Outcome {
    match imported {
        Imported::Created(_) => Outcome::Created,
        Imported::Updated(_) => Outcome::Updated,
        Imported::Unchanged(_) => Outcome::Unchanged,
        Imported::Kept(_) => Outcome::Kept,
        Imported::Refused(refusal) => Outcome::Refused(words(&refusal)),
    }
}

/// A refusal for people: without the name of the element, with the resource in the way.
fn words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Precondition {
            detail, resource, ..
        } => match resource {
            Some(resource) => format!("{detail}: {}", resource.segments.join("/")),
            None => detail.clone(),
        },
        Refusal::NotFound => "there is no such calendar".to_owned(),
        refusal => refusal.to_string(),
    }
}
