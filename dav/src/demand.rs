//! What a request demands: its conditions and its target in a home, as every method reads them.

use http::header::HOST;
use scheduling::{Conditions, Refusal, desk::PartialFailures};
use storage::ResourcePath;

use crate::{
    error::DavError,
    header::{self, Authorities, Depth, depth, if_header},
    kind::ResourceKind,
    multistatus::Multistatus,
    path::Path,
    representation,
    service::{Dav, Request, Response},
    target::Target,
};

impl Request {
    /// The place in a home that the request is about.
    ///
    /// # Errors
    /// 405 for everything else; the table of methods lets it through only where a method has more to say.
    pub fn stored_path(&self) -> Result<&ResourcePath, Refusal> {
        match &self.path {
            Path::Stored(path) => Ok(path),
            _ => Err(Refusal::NotAllowed("nothing is stored here")),
        }
    }

    /// The names of this server, as the request and the configuration know them.
    pub fn authorities<'a>(&'a self, dav: &'a Dav) -> Authorities<'a> {
        let host = || self.headers.get(HOST)?.to_str().ok();
        let public = dav
            .settings()
            .public_url
            .split_once("://")
            .map(|(_, rest)| rest);
        Authorities {
            request: self
                .authority
                .as_ref()
                .map(|authority| authority.as_str())
                .or_else(host),
            public: public.map(|rest| rest.split('/').next().unwrap_or(rest)),
        }
    }

    /// The place that a reference in the request leads to; `None` where it is none of ours.
    pub fn path_of_reference(&self, dav: &Dav, reference: &str) -> Option<Path> {
        match header::reference::parse(reference, self.authorities(dav)) {
            header::Reference::Local(path) => Path::parse(path).ok(),
            header::Reference::Foreign | header::Reference::Malformed => None,
        }
    }

    /// All conditional headers, about the state: the tag of each representation stands for it.
    pub fn conditions(&self, dav: &Dav) -> Result<Conditions, DavError> {
        let mut conditions = self.conditions_as_sent(dav)?;
        representation::on_the_state(&mut conditions);
        Ok(conditions)
    }

    /// All conditional headers, about one representation.
    pub fn conditions_as_sent(&self, dav: &Dav) -> Result<Conditions, DavError> {
        let conditions =
            header::conditions(
                &self.headers,
                self.authorities(dav),
                |path| match Path::parse(path) {
                    Ok(Path::Stored(path)) => Some(path),
                    _ => None,
                },
            )?;
        Ok(conditions)
    }

    /// Evaluates the If header for a method that changes nothing (RFC 4918 §10.4).
    pub async fn check_if_header(&self, dav: &Dav) -> Result<(), DavError> {
        let Path::Stored(path) = &self.path else {
            return Ok(());
        };
        if !self.headers.contains_key(&if_header::IF) {
            return Ok(());
        }
        let if_lists = self.conditions(dav)?.if_lists;
        let conditions = Conditions {
            if_lists,
            ..Conditions::default()
        };
        Ok(dav
            .desk()
            .check_conditions(&self.actor, path, &conditions)
            .await?)
    }

    /// Refuses what RFC 4918 §9.6.1 and §9.9.2 do not let a client say: that a collection is deleted or
    /// moved with less than everything in it.
    pub async fn require_infinite_depth(&self, dav: &Dav) -> Result<(), DavError> {
        if matches!(depth::parse(&self.headers)?, None | Some(Depth::Infinity)) {
            return Ok(());
        }
        match Target::kind_at(dav, &self.actor, &self.path).await? {
            ResourceKind::Unmapped => Ok(()),
            kind if kind.is_collection() => Err(DavError::BadRequest(
                "the Depth header must be infinity for a collection".into(),
            )),
            _ => Ok(()),
        }
    }
}

/// 207 with each resource below a collection that failed (RFC 4918 §9.6.1).
pub(crate) fn partial(failures: PartialFailures) -> Response {
    let mut answer = Multistatus::new();
    for (path, refusal) in failures {
        answer.failure(&Path::Stored(path).href(false), &refusal.into());
    }
    answer.finish()
}
