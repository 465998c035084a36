//! The conditions of a request, evaluated against the state that a round commits upon. Pure.
//!
//! Order: RFC 9110 §13.2.2 (If-Match, else If-Unmodified-Since; then If-None-Match), then
//! If-Schedule-Tag-Match (RFC 6638 §8.3), then the lists of the If header (RFC 4918 §10.4).

use storage::{ResourcePath, Timestamp};

use crate::{
    Conditions, Refusal,
    change::{EntityTag, StateCondition, StateList, TagList},
};

/// What the conditions of a request can ask about one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceState {
    /// Whether there is such a resource.
    pub exists: bool,
    /// Its strong entity tag; collections have none.
    pub etag: Option<String>,
    /// Its schedule tag; only scheduling objects have one.
    pub schedule_tag: Option<String>,
    /// When it last changed.
    pub modified: Option<Timestamp>,
    /// Its state tokens: of the locks whose scope it is in, and a collection's sync token.
    pub tokens: Vec<String>,
}

/// Whether all conditions hold; the refusal names the first that does not.
///
/// `state_of` must know `target` and every resource in [`resources`].
pub(crate) fn evaluate(
    conditions: &Conditions,
    target: &ResourcePath,
    state_of: impl Fn(&ResourcePath) -> ResourceState,
) -> Result<(), Refusal> {
    if *conditions == Conditions::default() {
        return Ok(());
    }
    let state = state_of(conditions.about.as_ref().unwrap_or(target));
    let failed = |header| Err(Refusal::ConditionFailed(header));
    match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(list), _) if !matches_strongly(list, &state) => return failed("If-Match"),
        (None, Some(since)) if modified_after(&state, since) => {
            return failed("If-Unmodified-Since");
        }
        _ => {}
    }
    if let Some(list) = &conditions.if_none_match
        && matches_weakly(list, &state)
    {
        return failed("If-None-Match");
    }
    if let Some(tag) = &conditions.if_schedule_tag_match
        && !schedule_tag_matches(tag, &state)
    {
        return failed("If-Schedule-Tag-Match");
    }
    let lists = &conditions.if_lists;
    if !lists.is_empty() && !lists.iter().any(|list| list_holds(list, &state, &state_of)) {
        return failed("If");
    }
    Ok(())
}

/// The resources beside the request's own that the conditions ask about.
pub(crate) fn resources(conditions: &Conditions) -> impl Iterator<Item = &ResourcePath> {
    let tagged = conditions
        .if_lists
        .iter()
        .filter_map(|list| list.resource.as_ref()?.as_ref());
    conditions.about.iter().chain(tagged)
}

/// The state tokens that the request submits (RFC 4918 §10.4.1): every token of its If header,
/// whether or not its list holds.
pub(crate) fn submitted_tokens(conditions: &Conditions) -> Vec<&str> {
    let all = conditions.if_lists.iter().flat_map(|list| &list.conditions);
    all.filter_map(|condition| match condition {
        StateCondition::Token { token, .. } => Some(token.as_str()),
        StateCondition::EntityTag { .. } => None,
    })
    .collect()
}

/// RFC 9110 §13.1.1: strong comparison; `*` asks for any current representation.
fn matches_strongly(list: &TagList, state: &ResourceState) -> bool {
    match list {
        TagList::Any => state.exists,
        TagList::Tags(tags) => tags.iter().any(|tag| equals_strongly(tag, state)),
    }
}

/// RFC 9110 §13.1.2: weak comparison.
fn matches_weakly(list: &TagList, state: &ResourceState) -> bool {
    match list {
        TagList::Any => state.exists,
        TagList::Tags(tags) => tags
            .iter()
            .any(|tag| state.etag.as_deref() == Some(tag.tag.as_str())),
    }
}

fn equals_strongly(tag: &EntityTag, state: &ResourceState) -> bool {
    !tag.weak && state.etag.as_deref() == Some(tag.tag.as_str())
}

/// RFC 9110 §13.1.4. Without a date to compare with, the field is ignored.
fn modified_after(state: &ResourceState, since: i64) -> bool {
    state
        .modified
        .is_some_and(|modified| modified.seconds() > since)
}

