//! POST (RFC 9110 §9.3.3): what it does depends upon where it goes and what it asks for, one row each.

mod add_member;
mod attachment;
mod bulk;
pub(crate) mod busy_time;
mod decline_counter;
mod dry_run;
mod import;
mod multiput;

pub(crate) use multiput::MAXIMUM_RESOURCES;

use scheduling::Refusal;
use storage::access::Privilege;

pub(crate) use add_member::{ADD_MEMBER, KINDS as TAKES_MEMBERS};

use super::{Answer, BodyBound};
use crate::{
    error::DavError,
    incoming::Incoming,
    kind::{Kinds, ResourceKind},
    path::Path,
    service::{Dav, Request, Response},
    target::Target,
};

/// A row of the table.
pub(crate) struct Action {
    /// What it does, in words, for the conformance table.
    pub name: &'static str,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it can be asked for.
    pub kinds: Kinds,
    /// Whether a request asks for it; the first row whose answer is yes is taken.
    pub is_asked: fn(&Request) -> bool,
    /// Does it.
    pub answer: Answer,
}

/// Everything that POST does.
pub(crate) const ACTIONS: &[Action] = &[
    Action {
        name: "import, or change many",
        source: "calendarserver bulk-change §3, §4",
        kinds: bulk::KINDS,
        is_asked: |request| request.query.as_deref().unwrap_or_default().is_empty(),
        answer: Answer::Whole(BodyBound::Stream, |dav, request| {
            Box::pin(bulk::bulk(dav, request))
        }),
    },
    Action {
        name: "ask for busy time",
        source: "RFC 6638 §5",
        kinds: Kinds::of(&[ResourceKind::Outbox]),
        is_asked: |_| true,
        // What is larger than a message may be is refused with the precondition (RFC 6638 §5.2).
        answer: Answer::Whole(BodyBound::Stream, |dav, request| {
            Box::pin(busy_time::ask(dav, request))
        }),
    },
    Action {
        name: "add a member",
        source: "RFC 5995 §3.1",
        kinds: add_member::KINDS,
        is_asked: add_member::is_asked,
        answer: Answer::Either(
            |dav, request| Box::pin(add_member::add_member(dav, request)),
            |dav, request, body| Box::pin(add_member::add_member_pieces(dav, request, body)),
        ),
    },
    Action {
        name: "say what a change would come to",
        source: "Convoke: dry run",
        kinds: Kinds::of(&[ResourceKind::DryRun]),
        is_asked: |_| true,
        answer: Answer::Whole(BodyBound::Stream, |dav, request| {
            Box::pin(dry_run::dry_run(dav, request))
        }),
    },
    Action {
        name: "decline a proposal",
        source: "Convoke: DECLINECOUNTER (RFC 5546 §3.2.8)",
        kinds: Kinds::of(&[ResourceKind::InboxItem]),
        is_asked: decline_counter::is_asked,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(decline_counter::decline_counter(dav, request))
        }),
    },
    Action {
        name: "add, update or remove an attachment",
        source: "RFC 8607 §3.3",
        kinds: Kinds::of(&[ResourceKind::CalendarObject]),
        is_asked: |_| true,
        answer: Answer::Streamed(|dav, request, body| {
            Box::pin(attachment::change(dav, request, body))
        }),
    },
];

/// Who may know what a POST is about: who may see it, and who may do what one of the actions does. Each action
/// asks for its own privilege.
const LETS_POST: [Privilege; 4] = [
    Privilege::Read,
    Privilege::Bind,
    Privilege::WriteContent,
    Privilege::ScheduleSendFreeBusy,
];

/// Where POST is allowed.
pub(crate) const KINDS: Kinds = {
    let mut kinds = Kinds::of(&[]);
    let mut index = 0;
    while index < ACTIONS.len() {
        kinds = kinds.and(ACTIONS[index].kinds);
        index += 1;
    }
    kinds
};

/// Does what the request asks for.
pub(crate) async fn post(
    dav: &Dav,
    request: Request,
    body: Incoming<'_>,
) -> Result<Response, DavError> {
    let kind = match &request.path {
        // Whoever asks for it hears what the change itself would tell.
        Path::DryRun(..) => ResourceKind::DryRun,
        path => {
            let target = Target::open_for(dav, &request.actor, path, &LETS_POST).await?;
            target.kind()
        }
    };
    if !KINDS.contains(kind) {
        return Err(Refusal::NotAllowed("POST does nothing here").into());
    }
    let action = ACTIONS
        .iter()
        .find(|action| action.kinds.contains(kind) && (action.is_asked)(&request));
    let Some(action) = action else {
        let reason = "a POST to this URL asks for nothing that is known here";
        return Err(DavError::BadRequest(reason.into()));
    };
    dav.take(action.answer, request, body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_one_row_and_a_place() {
        for action in ACTIONS {
            let same = ACTIONS.iter().filter(|other| other.name == action.name);
            assert_eq!(same.count(), 1, "{}", action.name);
            assert!(action.kinds.iter().next().is_some(), "{}", action.name);
            assert!(KINDS.iter().any(|kind| action.kinds.contains(kind)));
        }
    }
}
