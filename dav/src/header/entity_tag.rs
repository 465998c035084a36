//! Entity tags and lists of them (RFC 9110 §8.8.3 and §13.1).

use scheduling::change::{EntityTag, TagList};

/// The most tags one list may hold.
pub const MAXIMUM_TAGS: usize = 1000;

/// The value of If-Match or If-None-Match.
///
/// A tag without quotes is taken as it stands: clients send such, and as tags are only ever compared
/// it can at worst be equal to the tag that was meant.
///
/// # Errors
/// What is wrong, to be said after the header's name.
pub fn parse_list(text: &str) -> Result<TagList, &'static str> {
    if text.trim() == "*" {
        return Ok(TagList::Any);
    }
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            break;
        }
        if tags.len() == MAXIMUM_TAGS {
            return Err("holds too many entity tags");
        }
        let (tag, after) = parse_prefix(rest)?;
        tags.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err("lacks a comma between its entity tags");
        }
    }
    if tags.is_empty() {
        Err("holds no entity tag")
    } else {
        Ok(TagList::Tags(tags))
    }
}

/// One entity tag, all of the text.
///
/// # Errors
/// What is wrong.
pub fn parse(text: &str) -> Result<EntityTag, &'static str> {
    match parse_prefix(text.trim())? {
        (tag, "") => Ok(tag),
        _ => Err("holds text behind its entity tag"),
    }
}

/// The entity tag at the beginning of the text, and the text behind it.
fn parse_prefix(text: &str) -> Result<(EntityTag, &str), &'static str> {
    let (weak, opaque) = match text.strip_prefix("W/") {
        Some(rest) if rest.starts_with('"') => (true, rest),
        _ => (false, text),
    };
    if let Some(quoted) = opaque.strip_prefix('"') {
        let (tag, after) = quoted
            .split_once('"')
            .ok_or("holds an entity tag without its closing quote")?;
        return Ok((
            EntityTag {
                weak,
                tag: tag.to_owned(),
            },
            after,
        ));
    }
    let end = opaque.find([',', ' ', '\t']).unwrap_or(opaque.len());
    let (tag, after) = opaque.split_at(end);
    if tag.is_empty() || tag.contains('"') {
        return Err("holds a malformed entity tag");
    }
    Ok((
        EntityTag {
            weak,
            tag: tag.to_owned(),
        },
        after,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strong(tag: &str) -> EntityTag {
        EntityTag {
            weak: false,
            tag: tag.into(),
        }
    }

    /// RFC 9110 §13.1.1
    #[test]
    fn lists() {
        let weak = EntityTag {
            weak: true,
            tag: "w".into(),
        };
        for (text, expected) in [
            ("*", Ok(TagList::Any)),
            (" * ", Ok(TagList::Any)),
            ("\"a\"", Ok(TagList::Tags(vec![strong("a")]))),
            ("\"\"", Ok(TagList::Tags(vec![strong("")]))),
            (
                "\"a, b\",W/\"w\" , ,\"c\"",
                Ok(TagList::Tags(vec![strong("a, b"), weak, strong("c")])),
            ),
            ("nothing", Ok(TagList::Tags(vec![strong("nothing")]))),
            (
                "a, \"b\"",
                Ok(TagList::Tags(vec![strong("a"), strong("b")])),
            ),
            ("", Err("holds no entity tag")),
            (" , ", Err("holds no entity tag")),
            ("\"a", Err("holds an entity tag without its closing quote")),
            ("\"a\"\"b\"", Err("lacks a comma between its entity tags")),
            ("\"a\" \"b\"", Err("lacks a comma between its entity tags")),
            ("a\"b\"", Err("holds a malformed entity tag")),
        ] {
            assert_eq!(parse_list(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let fits = vec!["\"a\""; MAXIMUM_TAGS].join(",");
        assert!(parse_list(&fits).is_ok());
        assert_eq!(
            parse_list(&format!("{fits},\"a\"")),
            Err("holds too many entity tags")
        );
    }

    #[test]
    fn single_tags() {
        assert_eq!(parse("\"x y\""), Ok(strong("x y")));
        assert_eq!(parse("\"x\" y"), Err("holds text behind its entity tag"));
        assert_eq!(parse(""), Err("holds a malformed entity tag"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\"W/, *a-c\u{e4}]{0,40}|.*") { let _ = parse_list(&text); let _ = parse(&text); }

        #[test]
        fn quoted_tags_come_back(tags in proptest::collection::vec("[!#-~]{0,12}", 1..5)) {
            let text = tags.iter().map(|tag| format!("\"{tag}\"")).collect::<Vec<_>>().join(", ");
            prop_assert_eq!(parse_list(&text), Ok(TagList::Tags(tags.iter().map(|tag| strong(tag)).collect())));
        }
    }
}
