//! The If header (RFC 4918 §10.4), complete: tagged and untagged lists, state tokens, entity tags, `Not`.

use http::{HeaderMap, HeaderName};
use scheduling::change::{StateCondition, StateList};
use storage::ResourcePath;

use super::{Authorities, BadHeader, Reference, entity_tag, reference, single};

/// The header's name.
pub static IF: HeaderName = HeaderName::from_static("if");

/// The most lists one header may hold.
pub const MAXIMUM_LISTS: usize = 256;
/// The most conditions all lists may hold together.
pub const MAXIMUM_CONDITIONS: usize = 1024;

/// The lists of a request's If header, in order; empty where the header is missing.
///
/// `resolve` maps a path on this server (still percent-encoded) to a resource; a tagged URL that is
/// no resource of ours becomes `Some(None)`, whose conditions are then evaluated as for a resource
/// that does not exist.
///
/// # Errors
/// What the grammar does not allow, and what exceeds the bounds.
pub fn parse(
    headers: &HeaderMap,
    authorities: Authorities<'_>,
    resolve: impl Fn(&str) -> Option<ResourcePath>,
) -> Result<Vec<StateList>, BadHeader> {
    match single(headers, &IF, "If")? {
        None => Ok(Vec::new()),
        Some(value) => parse_value(value, |reference| {
            match reference::parse(reference, authorities) {
                Reference::Local(path) => Some(resolve(path)),
                Reference::Foreign => Some(None),
                Reference::Malformed => None,
            }
        })
        .map_err(|problem| BadHeader::new("If", problem)),
    }
}

/// The lists of a header value. `resolve` maps a Resource-Tag's reference; its `None` is a malformed one.
fn parse_value(
    value: &str,
    resolve: impl Fn(&str) -> Option<Option<ResourcePath>>,
) -> Result<Vec<StateList>, &'static str> {
    let mut scanner = Scanner { rest: value };
    let mut lists: Vec<StateList> = Vec::new();
    let mut conditions = 0;
    // The tag that the next lists are about, and whether a list has followed it.
    let mut tag: Option<Option<ResourcePath>> = None;
    let mut tag_is_used = true;
    while let Some(token) = scanner.next()? {
        match token {
            Token::Coded(reference) => {
                if !lists.is_empty() && tag.is_none() {
                    return Err("mixes lists with and without a resource tag");
                }
                if !tag_is_used {
                    return Err("has a resource tag without a list");
                }
                tag = Some(resolve(reference).ok_or("has a malformed resource tag")?);
                tag_is_used = false;
            }
            Token::Open => {
                if lists.len() == MAXIMUM_LISTS {
                    return Err("holds too many lists");
                }
                let list = parse_list(&mut scanner, MAXIMUM_CONDITIONS - conditions)?;
                conditions += list.len();
                lists.push(StateList {
                    resource: tag.clone(),
                    conditions: list,
                });
                tag_is_used = true;
            }
            _ => return Err("must be made of lists in parentheses"),
        }
    }
    match (lists.is_empty(), tag_is_used) {
        (_, false) => Err("has a resource tag without a list"),
        (true, true) => Err("holds no list"),
        (false, true) => Ok(lists),
    }
}

/// The conditions of a list whose opening parenthesis was just read.
fn parse_list(
    scanner: &mut Scanner<'_>,
    maximum: usize,
) -> Result<Vec<StateCondition>, &'static str> {
    let mut conditions = Vec::new();
    let mut negated = false;
    loop {
        let condition = match scanner
            .next()?
            .ok_or("has a list without its closing parenthesis")?
        {
            Token::Close if negated => return Err("has a Not without a condition"),
            Token::Close if conditions.is_empty() => return Err("has an empty list"),
            Token::Close => return Ok(conditions),
            Token::Not if negated => return Err("has a Not behind a Not"),
            Token::Not => {
                negated = true;
                continue;
            }
            Token::Coded(token) => StateCondition::Token {
                token: token.to_owned(),
                negated,
            },
            Token::Bracketed(text) => StateCondition::EntityTag {
                tag: entity_tag::parse(text)?,
                negated,
            },
            Token::Open => return Err("has a list within a list"),
        };
        if conditions.len() == maximum {
            return Err("holds too many conditions");
        }
        conditions.push(condition);
        negated = false;
    }
}

