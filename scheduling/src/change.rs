//! A change as it is asked for: what, by whom, and under which conditions.

use std::sync::{Arc, LazyLock};

use storage::{
    ResourcePath,
    model::{Principal, PrincipalId, PrincipalKind},
};

/// Who acts. For whom, the place tells: whoever owns what is changed.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who signed in.
    pub principal: Arc<Principal>,
    /// What the client calls itself, for the audit.
    pub client: Option<Arc<str>>,
}

impl Actor {
    /// Whoever did not sign in.
    pub fn anybody() -> Actor {
        static ANYBODY: LazyLock<Arc<Principal>> =
            LazyLock::new(|| Arc::new(Principal::new(PrincipalKind::User, "")));
        Actor::of(Arc::clone(&ANYBODY))
    }

    /// Somebody with a client that says nothing of itself.
    pub fn of(principal: Arc<Principal>) -> Actor {
        Actor {
            principal,
            client: None,
        }
    }

    /// The server itself, or whoever works at its machine: they may do everything, and act as the owner of what they
    /// change. `client` says what for.
    pub fn machine(client: &str) -> Actor {
        static MACHINE: LazyLock<Arc<Principal>> = LazyLock::new(|| {
            let mut machine = Principal::new(PrincipalKind::User, "");
            machine.administrator = true;
            Arc::new(machine)
        });
        Actor {
            principal: Arc::clone(&MACHINE),
            client: Some(client.into()),
        }
    }

    /// The name of the account that signed in, if any did.
    pub fn name(&self) -> Option<String> {
        self.signed_in().map(|_| self.principal.name.clone())
    }

    /// Who signed in, if anybody did.
    pub fn signed_in(&self) -> Option<PrincipalId> {
        Some(self.principal.id).filter(|id| *id != PrincipalId::NOBODY)
    }
}

/// An entity tag as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// `W/` stood before it.
    pub weak: bool,
    /// Without quotes.
    pub tag: String,
}

/// The value of If-Match or If-None-Match (RFC 9110 §13.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagList {
    /// `*`
    Any,
    /// A list.
    Tags(Vec<EntityTag>),
}

/// One condition of an If header (RFC 4918 §10.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateCondition {
    /// `<token>` or `Not <token>`.
    Token {
        /// The state token: a lock token, or a sync token (RFC 6578 §5) kept as text.
        token: String,
        /// Preceded by `Not`.
        negated: bool,
    },
    /// `["etag"]` or `Not ["etag"]`.
    EntityTag {
        /// The tag.
        tag: EntityTag,
        /// Preceded by `Not`.
        negated: bool,
    },
}

/// One list of an If header and the resource it is about. The header holds if any list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateList {
    /// The tagged resource; `None` for an untagged list (the request's own resource), and
    /// `Some(None)` for a URL that is none of ours.
    pub resource: Option<Option<ResourcePath>>,
    /// All of these must hold.
    pub conditions: Vec<StateCondition>,
}

/// Everything the request demanded, evaluated by the desk in every round against the state it commits upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// What the request is about, where that is not the resource that it changes: a collection to which
    /// a member is added (RFC 5995).
    pub about: Option<ResourcePath>,
    /// If-Match.
    pub if_match: Option<TagList>,
    /// If-None-Match.
    pub if_none_match: Option<TagList>,
    /// If-Schedule-Tag-Match (RFC 6638 §8.3), without quotes.
    pub if_schedule_tag_match: Option<String>,
    /// If-Unmodified-Since, in seconds since 1970.
    pub if_unmodified_since: Option<i64>,
    /// The If header's lists; its tokens count as submitted (RFC 4918 §10.4.1).
    pub if_lists: Vec<StateList>,
}

/// What the text of a sync token begins with.
const SYNC_TOKEN_PREFIX: &str = "urn:convoke:sync:";

/// A sync token as the URI that clients see (RFC 6578 §4), also as a state token in an If header
/// (RFC 6578 §5).
pub fn sync_token_text(token: &storage::model::SyncToken) -> String {
    format!("{SYNC_TOKEN_PREFIX}{token}")
}

/// From the text of [`sync_token_text`]; `None` for any other text.
pub fn parse_sync_token(text: &str) -> Option<storage::model::SyncToken> {
    text.strip_prefix(SYNC_TOKEN_PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use storage::{Revision, model::SyncToken};

    use super::*;

    #[test]
    fn sync_tokens_come_back() {
        for (epoch, revision, operation) in [(0, 0, 0), (1, 2, 3), (u64::MAX, u64::MAX, u16::MAX)] {
            let revision = Revision(revision);
            let token = SyncToken {
                epoch,
                revision,
                operation,
            };
            assert_eq!(parse_sync_token(&sync_token_text(&token)), Some(token));
        }
        for text in [
            "",
            "urn:convoke:sync:",
            "urn:convoke:sync:1:2",
            "urn:convoke:sync:000000000000000+:1",
        ] {
            assert_eq!(parse_sync_token(text), None, "{text}");
        }
    }
}
