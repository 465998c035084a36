//! What the objects of a calendar on another server hold: by the half hundred where that server can, else one by
//! one. An object that it cannot give, and for which it often fails the whole report, keeps no other from being
//! fetched.

use std::collections::BTreeMap;

use bytes::Bytes;
use dav::client;
use http::{Method, StatusCode};

use super::{Address, Listed, RemoteError, Transport, TransportError, answer, ask};

/// Reports that fail one after another before there are no more: each may take as long as patience lasts.
const REPORTS_IN_A_ROW: usize = 3;
/// Objects for which the server fails one after another before the calendar is given up.
pub(super) const OBJECTS_IN_A_ROW: usize = 20;
/// Requests that are not answered at all, one after another, before nothing is asked any more: one object may make
/// a server break off, but if it does so always it is not there.
const SILENCES_IN_A_ROW: usize = 3;

/// Why no more objects of a calendar are asked for.
pub(super) const GIVEN_UP: &str =
    "are not asked for, since the server failed for one after another; try it later again";

/// Why an object is not fetched, and what else is not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It alone.
    Object(String),
    /// It and all others of the calendar.
    Calendar(String),
    /// It and everything else.
    All(String),
}

/// Fetches the objects of one calendar.
pub(super) struct Fetcher<'a> {
    transport: &'a Transport,
    calendar: &'a Address,
    /// How many failed since the last that did not.
    reports: usize,
    objects: usize,
    silences: usize,
}

impl<'a> Fetcher<'a> {
    pub fn new(transport: &'a Transport, calendar: &'a Address) -> Fetcher<'a> {
        Fetcher {
            transport,
            calendar,
            reports: 0,
            objects: 0,
            silences: 0,
        }
    }

    /// The address of the calendar, for people.
    pub fn calendar(&self) -> String {
        self.calendar.to_string()
    }

    /// What some objects hold, by their addresses, as far as the server gives it for all at once.
    ///
    /// # Errors
    /// In words: nothing else can be fetched either.
    pub async fn report(&mut self, objects: &[Listed]) -> Result<BTreeMap<String, String>, String> {
        if self.reports == REPORTS_IN_A_ROW {
            return Ok(BTreeMap::new());
        }
        match self.ask_for(objects).await {
            Ok(texts) => {
                (self.reports, self.silences) = (0, 0);
                if !texts.is_empty() {
                    self.objects = 0;
                }
                Ok(texts)
            }
            Err(RemoteError::Transport(TransportError::Unreachable(..))) => {
                self.reports += 1;
                self.silences += 1;
                Ok(BTreeMap::new())
            }
            Err(error) if error.is_final() => Err(error.to_string()),
            Err(error) => {
                tracing::debug!(%error, "objects are asked for one by one");
                self.reports += 1;
                Ok(BTreeMap::new())
            }
        }
    }

    async fn ask_for(&self, objects: &[Listed]) -> Result<BTreeMap<String, String>, RemoteError> {
        let hrefs: Vec<String> = objects.iter().map(|listed| listed.href.clone()).collect();
        let body = client::ask_for_objects(&hrefs);
        let (at, reply) = ask(self.transport, "REPORT", self.calendar, "1", body).await?;
        let objects = client::objects(&reply.body).map_err(|error| answer(&at, error))?;
        let with_address = objects.into_iter().filter_map(|object| {
            let address = self.calendar.join(&object.href).ok()?;
            Some((address.to_string(), object.data?))
        });
        Ok(with_address.collect())
    }

    /// What one object holds.
    pub async fn get(&mut self, object: &Listed) -> Result<String, Failure> {
        let address = object.address.as_ref();
        let address = address.map_err(|error| Failure::Object(error.to_string()))?;
        let sent = self
            .transport
            .send(&Method::GET, address, None, Bytes::new());
        match sent.await {
            Ok((_, reply)) => {
                (self.objects, self.silences) = (0, 0);
                let text = String::from_utf8(reply.body.to_vec());
                text.map_err(|_| Failure::Object("it is not UTF-8".to_owned()))
            }
            Err(error) => Err(self.judge(&error)),
        }
    }

    /// What follows from an object that is not given.
    fn judge(&mut self, error: &TransportError) -> Failure {
        let why = match error {
            TransportError::Unreachable(..) => {
                self.silences += 1;
                return match self.silences >= SILENCES_IN_A_ROW {
                    true => Failure::All(error.to_string()),
                    false => Failure::Object("the server breaks off".to_owned()),
                };
            }
            error if error.is_final() => return Failure::All(error.to_string()),
            TransportError::Status(_, StatusCode::NOT_FOUND | StatusCode::GONE) => {
                "it is gone".to_owned()
            }
            TransportError::Status(_, status) => format!("the server answers {status}"),
            error => error.to_string(),
        };
        self.silences = 0;
        if is_refusal(error) {
            return Failure::Object(why);
        }
        self.objects += 1;
        match self.objects >= OBJECTS_IN_A_ROW {
            true => Failure::Calendar(why),
            false => Failure::Object(why),
        }
    }
}

/// Whether the server refuses the object, rather than failing.
fn is_refusal(error: &TransportError) -> bool {
    matches!(error, TransportError::Status(_, status)
        if status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS)
}
