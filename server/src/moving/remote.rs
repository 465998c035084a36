//! What another CalDAV server has, read as a client reads it: discovery (RFC 6764 §6), the calendars of the
//! homes, and their objects by the half hundred. `dav::client` knows the XML; this knows the way.
//!
//! What that server cannot give, an object or a calendar, is named and counted, and keeps nothing else from being
//! taken over. Only where it is not there any more, or takes the password no longer, nothing goes on.

mod fetch;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod scripted;
#[cfg(test)]
mod tests;
mod transport;
mod url;

use std::collections::{BTreeMap, BTreeSet};

use dav::client::{self, RemoteCalendar, RemoteMember};
use http::Method;
use scheduling::{desk::CALENDAR_COMPONENTS, stream::IncomingStream};

pub use transport::{Patience, Transport, TransportError, TransportOptions};
pub use url::{Address, AddressError};

use super::{
    Origin, files,
    intake::{Intake, Performer, Target},
    origin_of,
};
use fetch::{Failure, Fetcher};
use transport::Reply;

/// Objects that are fetched at once.
const OBJECTS_AT_ONCE: usize = 50;

/// Why a migration cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The way to the other server.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It answered something that is no CalDAV.
    #[error("{address}: {why}")]
    Answer {
        /// What was asked.
        address: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// There is no calendar to be found.
    #[error(
        "no calendars were found at {0}; try the address of the calendar home, or of one calendar"
    )]
    NoCalendars(String),
}

impl RemoteError {
    /// Whether everything else that is asked will fail in the same way.
    fn is_final(&self) -> bool {
        matches!(self, RemoteError::Transport(error) if error.is_final())
    }
}

/// What was found of somebody's.
#[derive(Debug, Default)]
pub struct Discovered {
    /// The calendars.
    pub calendars: Vec<Found>,
    /// Addresses of homes that cannot be looked into, with the reason.
    pub unread: Vec<(String, String)>,
}

/// A calendar that was found, with its address.
#[derive(Clone, Debug)]
pub struct Found {
    address: Address,
    calendar: RemoteCalendar,
    /// What it is called here.
    pub name: String,
}

/// Finds somebody's calendars, from whatever address people have: the server, the principal, the calendar
/// home, or one calendar.
///
/// # Errors
/// See [`RemoteError`].
pub async fn discover(transport: &Transport, start: &Address) -> Result<Discovered, RemoteError> {
    let well_known = start
        .join("/.well-known/caldav")
        .map_err(|error| answer(start, error))?;
    let mut refused = None;
    for address in [start, &well_known] {
        match find_from(transport, address).await {
            Ok(found) if !found.calendars.is_empty() => return Ok(found),
            Ok(_) => {}
            // A password that is not taken is not taken elsewhere.
            Err(error @ RemoteError::Transport(TransportError::NotSignedIn(_))) => {
                return Err(error);
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| RemoteError::NoCalendars(start.to_string())))
}

async fn find_from(transport: &Transport, address: &Address) -> Result<Discovered, RemoteError> {
    let (at, own) = calendars_at(transport, address, "0").await?;
    if !own.is_empty() {
        return Ok(Discovered {
            calendars: named(own),
            unread: Vec::new(),
        });
    }
    let (mut all, mut unread, mut failure) = (Vec::new(), Vec::new(), None);
    for home in homes(transport, &at).await? {
        match calendars_at(transport, &home, "1").await {
            Ok((_, calendars)) => all.extend(calendars),
            Err(error) if error.is_final() => return Err(error),
            Err(error) => {
                unread.push((home.to_string(), error.to_string()));
                failure = failure.or(Some(error));
            }
        }
    }
    match failure {
        Some(error) if all.is_empty() => Err(error),
        _ => Ok(Discovered {
            calendars: named(all),
            unread,
        }),
    }
}

/// The calendars at an address, or in it, with their own; and the address that answered.
async fn calendars_at(
    transport: &Transport,
    address: &Address,
    depth: &'static str,
) -> Result<(Address, Vec<(Address, RemoteCalendar)>), RemoteError> {
    let body = client::ask_for_calendars();
    let (at, reply) = ask(transport, "PROPFIND", address, depth, body).await?;
    let calendars = client::calendars(&reply.body).map_err(|error| answer(&at, error))?;
    let with_address = |calendar: RemoteCalendar| {
        let address = at.join(&calendar.href);
        Ok((address.map_err(|error| answer(&at, error))?, calendar))
    };
    let calendars = calendars.into_iter().map(with_address);
    let calendars = calendars.collect::<Result<_, RemoteError>>()?;
    Ok((at, calendars))
}

/// Where the calendars of whoever signed in are; the address itself where the server says nothing of it.
async fn homes(transport: &Transport, address: &Address) -> Result<Vec<Address>, RemoteError> {
    let body = client::ask_for_principal();
    let (mut at, reply) = ask(transport, "PROPFIND", address, "0", body).await?;
    let mut homes = client::homes(&reply.body).map_err(|error| answer(&at, error))?;
    let principal = client::principal(&reply.body).map_err(|error| answer(&at, error))?;
    if let (true, Some(principal)) = (homes.is_empty(), principal) {
        let principal = at.join(&principal).map_err(|error| answer(&at, error))?;
        let body = client::ask_for_home();
        let (answered, reply) = ask(transport, "PROPFIND", &principal, "0", body).await?;
        homes = client::homes(&reply.body).map_err(|error| answer(&answered, error))?;
        if homes.is_empty() {
            return Ok(vec![principal]);
        }
        at = answered;
    }
    if homes.is_empty() {
        return Ok(vec![at]);
    }
    let home = |href: &String| at.join(href).map_err(|error| answer(&at, error));
    homes.iter().map(home).collect()
}

/// Each calendar once, with its name; those that are called the same are told apart by their addresses.
fn named(calendars: Vec<(Address, RemoteCalendar)>) -> Vec<Found> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for (address, calendar) in calendars {
        if !known.insert(address.to_string()) {
            continue;
        }
        let shown = calendar.description.display_name.clone();
        let name = shown.unwrap_or_else(|| address.last_segment());
        *numbers.entry(name.to_lowercase()).or_default() += 1;
        all.push(Found {
            address,
            calendar,
            name,
        });
    }
    for found in &mut all {
        if numbers
            .get(&found.name.to_lowercase())
            .is_some_and(|number| *number > 1)
        {
            found.name = format!("{} ({})", found.name, found.address.last_segment());
            found.calendar.description.display_name = Some(found.name.clone());
        }
    }
    all
}

