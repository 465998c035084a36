//! What clients, administrators and workers ask of the server.

use bytes::Bytes;
use scheduling::{
    Conditions, Refusal,
    desk::{DeclineCounter, Delete, Import, IncomingObject, OnConflict, Put, Transfer, TrashError},
};
use storage::{AccountError, ResourcePath, backend::CommitError};

use crate::simulation::house::{House, Worker, path};

/// A request, ready to be sent.
pub enum Request {
    /// PUT.
    Put {
        /// Who signs in.
        who: &'static str,
        /// Where.
        path: ResourcePath,
        /// What.
        octets: Bytes,
        /// If-Schedule-Tag-Match.
        schedule_tag: Option<String>,
        /// It concerns nobody else.
        is_private: bool,
    },
    /// DELETE.
    Delete {
        /// Who signs in.
        who: &'static str,
        /// What.
        path: ResourcePath,
        /// Schedule-Reply.
        schedule_reply: bool,
    },
    /// DECLINECOUNTER to who proposes something (RFC 5546 §3.2.8).
    Decline {
        /// Who signs in.
        who: &'static str,
        /// What was proposed.
        path: ResourcePath,
    },
    /// COPY, which must be refused: a meeting stands once in somebody's calendars (RFC 6638 §3.2.4.1).
    Copy {
        /// Who signs in.
        who: &'static str,
        /// What.
        from: ResourcePath,
        /// Where to.
        to: ResourcePath,
    },
    /// COPY of a secretary, to another owner's calendar or from there.
    CopyAcross {
        /// What.
        from: ResourcePath,
        /// Where to.
        to: ResourcePath,
    },
    /// MOVE.
    Move {
        /// Who signs in.
        who: &'static str,
        /// What.
        from: ResourcePath,
        /// Where to.
        to: ResourcePath,
    },
    /// An administrator changes the team.
    Team {
        /// Who comes or leaves.
        who: &'static str,
        /// Which of both.
        comes: bool,
    },
    /// An operator brings something out of the trash.
    Restore {
        /// Its name in the trash.
        id: String,
    },
    /// An import into the first calendar.
    Import {
        /// Who signs in.
        who: &'static str,
        /// What.
        octets: Bytes,
    },
    /// The server does a piece of what waits.
    Work(Worker),
}

impl Request {
    /// Who signs in for it.
    pub fn who(&self) -> Option<&'static str> {
        match self {
            Request::Put { who, .. }
            | Request::Delete { who, .. }
            | Request::Decline { who, .. }
            | Request::Copy { who, .. }
            | Request::Move { who, .. }
            | Request::Import { who, .. } => Some(who),
            Request::CopyAcross { .. } => Some("carol"),
            Request::Team { .. } | Request::Restore { .. } | Request::Work(_) => None,
        }
    }
}

impl Request {
    /// Whether nobody else hears of it: an alarm, a place in another calendar, what an operator or an import brings back
    /// (see the table of decisions).
    pub fn is_silent(&self) -> bool {
        match self {
            Request::Put { is_private, .. } => *is_private,
            Request::Copy { .. }
            | Request::CopyAcross { .. }
            | Request::Move { .. }
            | Request::Restore { .. }
            | Request::Import { .. } => true,
            Request::Delete { .. }
            | Request::Decline { .. }
            | Request::Team { .. }
            | Request::Work(_) => false,
        }
    }
}

/// Clients with old copies are told so, and what is gone is gone.
pub fn is_expected(refusal: &Refusal, fails: bool) -> bool {
    match refusal {
        Refusal::ConditionFailed(_) | Refusal::NotFound | Refusal::Precondition { .. } => true,
        Refusal::Unavailable(_) => fails,
        _ => false,
    }
}

/// Sends it.
///
/// # Errors
/// The server's.
pub async fn send(house: &House, request: Request) -> Result<(), Refusal> {
    match request {
        Request::Team { who, comes } => match house.change_team(who, comes).await {
            Ok(()) => Ok(()),
            Err(AccountError::Commit(CommitError::Unavailable(reason))) => {
                Err(Refusal::Unavailable(reason))
            }
            Err(error) => Err(Refusal::Damaged(error.to_string())),
        },
        Request::Put {
            who,
            path,
            octets,
            schedule_tag,
            is_private: _,
        } => {
            let put = Put {
                path,
                content_type: None,
                octets,
                conditions: Conditions {
                    if_schedule_tag_match: schedule_tag,
                    ..Conditions::default()
                },
                schedule_reply: true,
            };
            house.desk.put(house.actor(who), put).await.map(drop)
        }
        Request::Delete {
            who,
            path,
            schedule_reply,
        } => {
            let delete = Delete {
                path,
                conditions: Conditions::default(),
                schedule_reply,
            };
            house.desk.delete(house.actor(who), delete).await.map(drop)
        }
        Request::Decline { who, path } => {
            let decline = DeclineCounter {
                path,
                conditions: Conditions::default(),
                comment: None,
            };
            match house.desk.decline_counter(house.actor(who), &decline).await {
                // there is nobody to tell
                Err(Refusal::Prohibited(_)) => Ok(()),
                declined => declined,
            }
        }
        Request::Copy { who, from, to } => {
            let copied = house
                .desk
                .transfer(house.actor(who), transfer(from, to, true));
            match copied.await {
                Ok(_) => Err(Refusal::Damaged("a meeting was copied".to_owned())),
                Err(refusal) => Err(refusal),
            }
        }
        Request::CopyAcross { from, to } => {
            let copied = house
                .desk
                .transfer(house.actor("carol"), transfer(from, to, true));
            copied.await.map(drop)
        }
        Request::Move { who, from, to } => {
            let moved = house
                .desk
                .transfer(house.actor(who), transfer(from, to, false));
            moved.await.map(drop)
        }
        Request::Restore { id } => match house.desk.restore_item(&id).await {
            Ok(_) => Ok(()),
            Err(TrashError::NotFound(_)) => Err(Refusal::NotFound),
            Err(TrashError::Refused(refusal)) => Err(refusal),
        },
        Request::Import { who, octets } => import(house, who, octets).await,
        Request::Work(worker) => house.work(worker).await.map(drop),
    }
}

async fn import(house: &House, who: &'static str, octets: Bytes) -> Result<(), Refusal> {
    let import = Import {
        calendar: path(who, "calendar"),
        on_conflict: OnConflict::Overwrite,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let objects = [IncomingObject::from(octets)];
    let imported = house.desk.import(house.actor(who), &import, &objects).await;
    imported.map(drop)
}

fn transfer(source: ResourcePath, destination: ResourcePath, keep_source: bool) -> Transfer {
    Transfer {
        source,
        destination,
        keep_source,
        overwrite: false,
        deep: true,
        conditions: Conditions::default(),
        schedule_reply: true,
    }
}
