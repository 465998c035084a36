//! POST of many objects to a calendar (calendarserver bulk-change): a stream of calendar data is an import
//! (§3), `MM:multiput` is a list of changes (§4). Both answer with a multistatus of what became of each.

use bytes::Bytes;
use calendar::Format;
use http::{HeaderMap, HeaderName, StatusCode};
use percent_encoding::percent_decode_str;
use scheduling::{
    Actor, Conditions, Precondition, Refusal,
    change::{StateCondition, parse_sync_token, sync_token_text},
};
use storage::{Found, ResourcePath, access::Privilege};

use super::{import, multiput};
use crate::{
    answer,
    error::DavError,
    header::{content_type, prefer},
    kind::{Kinds, ResourceKind},
    multistatus::{Multistatus, write_propstat, write_status},
    path::Path,
    service::{Dav, Request, Response},
    target::StoredResource,
    xml::{
        Writer,
        name::{caldav, calendarserver, convoke, dav},
    },
};

/// Who may change something of a calendar, and who may read what it answers. What is changed asks for its own
/// privilege.
const LETS_WRITE: [Privilege; 3] = [Privilege::Read, Privilege::Bind, Privilege::WriteContent];

/// Where it is possible.
pub(super) const KINDS: Kinds = Kinds::of(&[ResourceKind::Calendar]);

/// What a state token of a getctag begins with (calendarserver bulk-change §6).
const CTAG_PREFIX: &str = "http://me.com/_namespace/ctag/";
/// calendarserver bulk-change §8.2
static CTAG: HeaderName = HeaderName::from_static("ctag");
/// calendarserver bulk-change §8.1
static OPTIONS: HeaderName = HeaderName::from_static("x-mobileme-dav-options");

/// How much the answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Only what failed (RFC 8144 §2).
    Failures,
    /// Everything, without data.
    Everything,
    /// Everything, with the data of what the server changed or that is wanted (§3, RFC 8144 §3).
    WithData,
}

impl Detail {
    fn of(headers: &HeaderMap) -> Result<Detail, DavError> {
        let options = headers.get(&OPTIONS).and_then(|value| value.to_str().ok());
        let wants_data = options.is_some_and(|options| {
            options
                .split(',')
                .any(|option| option.trim().eq_ignore_ascii_case("return-changed-data"))
        });
        Ok(match prefer::parse(headers)?.returns {
            prefer::Return::Minimal => Detail::Failures,
            prefer::Return::Representation => Detail::WithData,
            prefer::Return::Unspecified if wants_data => Detail::WithData,
            prefer::Return::Unspecified => Detail::Everything,
        })
    }
}

/// Takes what was posted for what its media type says.
pub(super) async fn bulk(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let headers = &request.headers;
    let media = content_type::parse(headers)?;
    let detail = Detail::of(headers)?;
    let format = match &media {
        None => Some(Format::ICalendar),
        Some(media) => Format::of_media_type(&media.essence).filter(|_| media.is_utf8()),
    };
    let path = request.stored_path()?;
    let opened = dav
        .desk()
        .open_for(&request.actor, path, &LETS_WRITE)
        .await?;
    let calendar = StoredResource::from_opened(path.clone(), opened)?;
    let answer = match format {
        Some(format) => import::import(dav, &request, format, detail).await?,
        None if media.as_ref().is_some_and(|media| media.is_xml()) => {
            multiput::multiput(dav, &request, detail).await?
        }
        None => {
            let types = Format::ALL.map(Format::media_type).join(", ");
            return Err(DavError::precondition(
                Precondition::SupportedCalendarData,
                format!("a calendar takes {types}, and lists of changes in application/xml"),
            ));
        }
    };
    finish(dav, &calendar, answer).await
}

/// With the tag of the calendar after all changes (§8.2), for who may read it.
async fn finish(
    dav: &Dav,
    calendar: &StoredResource,
    answer: Multistatus,
) -> Result<Response, DavError> {
    if !calendar.privileges.has(Privilege::Read) {
        return Ok(answer.finish());
    }
    let token = dav
        .desk()
        .store()
        .sync_token(calendar.collection.id)
        .await?;
    let mut response = answer.finish();
    answer::insert(
        response.headers_mut(),
        CTAG.clone(),
        &sync_token_text(&token),
    );
    Ok(response)
}

/// Makes the tags of calendars among the state tokens what the desk knows (§6).
pub(super) fn read_ctags(conditions: &mut Conditions) {
    let lists = conditions.if_lists.iter_mut();
    for condition in lists.flat_map(|list| &mut list.conditions) {
        if let StateCondition::Token { token, .. } = condition
            && let Some(encoded) = token.strip_prefix(CTAG_PREFIX)
        {
            *token = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
        }
    }
}

