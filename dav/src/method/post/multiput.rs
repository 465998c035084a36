//! `MM:multiput`: a list of changes to a calendar, each as a PUT or DELETE of its own (calendarserver
//! bulk-change §4). They are a client's changes like any other: what concerns others is scheduled.
//!
//! Properties other than the data are not set here: a resource with such is refused as a whole.

use bytes::Bytes;
use calendar::Format;
use http::StatusCode;
use scheduling::{
    Actor, Conditions, Refusal,
    change::TagList,
    desk::{Delete, Put},
};
use storage::ResourcePath;

use super::bulk::{self, Detail, Stored, say_refused, say_stored};
use crate::{
    error::DavError,
    header::{entity_tag, schedule_reply},
    multistatus::{Multistatus, write_propstat},
    path::Path,
    representation,
    service::{Dav, Request},
    xml::{
        Document, Element,
        name::{caldav, dav, me},
    },
};

/// The most changes of one request.
pub(crate) const MAXIMUM_RESOURCES: usize = 500;

/// One `MM:resource` (§7.2).
struct Change<'d> {
    href: Option<String>,
    if_match: Option<Element<'d>>,
    is_removal: bool,
    data: Option<Element<'d>>,
    /// What is set or removed beside the data.
    others: Vec<Element<'d>>,
}

impl<'d> Change<'d> {
    fn read(resource: Element<'d>) -> Change<'d> {
        let part = |name| {
            resource
                .child(name)
                .and_then(|part: Element<'d>| part.child(dav::PROP))
        };
        let properties = |part: Option<Element<'d>>| part.into_iter().flat_map(Element::children);
        let set: Vec<Element<'d>> = properties(part(dav::SET)).collect();
        let (data, mut others): (Vec<_>, Vec<_>) = set
            .into_iter()
            .partition(|property| property.is(caldav::CALENDAR_DATA));
        others.extend(properties(part(dav::REMOVE)));
        let href = resource.child(dav::HREF).map(|href| href.trimmed_text());
        Change {
            href: href.filter(|href| !href.is_empty()),
            if_match: resource
                .child(me::IF_MATCH)
                .and_then(|condition| condition.child(dav::GETETAG)),
            is_removal: resource.child(me::DELETE).is_some(),
            data: data.into_iter().next(),
            others,
        }
    }
}

/// Makes the changes one after the other.
pub(super) async fn multiput(
    dav: &Dav,
    request: &Request,
    detail: Detail,
) -> Result<Multistatus, DavError> {
    let schedule_reply = schedule_reply::parse(&request.headers)?;
    let document = Document::parse(&request.body)?;
    let root = document.root();
    if !root.is(me::MULTIPUT) {
        return Err(DavError::BadRequest("the body is no multiput".into()));
    }
    let changes: Vec<_> = root
        .children_named(me::RESOURCE)
        .map(Change::read)
        .collect();
    if changes.len() > MAXIMUM_RESOURCES {
        let reason = format!("at most {MAXIMUM_RESOURCES} resources can be changed at once");
        return Err(DavError::BadRequest(reason));
    }
    let collection = request.stored_path()?;
    let mut conditions = request.conditions(dav)?;
    bulk::read_ctags(&mut conditions);
    dav.desk()
        .check_conditions(&request.actor, collection, &conditions)
        .await?;
    let conditions = about(collection, conditions);
    let later = bulk::after_the_first(&conditions);
    let mut run = Run {
        dav,
        request,
        collection,
        conditions,
        schedule_reply,
        detail,
        answer: Multistatus::new(),
    };
    for change in &changes {
        // What the client demands of the calendar is demanded by the first change that is made.
        if run.make(change).await? {
            run.conditions = later.clone();
        }
    }
    Ok(run.answer)
}

/// What the first change has to hold to: the state of the calendar, and the lock tokens that were submitted.
fn about(collection: &ResourcePath, conditions: Conditions) -> Conditions {
    let mut if_lists = conditions.if_lists;
    for list in &mut if_lists {
        list.resource
            .get_or_insert_with(|| Some(collection.clone()));
    }
    Conditions {
        if_lists,
        ..Conditions::default()
    }
}

/// A list of changes under way.
struct Run<'a> {
    dav: &'a Dav,
    request: &'a Request,
    collection: &'a ResourcePath,
    conditions: Conditions,
    /// RFC 6638 §8.1, for all of them.
    schedule_reply: bool,
    detail: Detail,
    answer: Multistatus,
}

impl Run<'_> {
    fn actor(&self) -> &Actor {
        &self.request.actor
    }

