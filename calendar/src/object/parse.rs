//! One pass over the octets: content lines, and the tree that BEGIN and END make of them.

use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use super::{
    Component, Limits, ParseError, Property,
    component::{Item, upper_case},
    error::ParseFault,
    property::is_name,
};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a stream is made of.
#[derive(Debug)]
pub(super) struct Parsed {
    /// A byte order mark and blank lines.
    pub before: Bytes,
    pub root: Component,
    /// Blank lines.
    pub after: Bytes,
    /// The octets are UTF-8 as they stand.
    pub is_utf8: bool,
}

/// Reads a stream whose one outermost component is `root` (any, where `None`).
pub(super) fn parse(
    source: &Bytes,
    limits: &Limits,
    root: Option<&str>,
) -> Result<Parsed, ParseError> {
    parse_from(source, limits, root, 1)
}

/// The same of octets that were cut out of a larger stream, in which they begin at this line.
pub(super) fn parse_from(
    source: &Bytes,
    limits: &Limits,
    root: Option<&str>,
    first_line: usize,
) -> Result<Parsed, ParseError> {
    let before = first_line.saturating_sub(1);
    let most_octets = limits.octets.min(u32::MAX as usize);
    if source.len() > most_octets {
        return Err(ParseError {
            line: first_line,
            fault: ParseFault::TooManyOctets(most_octets),
        });
    }
    let is_utf8 = check_characters(source).map_err(|error| ParseError {
        line: error.line + before,
        ..error
    })?;
    let mut lines = Lines::new(source, limits, before);
    let mut tree = Tree::new(root, limits);
    while let Some(line) = lines.next_line()? {
        tree.take(source, &line, is_utf8)
            .map_err(|fault| ParseError {
                line: line.number,
                fault,
            })?;
    }
    let span = tree.span.clone();
    let root = tree.close().map_err(|fault| ParseError {
        line: lines.number.max(1),
        fault,
    })?;
    Ok(Parsed {
        before: source.slice(..span.start),
        root,
        after: source.slice(span.end..),
        is_utf8,
    })
}

/// Whether the octets are UTF-8 as they stand; where they are not, each line is checked when it is
/// unfolded. Characters that XML cannot carry, and carriage returns within lines, are refused here.
fn check_characters(source: &[u8]) -> Result<bool, ParseError> {
    // No branches, so that the compiler looks at many octets at once.
    let mut forbidden = false;
    let mut is_ascii = true;
    for octet in source {
        forbidden |= (*octet < b' ') & (*octet != b'\t') & (*octet != b'\n') & (*octet != b'\r');
        is_ascii &= octet.is_ascii();
    }
    let mut bare_carriage_return = false;
    for (octet, next) in source.iter().zip(source.iter().skip(1)) {
        bare_carriage_return |= (*octet == b'\r') & (*next != b'\n') & (*next != b'\r');
    }
    if forbidden || bare_carriage_return {
        return Err(locate_forbidden(source));
    }
    if is_ascii {
        return Ok(true);
    }
    match find_noncharacter(source) {
        Some((at, code)) => Err(error_at(source, at, ParseFault::ForbiddenCharacter(code))),
        None => Ok(std::str::from_utf8(source).is_ok()),
    }
}

/// U+FFFE and U+FFFF in UTF-8, which XML cannot carry.
fn find_noncharacter(source: &[u8]) -> Option<(usize, u32)> {
    let at = source
        .windows(3)
        .position(|octets| matches!(octets, [0xEF, 0xBF, 0xBE | 0xBF]))?;
    Some((
        at,
        if source[at + 2] == 0xBE {
            0xFFFE
        } else {
            0xFFFF
        },
    ))
}

fn error_at(source: &[u8], at: usize, fault: ParseFault) -> ParseError {
    let line = 1 + source[..at].iter().filter(|octet| **octet == b'\n').count();
    ParseError { line, fault }
}

#[cold]
fn locate_forbidden(source: &[u8]) -> ParseError {
    for (at, octet) in source.iter().enumerate() {
        match octet {
            b'\t' | b'\n' => {}
            b'\r' => {
                let ends_line = matches!(
                    source[at..].iter().find(|octet| **octet != b'\r'),
                    None | Some(b'\n')
                );
                if !ends_line {
                    return error_at(source, at, ParseFault::BareCarriageReturn);
                }
            }
            0..b' ' => {
                return error_at(
                    source,
                    at,
                    ParseFault::ForbiddenCharacter(u32::from(*octet)),
                );
            }
            _ => {}
        }
    }
    error_at(source, 0, ParseFault::BareCarriageReturn)
}

/// One content line: its physical lines together.
struct ContentLine {
    start: usize,
    end: usize,
    folded: bool,
    number: usize,
}

struct Lines<'a> {
    source: &'a [u8],
    at: usize,
    /// Physical lines passed, with those before the octets.
    number: usize,
    /// The number of the last line that is read.
    last: usize,
    limits: &'a Limits,
}

impl<'a> Lines<'a> {
    fn new(source: &'a [u8], limits: &'a Limits, before: usize) -> Lines<'a> {
        let at = if source.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        Lines {
            source,
            at,
            number: before,
            last: before.saturating_add(limits.lines),
            limits,
        }
    }

    fn skip_physical_line(&mut self) {
        self.number += 1;
        self.at = memchr(b'\n', &self.source[self.at..])
            .map_or(self.source.len(), |end| self.at + end + 1);
    }

    fn next_line(&mut self) -> Result<Option<ContentLine>, ParseError> {
        if self.at >= self.source.len() {
            return Ok(None);
        }
        let start = self.at;
        let number = self.number + 1;
        self.skip_physical_line();
        let mut folded = false;
        while matches!(self.source.get(self.at), Some(b' ' | b'\t')) {
            folded = true;
            self.skip_physical_line();
        }
        let fault = if self.at - start > self.limits.line_octets {
            ParseFault::LineTooLong(self.limits.line_octets)
        } else if self.number > self.last {
            ParseFault::TooManyLines(self.limits.lines)
        } else {
            return Ok(Some(ContentLine {
                start,
                end: self.at,
                folded,
                number,
            }));
        };
        Err(ParseError {
            line: number,
            fault,
        })
    }
}

