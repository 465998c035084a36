//! What another CalDAV server has, read as a client reads it: discovery (RFC 6764 §6), the calendars of a
//! home, and their objects by the half hundred. `dav::client` knows the XML; this knows the way.

mod transport;
mod url;

use std::collections::BTreeMap;

use dav::client::{self, RemoteCalendar, RemoteMember};
use http::{Method, StatusCode};
use scheduling::{desk::CALENDAR_COMPONENTS, stream::IncomingStream};

pub use transport::{Patience, Transport, TransportError, TransportOptions};
pub use url::{Address, AddressError};

use super::{
    Origin, files,
    intake::{Intake, Performer, Target},
    origin_of,
};
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
pub async fn discover(transport: &Transport, start: &Address) -> Result<Vec<Found>, RemoteError> {
    let well_known = start
        .join("/.well-known/caldav")
        .map_err(|error| answer(start, error))?;
    let mut refused = None;
    for address in [start, &well_known] {
        match find_from(transport, address).await {
            Ok(found) if !found.is_empty() => return Ok(found),
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

async fn find_from(transport: &Transport, address: &Address) -> Result<Vec<Found>, RemoteError> {
    let (at, reply) = ask(
        transport,
        "PROPFIND",
        address,
        "0",
        client::ask_for_calendars(),
    )
    .await?;
    let own = client::calendars(&reply.body).map_err(|error| answer(&at, error))?;
    if !own.is_empty() {
        return found(&at, own);
    }
    let (at, reply) = ask(transport, "PROPFIND", &at, "0", client::ask_for_principal()).await?;
    let home = client::home(&reply.body).map_err(|error| answer(&at, error))?;
    let principal = client::principal(&reply.body).map_err(|error| answer(&at, error))?;
    let home = match (home, principal) {
        (Some(home), _) => at.join(&home).map_err(|error| answer(&at, error))?,
        (None, Some(principal)) => {
            let principal = at.join(&principal).map_err(|error| answer(&at, error))?;
            let body = client::ask_for_home();
            let (at, reply) = ask(transport, "PROPFIND", &principal, "0", body).await?;
            match client::home(&reply.body).map_err(|error| answer(&at, error))? {
                Some(home) => at.join(&home).map_err(|error| answer(&at, error))?,
                None => principal,
            }
        }
        (None, None) => at,
    };
    let (at, reply) = ask(
        transport,
        "PROPFIND",
        &home,
        "1",
        client::ask_for_calendars(),
    )
    .await?;
    let calendars = client::calendars(&reply.body).map_err(|error| answer(&at, error))?;
    found(&at, calendars)
}

/// The calendars with their addresses; those that are called the same are told apart by these.
fn found(at: &Address, calendars: Vec<RemoteCalendar>) -> Result<Vec<Found>, RemoteError> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for calendar in calendars {
        let address = at.join(&calendar.href).map_err(|error| answer(at, error))?;
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
    Ok(all)
}

/// Takes in a calendar. What is wrong with single objects is only counted.
///
/// # Errors
/// In words: nothing can go on. The same once more goes on from there.
pub async fn import<P: Performer>(
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
    let body = client::ask_for_members();
    let (at, reply) = ask(transport, "PROPFIND", &found.address, "1", body)
        .await
        .map_err(|error| error.to_string())?;
    let members = client::members(&reply.body).map_err(|error| format!("{at}: {error}"))?;
    drop(reply);
    let known = intake.origins().await?;
    let (before, members): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|member| Listed::of(&at, member))
        .partition(|listed| listed.origin.as_ref().is_some_and(|it| known.contains(it)));
    intake.pass_over(before.len());
    drop((known, before));
    for some in members.chunks(OBJECTS_AT_ONCE) {
        let hrefs: Vec<String> = some.iter().map(|listed| listed.href.clone()).collect();
        let fetched = fetch(transport, &at, &hrefs).await?;
        for (listed, text) in some.iter().zip(fetched) {
            match text {
                Ok(text) => {
                    let stream = IncomingStream::new(text.into_bytes().into());
                    files::take_in(&listed.place, stream, listed.origin, intake).await?;
                }
                Err(why) => intake.summary().refuse(&listed.place, &why),
            }
        }
    }
    intake.flush().await
}

/// A resource of the calendar.
struct Listed {
    href: String,
    /// Its address, for people.
    place: String,
    /// Its state when it was listed: if it changes before it is fetched, the next migration fetches it again.
    origin: Option<Origin>,
}

impl Listed {
    fn of(calendar: &Address, member: RemoteMember) -> Listed {
        let address = calendar.join(&member.href);
        let place = address.map_or_else(|_| member.href.clone(), |it| it.to_string());
        Listed {
            origin: member.etag.map(|etag| origin_of(&place, &etag)),
            href: member.href,
            place,
        }
    }
}

type Fetched = Vec<Result<String, String>>;

/// What some objects hold, in their order, or why that could not be had. What the server leaves out of its
/// answer is asked for one by one.
async fn fetch(
    transport: &Transport,
    calendar: &Address,
    hrefs: &[String],
) -> Result<Fetched, String> {
    let body = client::ask_for_objects(hrefs);
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    match ask(transport, "REPORT", calendar, "1", body).await {
        Ok((at, reply)) => {
            let objects = client::objects(&reply.body).map_err(|error| format!("{at}: {error}"))?;
            let address = |href: &str| calendar.join(href).ok().map(|it| it.to_string());
            for object in objects {
                if let (Some(address), Some(data)) = (address(&object.href), object.data) {
                    texts.insert(address, data);
                }
            }
        }
        // A server without this report still has its resources.
        Err(RemoteError::Transport(TransportError::Status(_, status)))
            if status.is_client_error() => {}
        Err(error) => return Err(error.to_string()),
    }
    let mut fetched = Vec::with_capacity(hrefs.len());
    for href in hrefs {
        let address = match calendar.join(href) {
            Ok(address) => address,
            Err(error) => {
                fetched.push(Err(error.to_string()));
                continue;
            }
        };
        let text = match texts.remove(&address.to_string()) {
            Some(text) => Ok(text),
            None => get(transport, &address).await?,
        };
        fetched.push(text);
    }
    Ok(fetched)
}

async fn get(transport: &Transport, address: &Address) -> Result<Result<String, String>, String> {
    match transport
        .send(&Method::GET, address, None, bytes::Bytes::new())
        .await
    {
        Ok((_, reply)) => {
            let text = String::from_utf8(reply.body.to_vec());
            Ok(text.map_err(|_| "it is not UTF-8".to_owned()))
        }
        Err(TransportError::Status(_, status)) if status.is_client_error() => {
            Ok(Err(match status {
                StatusCode::NOT_FOUND | StatusCode::GONE => "it is gone".to_owned(),
                status => format!("the server answers {status}"),
            }))
        }
        Err(error) => Err(error.to_string()),
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