    /// Makes one change and says what became of it; whether something was changed.
    async fn make(&mut self, change: &Change<'_>) -> Result<bool, DavError> {
        let href = change.href.as_deref().unwrap_or_default();
        if !change.others.is_empty() {
            self.say_not_settable(href, change);
            return Ok(false);
        }
        let (uid, made) = match change.is_removal {
            true => (String::new(), self.remove(change).await),
            false => {
                let read = self.read_data(change);
                let uid = read
                    .as_ref()
                    .map(|read| read.uid.clone())
                    .unwrap_or_default();
                let made = match read {
                    Ok(read) => self.put(change, read).await,
                    Err(error) => Err(error),
                };
                (uid, made)
            }
        };
        match made {
            Ok(()) => Ok(true),
            Err(error) => {
                say_refused(&mut self.answer, href, &uid, &error);
                Ok(false)
            }
        }
    }

    /// The member of the collection that a change is about.
    fn place(&self, href: &str) -> Result<ResourcePath, DavError> {
        match self.request.path_of_reference(self.dav, href) {
            Some(Path::Stored(path))
                if path
                    .segments
                    .last()
                    .is_some_and(|name| self.collection.child(name) == path) =>
            {
                Ok(path)
            }
            _ => Err(Refusal::Prohibited("this is no member of the calendar").into()),
        }
    }

    fn conditions(&self, change: &Change<'_>) -> Result<Conditions, DavError> {
        let mut conditions = self.conditions.clone();
        if let Some(tag) = change.if_match {
            let tags = entity_tag::parse_list(&tag.trimmed_text());
            let tags =
                tags.map_err(|problem| DavError::BadRequest(format!("if-match {problem}")))?;
            conditions.if_match = Some(tags);
            representation::on_the_state(&mut conditions);
        }
        Ok(conditions)
    }

    async fn remove(&mut self, change: &Change<'_>) -> Result<(), DavError> {
        let href = change.href.as_deref();
        let href = href.ok_or_else(|| DavError::BadRequest("a removal has no href".into()))?;
        let delete = Delete {
            path: self.place(href)?,
            conditions: self.conditions(change)?,
            schedule_reply: self.schedule_reply,
        };
        self.dav.desk().delete(self.actor(), delete).await?;
        if self.detail != Detail::Failures {
            self.answer.status(href, StatusCode::OK, None);
        }
        Ok(())
    }

    fn read_data(&self, change: &Change<'_>) -> Result<Data, DavError> {
        let element = change.data;
        let element = element.ok_or_else(|| DavError::BadRequest("there is no data".into()))?;
        let format = representation::of_attributes(element)?;
        let octets = Bytes::from(element.text().into_owned());
        let limits = calendar::Limits::default();
        // What is no object is refused when it is put, with the reason.
        let uid = format
            .parse(octets.clone(), &limits)
            .ok()
            .and_then(|object| {
                let entry = object.entries().next()?;
                entry.text("UID").map(|uid| uid.into_owned())
            });
        Ok(Data {
            format,
            octets,
            uid: uid.unwrap_or_default(),
        })
    }

    async fn put(&mut self, change: &Change<'_>, data: Data) -> Result<(), DavError> {
        let mut conditions = self.conditions(change)?;
        let path = match &change.href {
            Some(href) => {
                // An update is one of something (§4.2).
                if conditions.if_match.is_none() {
                    conditions.if_match = Some(TagList::Any);
                }
                self.place(href)?
            }
            None => {
                // Drawn by chance, so that no two are the same and the name tells nothing.
                let number = self.dav.desk().store().environment().random_u128();
                self.collection.child(&format!("{number:032x}.ics"))
            }
        };
        let put = Put {
            path: path.clone(),
            content_type: Some(data.format.media_type().to_owned()),
            octets: data.octets,
            conditions,
            schedule_reply: self.schedule_reply,
        };
        let written = self.dav.desk().put(self.actor(), put).await?;
        let outcome = if written.created {
            "created"
        } else {
            "updated"
        };
        let stored = Stored {
            path: written.elsewhere.as_ref().unwrap_or(&path),
            uid: &data.uid,
            outcome,
            etag: written.etag.as_deref(),
        };
        let actor = &self.request.actor;
        say_stored(self.dav, actor, &mut self.answer, &stored, self.detail).await
    }

    /// As PROPPATCH would say it: the one cannot be, the other fails with it (§4.1).
    fn say_not_settable(&mut self, href: &str, change: &Change<'_>) {
        self.answer.response(href, |writer| {
            write_propstat(writer, StatusCode::FORBIDDEN, None, |writer| {
                change
                    .others
                    .iter()
                    .for_each(|other| writer.empty(other.name()));
            });
            write_propstat(writer, StatusCode::FAILED_DEPENDENCY, None, |writer| {
                if change.data.is_some() {
                    writer.empty(caldav::CALENDAR_DATA);
                }
            });
        });
    }
}

/// The data of a change.
struct Data {
    format: Format,
    octets: Bytes,
    uid: String,
}