/// What still has to hold after the first change, which changes the calendar: the lock tokens that were
/// submitted.
pub(super) fn after_the_first(conditions: &Conditions) -> Conditions {
    let mut if_lists = conditions.if_lists.clone();
    for list in &mut if_lists {
        list.conditions.retain(|condition| match condition {
            StateCondition::Token { token, .. } => parse_sync_token(token).is_none(),
            StateCondition::EntityTag { .. } => false,
        });
    }
    if_lists.retain(|list| !list.conditions.is_empty());
    Conditions {
        if_lists,
        ..Conditions::default()
    }
}

/// What the answer says of an object that stands in the calendar now.
pub(super) struct Stored<'a> {
    pub path: &'a ResourcePath,
    pub uid: &'a str,
    /// What became of it.
    pub outcome: &'static str,
    /// Its strong tag, where the stored octets are the sent ones.
    pub etag: Option<&'a str>,
}

/// Says that an object stands there.
pub(super) async fn say_stored(
    dav: &Dav,
    actor: &Actor,
    answer: &mut Multistatus,
    stored: &Stored<'_>,
    detail: Detail,
) -> Result<(), DavError> {
    if detail == Detail::Failures {
        return Ok(());
    }
    let read = match detail {
        Detail::WithData => read(dav, actor, stored.path).await?,
        _ => None,
    };
    let etag = read.as_ref().map(|(etag, _)| etag.as_str()).or(stored.etag);
    answer.response(&Path::Stored(stored.path.clone()).href(false), |writer| {
        write_propstat(writer, StatusCode::OK, None, |writer| {
            if let Some(etag) = etag {
                writer.leaf(dav::GETETAG, &["\"", etag, "\""].concat());
            }
            writer.leaf(calendarserver::UID, stored.uid);
            writer.leaf(convoke::OUTCOME, stored.outcome);
            if let Some((_, data)) = &read {
                writer.leaf(caldav::CALENDAR_DATA, &String::from_utf8_lossy(data));
            }
        });
    });
    Ok(())
}

/// The tag and the octets of an object as it stands there; `None` for who may write it and not read it.
async fn read(
    dav: &Dav,
    actor: &Actor,
    path: &ResourcePath,
) -> Result<Option<(String, Bytes)>, DavError> {
    let opened = match dav.desk().open(actor, path).await {
        Ok(opened) => opened,
        Err(Refusal::Forbidden { .. }) => return Ok(None),
        Err(refusal) => return Err(refusal.into()),
    };
    match opened.resolution.found {
        Found::Object(object) => {
            let octets = dav.desk().octets(&object.value).await?;
            Ok(Some((object.value.etag, octets)))
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

/// Says why an object is not stored. Of one that has no name there, the href is empty (§3, §4.1).
pub(super) fn say_refused(answer: &mut Multistatus, href: &str, uid: &str, error: &DavError) {
    let error = error.clone().named_as(href);
    answer.response(href, |writer: &mut Writer| {
        write_status(writer, error.status());
        if error.has_elements() || !uid.is_empty() {
            writer.element(dav::ERROR, |writer| {
                error.write_elements(writer);
                if !uid.is_empty() {
                    writer.leaf(calendarserver::UID, uid);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use scheduling::change::{EntityTag, StateList, TagList};

    use super::*;

    #[test]
    fn conditions_about_the_state_hold_once() {
        let token = |text: &str| StateCondition::Token {
            token: text.into(),
            negated: false,
        };
        let list = |conditions: Vec<StateCondition>| StateList {
            resource: None,
            conditions,
        };
        let tag = StateCondition::EntityTag {
            tag: EntityTag {
                weak: false,
                tag: "t".into(),
            },
            negated: false,
        };
        let mut conditions = Conditions {
            if_match: Some(TagList::Any),
            if_lists: vec![
                list(vec![
                    token("http://me.com/_namespace/ctag/urn%3Aconvoke%3Async%3A1-2-3"),
                    token("urn:uuid:l"),
                ]),
                list(vec![tag]),
            ],
            ..Conditions::default()
        };
        read_ctags(&mut conditions);
        assert_eq!(
            conditions.if_lists[0].conditions[0],
            token("urn:convoke:sync:1-2-3")
        );
        let later = after_the_first(&conditions);
        assert_eq!(later.if_lists, [list(vec![token("urn:uuid:l")])]);
        assert_eq!(later.if_match, None);
    }
}