/// Takes in everything that was found. What the other server cannot give is only counted.
///
/// # Errors
/// In words: nothing can go on. The same once more goes on from there.
pub async fn import<P: Performer>(
    transport: &Transport,
    discovered: &Discovered,
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    for (home, why) in &discovered.unread {
        intake.summary().refuse(home, why);
    }
    for found in &discovered.calendars {
        import_calendar(transport, found, intake).await?;
    }
    Ok(())
}

async fn import_calendar<P: Performer>(
    transport: &Transport,
    found: &Found,
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    let calendar = &found.calendar;
    let known = |name: &&String| CALENDAR_COMPONENTS.contains(&name.as_str());
    let target = Target {
        name: found.name.clone(),
        description: calendar.description.clone(),
        components: calendar.components.iter().filter(known).cloned().collect(),
    };
    intake.open(target).await?;
    let (at, members) = match members(transport, &found.address).await {
        Ok(listed) => listed,
        Err(error) if error.is_final() => return Err(error.to_string()),
        Err(error) => {
            let place = found.address.to_string();
            intake.summary().refuse(&place, &error.to_string());
            return Ok(());
        }
    };
    let known = intake.origins().await?;
    let (before, members): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|member| Listed::of(&at, member))
        .partition(|listed| listed.origin.as_ref().is_some_and(|it| known.contains(it)));
    intake.pass_over(before.len());
    drop((known, before));
    import_members(Fetcher::new(transport, &at), &members, intake).await?;
    intake.flush().await
}

/// The resources of a calendar, and the address that answered.
async fn members(
    transport: &Transport,
    calendar: &Address,
) -> Result<(Address, Vec<RemoteMember>), RemoteError> {
    let body = client::ask_for_members();
    let (at, reply) = ask(transport, "PROPFIND", calendar, "1", body).await?;
    let members = client::members(&reply.body).map_err(|error| answer(&at, error))?;
    Ok((at, members))
}

async fn import_members<P: Performer>(
    mut fetcher: Fetcher<'_>,
    members: &[Listed],
    intake: &mut Intake<'_, P>,
) -> Result<(), String> {
    let mut left = members.len();
    for some in members.chunks(OBJECTS_AT_ONCE) {
        let mut texts = fetcher.report(some).await?;
        let mut not_asked_for = None;
        for listed in some {
            left -= 1;
            let text = match (texts.remove(&listed.place), &mut not_asked_for) {
                (Some(text), _) => Ok(text),
                (None, None) => fetcher.get(listed).await,
                (None, Some(count)) => {
                    *count += 1;
                    continue;
                }
            };
            match text {
                Ok(text) => {
                    let stream = IncomingStream::new(text.into_bytes().into());
                    files::take_in(&listed.place, stream, listed.origin, intake).await?;
                }
                Err(Failure::Object(why)) => intake.summary().refuse(&listed.place, &why),
                Err(Failure::Calendar(why)) => {
                    intake.summary().refuse(&listed.place, &why);
                    not_asked_for = Some(0);
                }
                Err(Failure::All(why)) => return Err(why),
            }
        }
        if let Some(count) = not_asked_for {
            let (calendar, why) = (fetcher.calendar(), fetch::GIVEN_UP);
            intake.summary().refuse_all(left + count, &calendar, why);
            return Ok(());
        }
    }
    Ok(())
}

/// A resource of the calendar.
struct Listed {
    href: String,
    /// Where it can be fetched by itself; or why not.
    address: Result<Address, AddressError>,
    /// Its address, for people.
    place: String,
    /// Its state when it was listed: if it changes before it is fetched, the next migration fetches it again.
    origin: Option<Origin>,
}

impl Listed {
    fn of(calendar: &Address, member: RemoteMember) -> Listed {
        let address = calendar.join(&member.href);
        let place = address
            .as_ref()
            .map_or_else(|_| member.href.clone(), Address::to_string);
        Listed {
            origin: member.etag.map(|etag| origin_of(&place, &etag)),
            href: member.href,
            address,
            place,
        }
    }
}

/// A request that is answered by a multistatus; with the address that answered in the end.
async fn ask(
    transport: &Transport,
    method: &str,
    address: &Address,
    depth: &'static str,
    body: bytes::Bytes,
) -> Result<(Address, Reply), RemoteError> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| answer(address, error))?;
    Ok(transport.send(&method, address, Some(depth), body).await?)
}

fn answer(address: &Address, why: impl ToString) -> RemoteError {
    RemoteError::Answer {
        address: address.to_string(),
        why: why.to_string(),
    }
}
