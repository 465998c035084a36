//! The conditional headers, gathered into what the desk evaluates (RFC 9110 §13, RFC 4918 §10.4, RFC 6638 §8.3).

use http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
};
use scheduling::{Conditions, change::TagList};
use storage::ResourcePath;

use super::{Authorities, BadHeader, date, entity_tag, if_header, joined, single};

static IF_SCHEDULE_TAG_MATCH: HeaderName = HeaderName::from_static("if-schedule-tag-match");

/// Everything that a request demands of the state it meets. `resolve` maps the tagged URLs of If.
///
/// # Errors
/// A header that cannot be understood.
pub fn conditions(
    headers: &HeaderMap,
    authorities: Authorities<'_>,
    resolve: impl Fn(&str) -> Option<ResourcePath>,
) -> Result<Conditions, BadHeader> {
    let if_match = tags(headers, &IF_MATCH, "If-Match")?;
    // RFC 9110 §13.1.4: a recipient must ignore it where If-Match is present.
    let if_unmodified_since = match if_match {
        Some(_) => None,
        None => single(headers, &IF_UNMODIFIED_SINCE, "If-Unmodified-Since")?.and_then(date::parse),
    };
    Ok(Conditions {
        about: None,
        if_match,
        if_none_match: tags(headers, &IF_NONE_MATCH, "If-None-Match")?,
        if_schedule_tag_match: schedule_tag(headers)?,
        if_unmodified_since,
        if_lists: if_header::parse(headers, authorities, resolve)?,
    })
}

/// Whether a request carries none of the headers that [`conditions`] reads, nor If-Modified-Since.
/// The names of all of them begin alike, and looking at the few names that there are is cheaper than
/// asking for six.
pub fn is_unconditional(headers: &HeaderMap) -> bool {
    !headers.keys().any(|name| name.as_str().starts_with("if"))
}

/// If-Modified-Since of GET and HEAD, in seconds since 1970. It is ignored where it is no date, and
/// where If-None-Match is present (RFC 9110 §13.1.3).
pub fn if_modified_since(headers: &HeaderMap) -> Option<i64> {
    if headers.contains_key(IF_NONE_MATCH) {
        return None;
    }
    date::parse(headers.get(IF_MODIFIED_SINCE)?.to_str().ok()?.trim())
}

fn tags(
    headers: &HeaderMap,
    name: &HeaderName,
    title: &'static str,
) -> Result<Option<TagList>, BadHeader> {
    joined(headers, name, title)?
        .map(|value| {
            entity_tag::parse_list(&value).map_err(|problem| BadHeader::new(title, problem))
        })
        .transpose()
}

/// RFC 6638 §8.3: an opaque quoted string. Apple sends the header without a value for objects that
/// have no tag; that is kept as an empty text.
fn schedule_tag(headers: &HeaderMap) -> Result<Option<String>, BadHeader> {
    let Some(value) = single(headers, &IF_SCHEDULE_TAG_MATCH, "If-Schedule-Tag-Match")? else {
        return Ok(None);
    };
    if value.is_empty() {
        return Ok(Some(String::new()));
    }
    let tag = entity_tag::parse(value)
        .map_err(|problem| BadHeader::new("If-Schedule-Tag-Match", problem))?;
    if tag.weak {
        return Err(BadHeader::new("If-Schedule-Tag-Match", "must not be weak"));
    }
    Ok(Some(tag.tag))
}

#[cfg(test)]
mod tests {
    use scheduling::change::EntityTag;

    use super::{super::testing::headers, *};

    fn parsed(lines: &[(&'static str, &str)]) -> Result<Conditions, String> {
        conditions(&headers(lines), Authorities::default(), |_| None)
            .map_err(|error| error.to_string())
    }

    fn strong(tag: &str) -> TagList {
        TagList::Tags(vec![EntityTag {
            weak: false,
            tag: tag.into(),
        }])
    }

    #[test]
    fn nothing_demanded() {
        assert_eq!(parsed(&[("host", "x")]), Ok(Conditions::default()));
        assert!(is_unconditional(&headers(&[("host", "x")])));
        for name in [
            "if-match",
            "if-none-match",
            "if-schedule-tag-match",
            "if-unmodified-since",
            "if-modified-since",
            "if",
        ] {
            assert!(!is_unconditional(&headers(&[(name, "x")])), "{name}");
        }
    }

    /// RFC 9110 §13.1
    #[test]
    fn entity_tags() {
        assert_eq!(
            parsed(&[("if-match", "\"a\"")]).map(|c| c.if_match),
            Ok(Some(strong("a")))
        );
        assert_eq!(
            parsed(&[("if-none-match", "*")]).map(|c| c.if_none_match),
            Ok(Some(TagList::Any))
        );
        assert_eq!(
            parsed(&[("if-match", "nothing")]).map(|c| c.if_match),
            Ok(Some(strong("nothing")))
        );
        assert_eq!(
            parsed(&[("if-match", "")]),
            Err("the If-Match header holds no entity tag".into())
        );
        assert_eq!(
            parsed(&[("if-none-match", "\"a")]),
            Err("the If-None-Match header holds an entity tag without its closing quote".into())
        );
    }

    /// RFC 6638 §8.3
    #[test]
    fn schedule_tags() {
        let tag = |value: &str| {
            parsed(&[("if-schedule-tag-match", value)]).map(|c| c.if_schedule_tag_match)
        };
        assert_eq!(tag("\"abc\""), Ok(Some("abc".into())));
        assert_eq!(tag("abc"), Ok(Some("abc".into())));
        assert_eq!(tag(""), Ok(Some(String::new())));
        assert_eq!(
            tag("W/\"abc\""),
            Err("the If-Schedule-Tag-Match header must not be weak".into())
        );
        assert!(tag("\"abc\", \"def\"").is_err());
    }

    /// RFC 9110 §13.1.3 and §13.1.4
    #[test]
    fn dates() {
        let moment = "Sun, 06 Nov 1994 08:49:37 GMT";
        let since = |lines: &[(&'static str, &str)]| parsed(lines).map(|c| c.if_unmodified_since);
        assert_eq!(
            since(&[("if-unmodified-since", moment)]),
            Ok(Some(784_111_777))
        );
        assert_eq!(since(&[("if-unmodified-since", "yesterday")]), Ok(None));
        assert_eq!(
            since(&[("if-unmodified-since", moment), ("if-match", "*")]),
            Ok(None)
        );
        assert_eq!(
            if_modified_since(&headers(&[("if-modified-since", moment)])),
            Some(784_111_777)
        );
        assert_eq!(
            if_modified_since(&headers(&[
                ("if-modified-since", moment),
                ("if-none-match", "*")
            ])),
            None
        );
        assert_eq!(
            if_modified_since(&headers(&[("if-modified-since", "yesterday")])),
            None
        );
    }

    /// RFC 4918 §10.4
    #[test]
    fn the_if_header_is_part_of_it() {
        assert_eq!(parsed(&[("if", "(<a>)")]).map(|c| c.if_lists.len()), Ok(1));
        assert_eq!(
            parsed(&[("if", "x")]),
            Err("the If header must be made of lists in parentheses".into())
        );
    }
}