struct Tree<'a> {
    root: Option<&'a str>,
    limits: &'a Limits,
    open: Vec<Component>,
    closed: Option<Component>,
    /// From the first BEGIN to behind the last END.
    span: Range<usize>,
}

impl<'a> Tree<'a> {
    fn new(root: Option<&'a str>, limits: &'a Limits) -> Tree<'a> {
        Tree {
            root,
            limits,
            open: Vec::with_capacity(4),
            closed: None,
            span: 0..0,
        }
    }

    /// The outermost component, once there are no more lines.
    fn close(self) -> Result<Component, ParseFault> {
        match self.open.last() {
            Some(open) => Err(ParseFault::NotEnded(open.name.to_string())),
            None => self.closed.ok_or(ParseFault::NoCalendar),
        }
    }

    fn take(
        &mut self,
        source: &Bytes,
        line: &ContentLine,
        known_utf8: bool,
    ) -> Result<(), ParseFault> {
        let octets = &source[line.start..line.end];
        if octets.trim_ascii_start().is_empty() {
            if let Some(open) = self.open.last_mut() {
                open.items
                    .push(Item::Blank(source.slice(line.start..line.end)));
            }
            return Ok(());
        }
        if matches!(octets[0], b' ' | b'\t' | b'\r' | b'\n') {
            return Err(ParseFault::StrayContinuation);
        }
        let property = Property::read(
            source.slice(line.start..line.end),
            line.folded,
            known_utf8,
            line.number,
        )?;
        match (property.name_octets(), self.open.last_mut()) {
            (b"BEGIN", _) => self.begin(property, line.start),
            (b"END", _) => self.end(property, line.end),
            (_, Some(open)) => {
                open.items.push(Item::Property(property));
                Ok(())
            }
            (_, None) => Err(ParseFault::OutsideCalendar),
        }
    }

    fn begin(&mut self, line: Property, start: usize) -> Result<(), ParseFault> {
        let name = component_name(&line)?;
        if self.open.is_empty() {
            if self.closed.is_some() {
                let is_root = self.root.is_none_or(|root| name.eq_ignore_ascii_case(root));
                return Err(if is_root {
                    ParseFault::SecondCalendar
                } else {
                    ParseFault::OutsideCalendar
                });
            }
            if self
                .root
                .is_some_and(|root| !name.eq_ignore_ascii_case(root))
            {
                return Err(ParseFault::OutsideCalendar);
            }
        } else if self
            .root
            .is_some_and(|root| name.eq_ignore_ascii_case(root))
        {
            return Err(ParseFault::SecondCalendar);
        }
        if self.open.len() >= self.limits.depth {
            return Err(ParseFault::TooDeep(self.limits.depth));
        }
        if self.open.is_empty() {
            self.span = start..start;
        }
        self.open.push(Component {
            name: upper_case(name),
            items: Vec::with_capacity(16),
            line_number: u32::try_from(line.line_number()).unwrap_or(u32::MAX),
            begin: line.into_octets(),
            end: Bytes::new(),
        });
        Ok(())
    }

    fn end(&mut self, line: Property, end: usize) -> Result<(), ParseFault> {
        let name = component_name(&line)?;
        let Some(mut component) = self.open.pop() else {
            return Err(ParseFault::OutsideCalendar);
        };
        if !component.is(name) {
            return Err(ParseFault::WrongEnd {
                open: component.name.into_owned(),
                found: name.to_owned(),
            });
        }
        component.end = line.into_octets();
        match self.open.last_mut() {
            Some(outer) => outer.items.push(Item::Component(Box::new(component))),
            None => {
                self.closed = Some(component);
                self.span.end = end;
            }
        }
        Ok(())
    }
}

fn component_name(line: &Property) -> Result<&str, ParseFault> {
    let name = line.raw_value().trim();
    if line.has_parameters() || !is_name(name.as_bytes()) {
        return Err(ParseFault::BadComponentName);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first octet that stands where it must not, in words.
    fn is_refused(source: &[u8]) -> bool {
        (0..source.len()).any(|at| match source[at] {
            b'\t' | b'\n' => false,
            b'\r' => {
                let after = source[at..].iter().find(|octet| **octet != b'\r');
                after.is_some_and(|octet| *octet != b'\n')
            }
            octet => octet < b' ',
        })
    }

    proptest! {
        /// The look at many octets at once sees what a look at each would.
        #[test]
        fn characters_are_checked(
            source in prop::collection::vec(prop::sample::select(&b"a\r\r\n\n\t"[..]), 0..80),
            strange in prop::option::weighted(0.3, (0usize..80, any::<u8>())),
        ) {
            let mut source = source;
            if let Some((at, octet)) = strange {
                source.insert(at.min(source.len()), octet);
            }
            let expected = match is_refused(&source) {
                true => None,
                false => Some(std::str::from_utf8(&source).is_ok()),
            };
            prop_assert_eq!(check_characters(&source).ok(), expected);
        }
    }
}