enum Token<'a> {
    Open,
    Close,
    Not,
    /// What stands between `<` and `>`.
    Coded(&'a str),
    /// What stands between `[` and `]`.
    Bracketed(&'a str),
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, &'static str> {
        let text = self.rest.trim_start_matches([' ', '\t']);
        let Some(first) = text.chars().next() else {
            return Ok(None);
        };
        let (token, rest) = match first {
            '(' => (Token::Open, &text[1..]),
            ')' => (Token::Close, &text[1..]),
            '<' => {
                let (inside, rest) = text[1..].split_once('>').ok_or("has a < without its >")?;
                match inside.trim() {
                    "" => return Err("has nothing between < and >"),
                    inside => (Token::Coded(inside), rest),
                }
            }
            '[' => {
                let (inside, rest) = bracketed(&text[1..])?;
                (Token::Bracketed(inside), rest)
            }
            _ => match text.split_at_checked(3) {
                Some((word, rest)) if word.eq_ignore_ascii_case("not") => (Token::Not, rest),
                _ => return Err("must be made of lists in parentheses"),
            },
        };
        self.rest = rest;
        Ok(Some(token))
    }
}

/// What stands before the `]` that is not within quotes, and what follows it.
fn bracketed(text: &str) -> Result<(&str, &str), &'static str> {
    let mut quoted = false;
    let end = text
        .find(|character| {
            quoted ^= character == '"';
            character == ']' && !quoted
        })
        .ok_or("has a [ without its ]")?;
    Ok((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scheduling::change::EntityTag;
    use storage::model::PrincipalKind;

    use super::{super::testing::headers, *};

    const HERE: Authorities<'static> = Authorities {
        request: Some("www.example.com"),
        public: None,
    };

    fn path(name: &str) -> ResourcePath {
        ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".into(),
            segments: vec![name.into()],
        }
    }

    /// Every path below `/own/` is ours.
    fn resolve(text: &str) -> Option<ResourcePath> {
        text.strip_prefix("/own/").map(path)
    }

    fn parsed(value: &str) -> Result<Vec<StateList>, String> {
        parse(&headers(&[("if", value)]), HERE, resolve).map_err(|error| error.problem)
    }

    fn token(token: &str) -> StateCondition {
        StateCondition::Token {
            token: token.into(),
            negated: false,
        }
    }

    fn not_token(token: &str) -> StateCondition {
        StateCondition::Token {
            token: token.into(),
            negated: true,
        }
    }

    fn etag(tag: &str, weak: bool, negated: bool) -> StateCondition {
        StateCondition::EntityTag {
            tag: EntityTag {
                weak,
                tag: tag.into(),
            },
            negated,
        }
    }

    fn untagged(conditions: Vec<StateCondition>) -> StateList {
        StateList {
            resource: None,
            conditions,
        }
    }

    #[test]
    fn a_missing_header_has_no_lists() {
        assert_eq!(parse(&headers(&[]), HERE, resolve), Ok(vec![]));
    }

    /// RFC 4918 §10.4.6 to §10.4.11: the RFC's own examples.
    #[test]
    fn examples_of_the_rfc() {
        assert_eq!(
            parsed("(<urn:uuid:181d4fae> [\"I am an ETag\"]) ([\"I am another ETag\"])"),
            Ok(vec![
                untagged(vec![
                    token("urn:uuid:181d4fae"),
                    etag("I am an ETag", false, false)
                ]),
                untagged(vec![etag("I am another ETag", false, false)]),
            ])
        );
        assert_eq!(
            parsed("(Not <urn:uuid:181d4fae> <urn:uuid:58f202ac>)"),
            Ok(vec![untagged(vec![
                not_token("urn:uuid:181d4fae"),
                token("urn:uuid:58f202ac")
            ])])
        );
        assert_eq!(
            parsed("(<urn:uuid:181d4fae>) (Not <DAV:no-lock>)"),
            Ok(vec![
                untagged(vec![token("urn:uuid:181d4fae")]),
                untagged(vec![not_token("DAV:no-lock")])
            ])
        );
        assert_eq!(
            parsed(
                "</own/resource1> (<urn:uuid:181d4fae> [W/\"A weak ETag\"]) ([\"strong ETag\"])"
            ),
            Ok(vec![
                StateList {
                    resource: Some(Some(path("resource1"))),
                    conditions: vec![token("urn:uuid:181d4fae"), etag("A weak ETag", true, false)]
                },
                StateList {
                    resource: Some(Some(path("resource1"))),
                    conditions: vec![etag("strong ETag", false, false)]
                },
            ])
        );
        assert_eq!(
            parsed("<http://www.example.com/own/specs> (<urn:uuid:181d4fae>)"),
            Ok(vec![StateList {
                resource: Some(Some(path("specs"))),
                conditions: vec![token("urn:uuid:181d4fae")]
            }])
        );
        assert_eq!(
            parsed("</specs/rfc2518.doc> ([\"4217\"])"),
            Ok(vec![StateList {
                resource: Some(None),
                conditions: vec![etag("4217", false, false)]
            }])
        );
        assert_eq!(
            parsed("</own/x> (Not [\"4217\"])"),
            Ok(vec![StateList {
                resource: Some(Some(path("x"))),
                conditions: vec![etag("4217", false, true)]
            }])
        );
    }

    #[test]
    fn white_space_is_free_and_quotes_protect() {
        assert_eq!(
            parsed("\t( < a >NOT<b>[ \"]x(\" ] )"),
            Ok(vec![untagged(vec![
                token("a"),
                not_token("b"),
                etag("]x(", false, false)
            ])])
        );
        assert_eq!(
            parsed("(<a>)(<b>)"),
            Ok(vec![untagged(vec![token("a")]), untagged(vec![token("b")])])
        );
        assert_eq!(
            parsed("<http://elsewhere.example/x>(<a>)</own/y>(<b>)"),
            Ok(vec![
                StateList {
                    resource: Some(None),
                    conditions: vec![token("a")]
                },
                StateList {
                    resource: Some(Some(path("y"))),
                    conditions: vec![token("b")]
                },
            ])
        );
    }

    #[test]
    fn what_the_grammar_does_not_allow() {
        for (value, problem) in [
            ("", "holds no list"),
            ("()", "has an empty list"),
            ("(Not)", "has a Not without a condition"),
            ("(Not Not <a>)", "has a Not behind a Not"),
            ("(<a>", "has a list without its closing parenthesis"),
            ("(<a", "has a < without its >"),
            ("(<>)", "has nothing between < and >"),
            ("([\"a\")", "has a [ without its ]"),
            ("([\"a])", "has a [ without its ]"),
            ("([])", "holds a malformed entity tag"),
            ("([\"a\" b])", "holds text behind its entity tag"),
            ("((<a>))", "has a list within a list"),
            ("<a>", "has a malformed resource tag"),
            ("</own/a>", "has a resource tag without a list"),
            ("</own/a></own/b>(<c>)", "has a resource tag without a list"),
            ("</own/a>(<c>)</own/b>", "has a resource tag without a list"),
            (
                "(<a>)</own/b>(<c>)",
                "mixes lists with and without a resource tag",
            ),
            (")", "must be made of lists in parentheses"),
            ("Not (<a>)", "must be made of lists in parentheses"),
            ("urn:uuid:a", "must be made of lists in parentheses"),
            ("(urn:uuid:a)", "must be made of lists in parentheses"),
            ("[\"a\"]", "must be made of lists in parentheses"),
            ("\u{e4}", "must be made of lists in parentheses"),
        ] {
            assert_eq!(parsed(value), Err(problem.into()), "{value}");
        }
        assert!(parse(&headers(&[("if", "(<a>)"), ("if", "(<b>)")]), HERE, resolve).is_err());
    }

    #[test]
    fn lists_and_conditions_are_bounded() {
        assert_eq!(
            parsed(&"(<a>)".repeat(MAXIMUM_LISTS)).map(|lists| lists.len()),
            Ok(MAXIMUM_LISTS)
        );
        assert_eq!(
            parsed(&"(<a>)".repeat(MAXIMUM_LISTS + 1)),
            Err("holds too many lists".into())
        );
        let full = format!("({})", "<a>".repeat(MAXIMUM_CONDITIONS));
        assert_eq!(
            parsed(&full).map(|lists| lists[0].conditions.len()),
            Ok(MAXIMUM_CONDITIONS)
        );
        assert_eq!(
            parsed(&format!("{full}(<a>)")),
            Err("holds too many conditions".into())
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "([ ()<>\\[\\]\"ab/]|Not|</own/a>|\\[\"e\"\\]|<t>|\u{e4}){0,40}") { let _ = parsed(&text); }

        #[test]
        fn lists_come_back(tokens in proptest::collection::vec(proptest::collection::vec(("[a-z:]{1,9}", any::<bool>()), 1..4), 1..4)) {
            let text: String = tokens
                .iter()
                .map(|list| {
                    let inside: Vec<String> =
                        list.iter().map(|(token, negated)| format!("{}<{token}>", if *negated { "Not " } else { "" })).collect();
                    format!("({})", inside.join(" "))
                })
                .collect();
            let expected: Vec<StateList> = tokens
                .into_iter()
                .map(|list| untagged(list.into_iter().map(|(token, negated)| StateCondition::Token { token, negated }).collect()))
                .collect();
            prop_assert_eq!(parsed(&text), Ok(expected));
        }
    }
}
