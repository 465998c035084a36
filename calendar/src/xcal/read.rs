//! Elements as components and properties (RFC 6321 §4), made as they are read.

use super::{
    name::calendar_name,
    token::{Token, Tokens, is_space},
};
use crate::{
    object::{CalendarObject, Component, Limits, Property},
    typed::{LineBuilder, ReadError, Shape, Syntax, definition},
};

pub(super) fn stream(octets: &[u8], limits: &Limits) -> Result<Vec<CalendarObject>, ReadError> {
    let at_the_beginning = |reason| ReadError { line: 1, reason };
    if octets.len() > limits.octets {
        let reason = format!("the text is larger than {} octets", limits.octets);
        return Err(at_the_beginning(reason));
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let text = std::str::from_utf8(octets);
    let text = text.map_err(|_| at_the_beginning("the text is not UTF-8".into()))?;
    let mut reader = Reader {
        tokens: Tokens::of(text).map_err(at_the_beginning)?,
        limits,
        lines: limits.lines,
    };
    reader.document().map_err(|reason| ReadError {
        line: reader.tokens.line(),
        reason,
    })
}

struct Reader<'x, 'l> {
    tokens: Tokens<'x>,
    limits: &'l Limits,
    /// Lines that may still be made.
    lines: usize,
}

/// What stands within an element that holds elements only.
enum Child {
    /// An element of xCal.
    Own(String),
    /// Another.
    Foreign,
    /// The end of the outer element.
    End,
}

impl Reader<'_, '_> {
    fn document(&mut self) -> Result<Vec<CalendarObject>, String> {
        match self.child()? {
            Child::Own(name) if name == "icalendar" => {}
            _ => return Err("the root is not icalendar".into()),
        }
        let mut objects = Vec::new();
        loop {
            match self.child()? {
                Child::Own(name) if name == "vcalendar" => {
                    let component = self.component(&name, 1)?;
                    objects.push(CalendarObject::from_calendar(component));
                }
                Child::Own(_) => return Err("there is content outside vcalendar".into()),
                Child::Foreign => self.tokens.skip()?,
                Child::End => break,
            }
        }
        // What follows the root is looked at, too.
        match self.tokens.next()? {
            Token::Text(_) | Token::Nothing => Ok(objects),
            _ => Err("there is a second root".into()),
        }
    }

    /// The next element, where there is no text.
    fn child(&mut self) -> Result<Child, String> {
        loop {
            match self.tokens.next()? {
                Token::Start(name) => return Ok(Child::Own(name)),
                Token::Foreign => return Ok(Child::Foreign),
                Token::End => return Ok(Child::End),
                Token::Text(text) if is_space(&text) => {}
                Token::Text(_) => return Err("there is text where elements stand".into()),
                Token::Nothing => return Err("the document ends too early".into()),
            }
        }
    }

    /// The text up to the end of the element that has begun.
    fn text(&mut self) -> Result<String, String> {
        let mut collected = String::new();
        loop {
            match self.tokens.next()? {
                Token::Text(text) => collected.push_str(&text),
                Token::End => return Ok(collected),
                Token::Foreign => self.tokens.skip()?,
                Token::Start(name) => return Err(format!("{name} stands where text is")),
                Token::Nothing => return Err("the document ends too early".into()),
            }
            self.check_length(collected.len())?;
        }
    }

    fn check_length(&self, octets: usize) -> Result<(), String> {
        match octets > self.limits.line_octets {
            true => Err(format!(
                "a property is longer than {} octets",
                self.limits.line_octets
            )),
            false => Ok(()),
        }
    }

    fn take_lines(&mut self, lines: usize) -> Result<(), String> {
        let left = self.lines.checked_sub(lines);
        self.lines =
            left.ok_or_else(|| format!("there are more than {} lines", self.limits.lines))?;
        Ok(())
    }

    /// RFC 6321 §3.3; the element has begun. The depth of a VCALENDAR is 1.
    fn component(&mut self, name: &str, depth: usize) -> Result<Component, String> {
        if depth > self.limits.depth {
            let depth = self.limits.depth;
            return Err(format!("components are nested more than {depth} deep"));
        }
        self.take_lines(2)?;
        let mut component =
            Component::new(&calendar_name(name)).map_err(|error| error.to_string())?;
        if depth > 1 && component.is("VCALENDAR") {
            return Err("there is a second vcalendar".into());
        }
        loop {
            match self.child()? {
                Child::Own(name) if name == "properties" => self.properties(&mut component)?,
                Child::Own(name) if name == "components" => {
                    self.components(&mut component, depth + 1)?;
                }
                Child::Own(name) => {
                    return Err(format!(
                        "{name} stands in neither properties nor components"
                    ));
                }
                Child::Foreign => self.tokens.skip()?,
                Child::End => return Ok(component),
            }
        }
    }

    fn components(&mut self, outer: &mut Component, depth: usize) -> Result<(), String> {
        loop {
            match self.child()? {
                Child::Own(name) => outer.push_component(self.component(&name, depth)?),
                Child::Foreign => self.tokens.skip()?,
                Child::End => return Ok(()),
            }
        }
    }

    fn properties(&mut self, component: &mut Component) -> Result<(), String> {
        loop {
            let property = match self.child()? {
                Child::Own(name) => self.property(&name)?,
                // RFC 6321 §4.1
                Child::Foreign => {
                    let element = self.tokens.take_foreign()?;
                    self.check_length(element.len())?;
                    Property::with_text("XML", &element).map_err(|error| error.to_string())?
                }
                Child::End => return Ok(()),
            };
            self.take_lines(1)?;
            component.push_property(property);
        }
    }

    /// RFC 6321 §3.4
    fn property(&mut self, name: &str) -> Result<Property, String> {
        let mut line = LineBuilder::new(&calendar_name(name))?;
        let definition = definition(line.name());
        let mut typed = false;
        // Text without an element around it: the examples of RFC 6321 §B.2.2 have some.
        let mut bare = String::new();
        loop {
            match self.tokens.next()? {
                Token::Start(name) if name == "parameters" && !typed => {
                    self.parameters(&mut line)?
                }
                Token::Start(name) => {
                    let pieces = structure(definition.shape, &name);
                    match pieces {
                        Some((place, type_name)) => {
                            self.piece(&mut line, place, type_name, typed)?;
                        }
                        None => self.value(&mut line, &name, typed)?,
                    }
                    typed = true;
                }
                Token::Text(text) => bare.push_str(&text),
                Token::Foreign => self.tokens.skip()?,
                Token::End => break,
                Token::Nothing => return Err("the document ends too early".into()),
            }
            self.check_length(line.octets() + bare.len())?;
        }
        match (typed, bare.trim()) {
            (_, "") => {}
            (true, _) => return Err(format!("there is text beside the values of {name}")),
            (false, bare) => {
                line.set_type(definition.default_type.unwrap_or("unknown"))?;
                line.begin_value();
                line.push(bare);
            }
        }
        line.finish()
    }

    /// RFC 6321 §3.5
    fn parameters(&mut self, line: &mut LineBuilder) -> Result<(), String> {
        loop {
            match self.child()? {
                Child::Own(name) => self.parameter(line, &name)?,
                Child::Foreign => self.tokens.skip()?,
                Child::End => return Ok(()),
            }
        }
    }

    fn parameter(&mut self, line: &mut LineBuilder, name: &str) -> Result<(), String> {
        line.parameter(&calendar_name(name))?;
        let mut bare = String::new();
        let mut has_values = false;
        loop {
            match self.tokens.next()? {
                Token::Start(type_name) => {
                    let text = self.text()?;
                    has_values = true;
                    match type_name.as_str() {
                        "boolean" => line.parameter_value(&text.trim().to_ascii_uppercase()),
                        _ => line.parameter_value(&text),
                    }
                }
                Token::Text(text) => bare.push_str(&text),
                Token::Foreign => self.tokens.skip()?,
                Token::End => break,
                Token::Nothing => return Err("the document ends too early".into()),
            }
            self.check_length(line.octets() + bare.len())?;
        }
        if !has_values {
            line.parameter_value(bare.trim());
        }
        Ok(())
    }

    /// RFC 6321 §3.6
    fn value(&mut self, line: &mut LineBuilder, element: &str, typed: bool) -> Result<(), String> {
        let type_name = calendar_name(element);
        if !typed {
            line.set_type(&type_name)?;
        }
        let syntax = Syntax::of(&type_name.to_ascii_lowercase());
        line.begin_value();
        match syntax {
            Syntax::Period => self.period(line),
            Syntax::Recur => self.rule(line),
            Syntax::Text => {
                let text = self.text()?;
                line.push_as(syntax, &text);
                Ok(())
            }
            // Only white space that breaks lines was not there in iCalendar.
            Syntax::Same => {
                let text = self.text()?;
                line.push_as(
                    syntax,
                    if text.contains('\n') {
                        text.trim()
                    } else {
                        &text
                    },
                );
                Ok(())
            }
            _ => {
                let text = self.text()?;
                line.push_as(syntax, text.trim());
                Ok(())
            }
        }
    }

    /// A piece of GEO or REQUEST-STATUS: all of them are one value.
    fn piece(
        &mut self,
        line: &mut LineBuilder,
        place: usize,
        type_name: &str,
        typed: bool,
    ) -> Result<(), String> {
        if typed == (place == 0) {
            return Err(format!("the value of {} lacks a piece", line.name()));
        }
        if place == 0 {
            line.set_type(type_name)?;
            line.begin_value();
        } else {
            line.push_raw(";");
        }
        let text = self.text()?;
        line.push(match line.syntax() {
            Syntax::Text => &text,
            _ => text.trim(),
        });
        Ok(())
    }

    /// RFC 6321 §3.6.9; a period as one text, too.
    fn period(&mut self, line: &mut LineBuilder) -> Result<(), String> {
        let mut pieces = 0;
        let mut whole = String::new();
        loop {
            let token = self.tokens.next()?;
            if let Token::Text(text) = &token {
                // Text comes in pieces: a reference is one of its own.
                whole.push_str(text);
                continue;
            }
            if !is_space(&whole) {
                line.push_as(Syntax::Period, whole.trim());
            }
            whole.clear();
            match token {
                Token::Start(name) if ["start", "end", "duration"].contains(&name.as_str()) => {
                    let text = self.text()?;
                    line.push_raw(if pieces == 0 { "" } else { "/" });
                    line.push_as(Syntax::Period, text.trim());
                    pieces += 1;
                }
                Token::Start(name) => return Err(format!("{name} stands in a period")),
                Token::Text(_) => {}
                Token::Foreign => self.tokens.skip()?,
                Token::End => return Ok(()),
                Token::Nothing => return Err("the document ends too early".into()),
            }
        }
    }

    /// RFC 6321 §3.6.10; a rule as one text, too.
    fn rule(&mut self, line: &mut LineBuilder) -> Result<(), String> {
        let mut parts: Vec<(String, Vec<String>)> = Vec::new();
        let (mut octets, mut whole) = (0, String::new());
        loop {
            match self.tokens.next()? {
                Token::Start(name) => {
                    let value = self.text()?.trim().to_owned();
                    octets += value.len() + 1;
                    match parts.last_mut() {
                        Some((last, values)) if *last == name => values.push(value),
                        _ => parts.push((name, vec![value])),
                    }
                }
                // Text comes in pieces: a reference is one of its own.
                Token::Text(text) => whole.push_str(&text),
                Token::Foreign => self.tokens.skip()?,
                Token::End => break,
                Token::Nothing => return Err("the document ends too early".into()),
            }
            self.check_length(octets)?;
        }
        if !is_space(&whole) {
            line.push_raw(&whole);
        }
        line.push_rule(
            parts
                .into_iter()
                .map(|(name, values)| (calendar_name(&name).into_owned(), values))
                .collect(),
        )
    }
}

/// Which piece of a structured value an element is, and the type of the pieces (RFC 6321 §3.4.1.2,
/// §3.4.1.3).
fn structure(shape: Option<Shape>, element: &str) -> Option<(usize, &'static str)> {
    let (pieces, type_name): (&[&str], _) = match shape? {
        Shape::Place => (&["latitude", "longitude"], "float"),
        Shape::Status => (&["code", "description", "data"], "text"),
        Shape::Single | Shape::List => return None,
    };
    let place = pieces.iter().position(|piece| *piece == element)?;
    Some((place, type_name))
}
