//! The query of a URL.

use calendar::zone::generate::Truncation;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::problem::Problem;

/// More than any request of this service has.
const MAXIMUM_PARAMETERS: usize = 16;

/// The parameters, decoded, in their order. Unknown ones mean nothing.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// From a query. A plus sign is one, since identifiers have it (`Etc/GMT+1`).
    pub fn read(query: &str) -> Result<Parameters, Problem> {
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded
                .map(|text| text.into_owned())
                .map_err(|_| Problem::unreadable_query())
        };
        let parts: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
        if parts.len() > MAXIMUM_PARAMETERS {
            return Err(Problem::unreadable_query());
        }
        let mut parameters = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            parameters.push((decode(name)?, decode(value)?));
        }
        Ok(Parameters(parameters))
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// The value of one that may stand there once.
    pub fn single(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(own, _)| own == name);
        let first = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            Some(_) => Err(Problem::parameter(name, "stands there more than once")),
            None => Ok(first),
        }
    }

    /// `start` and `end` (RFC 7808 §5.3), each only if it is there.
    pub fn truncation(&self) -> Result<Truncation, Problem> {
        let start = self.instant("start")?;
        let end = self.instant("end")?;
        if end.is_some_and(|end| start.is_some_and(|start| end <= start)) {
            return Err(Problem::parameter("end", "is not behind start"));
        }
        Ok(Truncation { start, end })
    }

    /// A date-time of RFC 3339 in UTC, in whole seconds.
    fn instant(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.single(name)? else {
            return Ok(None);
        };
        let instant: Option<Timestamp> = text
            .ends_with(['Z', 'z'])
            .then(|| text.parse().ok())
            .flatten();
        let whole = instant.filter(|instant| instant.subsec_nanosecond() == 0);
        whole.map(Some).ok_or_else(|| {
            Problem::parameter(name, "must be a time in UTC, such as 2010-01-01T00:00:00Z")
        })
    }
}
