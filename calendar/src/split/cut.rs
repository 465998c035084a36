//! Where the components of a stream begin and end, by their BEGIN and END lines alone. Nothing within a
//! component is read, so that what is wrong in one stays there.

use std::ops::Range;

use memchr::memchr;

use super::{CALENDAR_COMPONENTS, SplitFault};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A VCALENDAR.
#[derive(Debug)]
pub(super) struct Calendar {
    /// From its BEGIN to behind its END.
    pub span: Range<usize>,
    /// The physical line of its BEGIN, from 1.
    pub line: usize,
    /// The lines between its components: its own properties.
    pub head: Vec<Range<usize>>,
    /// Components other than VTIMEZONE, those that could not be cut out among them.
    pub entries: usize,
    /// It has an END.
    pub is_ended: bool,
}

/// A component directly within a VCALENDAR.
#[derive(Debug)]
pub(super) struct Part {
    /// The place of its VCALENDAR.
    pub calendar: usize,
    /// From its BEGIN to behind its END.
    pub span: Range<usize>,
    /// The physical line of its BEGIN, from 1.
    pub line: usize,
    /// Upper case.
    pub name: String,
}

/// A stream in its parts.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub calendars: Vec<Calendar>,
    pub parts: Vec<Part>,
    /// What belongs to nothing, with its line.
    pub faults: Vec<(usize, SplitFault)>,
}

/// A component that has begun.
struct Open {
    start: usize,
    line: usize,
    name: String,
    /// Components within it that have begun, and itself.
    depth: usize,
}

struct Cutter {
    cut: Cut,
    /// Within the last VCALENDAR.
    in_calendar: bool,
    component: Option<Open>,
    /// The lines since the last VCALENDAR are told of already.
    outside_is_told: bool,
}

/// Cuts a stream.
pub(super) fn cut(octets: &[u8]) -> Cut {
    let mut cutter = Cutter {
        cut: Cut::default(),
        in_calendar: false,
        component: None,
        outside_is_told: false,
    };
    let mut start = match octets.starts_with(BYTE_ORDER_MARK) {
        true => BYTE_ORDER_MARK.len(),
        false => 0,
    };
    let mut number = 0;
    while start < octets.len() {
        number += 1;
        let end = memchr(b'\n', &octets[start..]).map_or(octets.len(), |at| start + at + 1);
        cutter.take(&octets[start..end], start..end, number);
        start = end;
    }
    cutter.end(octets.len());
    cutter.cut
}

impl Cutter {
    fn take(&mut self, line: &[u8], span: Range<usize>, number: usize) {
        match marker(line) {
            Some(Marker::Begin(name)) if name == "VCALENDAR" => self.begin_calendar(span, number),
            Some(Marker::Begin(name)) if self.in_calendar => self.begin(name, span, number),
            Some(Marker::End(name)) if name == "VCALENDAR" && self.in_calendar => {
                self.leave_component();
                self.in_calendar = false;
                if let Some(calendar) = self.cut.calendars.last_mut() {
                    calendar.span.end = span.end;
                    calendar.is_ended = true;
                }
            }
            Some(Marker::End(_)) if self.component.is_some() => self.end_component(span.end),
            _ => self.line(line, span, number),
        }
    }

    fn begin_calendar(&mut self, span: Range<usize>, number: usize) {
        self.leave_calendar(span.start);
        self.in_calendar = true;
        self.outside_is_told = false;
        self.cut.calendars.push(Calendar {
            span,
            line: number,
            head: Vec::new(),
            entries: 0,
            is_ended: false,
        });
    }

    fn begin(&mut self, name: String, span: Range<usize>, number: usize) {
        let stands_alone = |name: &str| name == "VTIMEZONE" || CALENDAR_COMPONENTS.contains(&name);
        match &mut self.component {
            // One event does not stand within another: the first one has no END.
            Some(open) if stands_alone(&open.name) && stands_alone(&name) => self.leave_component(),
            Some(open) => {
                open.depth += 1;
                return;
            }
            None => {}
        }
        self.component = Some(Open {
            start: span.start,
            line: number,
            name,
            depth: 1,
        });
    }

    fn end_component(&mut self, end: usize) {
        let Some(mut open) = self.component.take() else {
            return;
        };
        open.depth -= 1;
        if open.depth > 0 {
            self.component = Some(open);
            return;
        }
        self.count(&open);
        self.cut.parts.push(Part {
            calendar: self.cut.calendars.len().saturating_sub(1),
            span: open.start..end,
            line: open.line,
            name: open.name,
        });
    }

    fn count(&mut self, open: &Open) {
        if let Some(calendar) = self.cut.calendars.last_mut() {
            calendar.entries += usize::from(open.name != "VTIMEZONE");
        }
    }

    /// A line that begins or ends nothing.
    fn line(&mut self, line: &[u8], span: Range<usize>, number: usize) {
        if self.component.is_some() || line.trim_ascii().is_empty() {
            return;
        }
        if !self.in_calendar {
            if !std::mem::replace(&mut self.outside_is_told, true) {
                self.cut.faults.push((number, SplitFault::Outside));
            }
            return;
        }
        let Some(calendar) = self.cut.calendars.last_mut() else {
            return;
        };
        match calendar.head.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => calendar.head.push(span),
        }
    }

    /// What has begun and not ended when something else begins.
    fn leave_component(&mut self) {
        if let Some(open) = self.component.take() {
            self.count(&open);
            let fault = SplitFault::NotEnded(open.name);
            self.cut.faults.push((open.line, fault));
        }
    }

    fn leave_calendar(&mut self, at: usize) {
        let has_component = self.component.is_some();
        self.leave_component();
        if let Some(calendar) = self.cut.calendars.last_mut().filter(|_| self.in_calendar) {
            calendar.span.end = at;
            if !has_component {
                let fault = SplitFault::NotEnded("VCALENDAR".to_owned());
                self.cut.faults.push((calendar.line, fault));
            }
        }
        self.in_calendar = false;
    }

    fn end(&mut self, at: usize) {
        self.leave_calendar(at);
    }
}

enum Marker {
    Begin(String),
    End(String),
}

/// BEGIN or END with the name behind it in upper case.
fn marker(line: &[u8]) -> Option<Marker> {
    let behind = |word: &[u8]| {
        let (start, rest) = line.split_at_checked(word.len())?;
        let name = std::str::from_utf8(rest.trim_ascii()).ok()?;
        (start.eq_ignore_ascii_case(word) && !name.is_empty()).then(|| name.to_ascii_uppercase())
    };
    behind(b"BEGIN:")
        .map(Marker::Begin)
        .or_else(|| behind(b"END:").map(Marker::End))
}