/// RFC 6638 §8.3. Apple's clients send the header without a value for a resource that has no tag.
fn schedule_tag_matches(tag: &str, state: &ResourceState) -> bool {
    match &state.schedule_tag {
        Some(current) => current == tag,
        None => tag.is_empty(),
    }
}

/// RFC 4918 §10.4.3 and §10.4.4: all conditions of the list hold for its resource. A resource that
/// is none of ours has no state.
fn list_holds(
    list: &StateList,
    own: &ResourceState,
    state_of: &impl Fn(&ResourcePath) -> ResourceState,
) -> bool {
    let tagged;
    let state = match &list.resource {
        None => own,
        Some(resource) => {
            tagged = resource.as_ref().map(state_of).unwrap_or_default();
            &tagged
        }
    };
    list.conditions.iter().all(|condition| match condition {
        StateCondition::Token { token, negated } => state.tokens.contains(token) != *negated,
        StateCondition::EntityTag { tag, negated } => equals_strongly(tag, state) != *negated,
    })
}

#[cfg(test)]
mod tests {
    use storage::model::PrincipalKind;

    use super::*;

    fn path(segments: &[&str]) -> ResourcePath {
        ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".into(),
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
        }
    }

    /// `a.ics` has ETag `one`, Schedule-Tag `s1` and a lock; `plain` has neither; all else is missing.
    fn state_of(asked: &ResourcePath) -> ResourceState {
        match asked.name() {
            Some("a.ics") => ResourceState {
                exists: true,
                etag: Some("one".into()),
                schedule_tag: Some("s1".into()),
                modified: Some(Timestamp(10_500)),
                tokens: vec!["urn:lock:1".into()],
            },
            Some("plain") => ResourceState {
                exists: true,
                etag: Some("two".into()),
                modified: Some(Timestamp(10_500)),
                ..ResourceState::default()
            },
            Some("folder") => ResourceState {
                exists: true,
                ..ResourceState::default()
            },
            _ => ResourceState::default(),
        }
    }

    fn tag(text: &str) -> EntityTag {
        match text.strip_prefix("W/") {
            Some(rest) => EntityTag {
                weak: true,
                tag: rest.into(),
            },
            None => EntityTag {
                weak: false,
                tag: text.into(),
            },
        }
    }

    fn tags(text: &str) -> TagList {
        match text {
            "*" => TagList::Any,
            _ => TagList::Tags(text.split(' ').map(tag).collect()),
        }
    }

    #[test]
    fn header_fields() {
        // field, value, resource, whether it holds
        let table = [
            // RFC 9110 §13.1.1
            ("If-Match", "one", "a.ics", true),
            ("If-Match", "zero one", "a.ics", true),
            ("If-Match", "W/one", "a.ics", false),
            ("If-Match", "two", "a.ics", false),
            ("If-Match", "*", "a.ics", true),
            ("If-Match", "*", "folder", true),
            ("If-Match", "nothing", "folder", false),
            ("If-Match", "*", "missing", false),
            ("If-Match", "one", "missing", false),
            // RFC 9110 §13.1.2
            ("If-None-Match", "one", "a.ics", false),
            ("If-None-Match", "W/one", "a.ics", false),
            ("If-None-Match", "two", "a.ics", true),
            ("If-None-Match", "*", "a.ics", false),
            ("If-None-Match", "*", "folder", false),
            ("If-None-Match", "*", "missing", true),
            // RFC 9110 §13.1.4: whole seconds
            ("If-Unmodified-Since", "10", "a.ics", true),
            ("If-Unmodified-Since", "9", "a.ics", false),
            ("If-Unmodified-Since", "9", "missing", true),
            // RFC 6638 §8.3
            ("If-Schedule-Tag-Match", "s1", "a.ics", true),
            ("If-Schedule-Tag-Match", "s2", "a.ics", false),
            ("If-Schedule-Tag-Match", "", "a.ics", false),
            ("If-Schedule-Tag-Match", "", "plain", true),
            ("If-Schedule-Tag-Match", "s1", "plain", false),
            ("If-Schedule-Tag-Match", "s1", "missing", false),
        ];
        for (field, value, resource, expected) in table {
            let mut conditions = Conditions::default();
            match field {
                "If-Match" => conditions.if_match = Some(tags(value)),
                "If-None-Match" => conditions.if_none_match = Some(tags(value)),
                "If-Unmodified-Since" => conditions.if_unmodified_since = value.parse().ok(),
                _ => conditions.if_schedule_tag_match = Some(value.into()),
            }
            let result = evaluate(&conditions, &path(&[resource]), state_of);
            let expected = if expected {
                Ok(())
            } else {
                Err(Refusal::ConditionFailed(field))
            };
            assert_eq!(result, expected, "{field}: {value} on {resource}");
        }
    }

    /// RFC 9110 §13.2.2: If-Unmodified-Since counts only without If-Match.
    #[test]
    fn precedence() {
        let both = Conditions {
            if_match: Some(tags("one")),
            if_unmodified_since: Some(1),
            ..Conditions::default()
        };
        assert_eq!(evaluate(&both, &path(&["a.ics"]), state_of), Ok(()));
    }

    /// `<token>`, `[etag]`, each maybe after `!`; lists are separated by `|`; `name:` before a list tags it,
    /// `elsewhere:` with a resource that is none of ours.
    fn lists(text: &str) -> Vec<StateList> {
        text.split('|')
            .map(|list| {
                let (resource, list) = match list.trim().split_once(": ") {
                    None => (None, list.trim()),
                    Some(("elsewhere", list)) => (Some(None), list),
                    Some((name, list)) => (Some(Some(path(&[name]))), list),
                };
                let conditions = list.split(' ').map(|text| {
                    let negated = text.starts_with('!');
                    let text = text.trim_start_matches('!');
                    match text.strip_prefix('[') {
                        Some(text) => StateCondition::EntityTag {
                            tag: tag(text.trim_end_matches(']')),
                            negated,
                        },
                        None => StateCondition::Token {
                            token: text.trim_matches(['<', '>']).into(),
                            negated,
                        },
                    }
                });
                StateList {
                    resource,
                    conditions: conditions.collect(),
                }
            })
            .collect()
    }

    /// RFC 4918 §10.4.
    #[test]
    fn if_header() {
        let table = [
            ("<urn:lock:1>", "a.ics", true),
            ("<urn:lock:2>", "a.ics", false),
            ("<urn:lock:1> [one]", "a.ics", true),
            ("<urn:lock:1> [two]", "a.ics", false),
            ("[W/one]", "a.ics", false),
            ("!<DAV:no-lock>", "a.ics", true),
            ("<DAV:no-lock>", "a.ics", false),
            ("!<urn:lock:1>", "a.ics", false),
            ("![one]", "a.ics", false),
            ("![two]", "a.ics", true),
            ("<urn:lock:2> | !<DAV:no-lock>", "a.ics", true),
            ("<urn:lock:1> [two] | !<DAV:no-lock> [two]", "a.ics", false),
            ("<urn:lock:1>", "missing", false),
            ("!<urn:lock:1>", "missing", true),
            ("a.ics: <urn:lock:1>", "plain", true),
            ("a.ics: <urn:lock:1> [one]", "missing", true),
            ("plain: <urn:lock:1>", "a.ics", false),
            ("plain: <urn:lock:1> | a.ics: [one]", "folder", true),
            ("elsewhere: <urn:lock:1>", "a.ics", false),
            ("elsewhere: !<urn:lock:1>", "a.ics", true),
        ];
        for (text, resource, expected) in table {
            let conditions = Conditions {
                if_lists: lists(text),
                ..Conditions::default()
            };
            let result = evaluate(&conditions, &path(&[resource]), state_of);
            let expected = if expected {
                Ok(())
            } else {
                Err(Refusal::ConditionFailed("If"))
            };
            assert_eq!(result, expected, "{text} on {resource}");
        }
    }

    /// RFC 4918 §10.4.1: a token is submitted wherever in the header it stands.
    #[test]
    fn tokens_are_submitted_by_every_list() {
        let conditions = Conditions {
            if_lists: lists("<urn:lock:1> [two] | a.ics: !<DAV:no-lock>"),
            ..Conditions::default()
        };
        assert_eq!(submitted_tokens(&conditions), ["urn:lock:1", "DAV:no-lock"]);
        assert_eq!(
            resources(&conditions).collect::<Vec<_>>(),
            [&path(&["a.ics"])]
        );
    }
}
