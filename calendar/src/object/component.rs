//! A component: BEGIN, what stands within, END (RFC 5545 §3.6).

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    CalendarObject, EditError, Limits, ParseError, Property, fold::LineEnd, parse,
    property::is_name,
};

/// A component with its properties and components in their order.
///
/// Two components are equal when their names and all lines within are, unfolded and in order.
#[derive(Clone, Debug)]
pub struct Component {
    pub(super) begin: Bytes,
    pub(super) end: Bytes,
    /// Upper case.
    pub(super) name: Cow<'static, str>,
    pub(super) items: Vec<Item>,
    pub(super) line_number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Property(Property),
    Component(Box<Component>),
    /// A line of nothing, kept for the sake of the round trip.
    Blank(Bytes),
}

/// The names of RFC 5545 §3.6 and RFC 7953 §3.1, which need not be kept with each component.
const NAMES: [&str; 11] = [
    "VEVENT",
    "VCALENDAR",
    "VALARM",
    "VTIMEZONE",
    "STANDARD",
    "DAYLIGHT",
    "VTODO",
    "VJOURNAL",
    "VFREEBUSY",
    "VAVAILABILITY",
    "AVAILABLE",
];

/// The name of a component in upper case.
pub(super) fn upper_case(name: &str) -> Cow<'static, str> {
    NAMES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map_or_else(|| Cow::Owned(name.to_ascii_uppercase()), Cow::Borrowed)
}

impl Component {
    /// A new component without contents.
    ///
    /// # Errors
    /// The name is none.
    pub fn new(name: &str) -> Result<Component, EditError> {
        if !is_name(name.as_bytes()) {
            return Err(EditError::BadName(name.to_owned()));
        }
        let name = upper_case(name);
        Ok(Component {
            begin: Bytes::from(format!("BEGIN:{name}\r\n")),
            end: Bytes::from(format!("END:{name}\r\n")),
            name,
            items: Vec::new(),
            line_number: 0,
        })
    }

    /// Reads one component that stands alone, as builders print it.
    ///
    /// # Errors
    /// As [`CalendarObject::parse`]; here the one component need not be VCALENDAR.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Component, ParseError> {
        parse::parse(&Bytes::copy_from_slice(octets), limits, None).map(|parsed| parsed.root)
    }

    /// The same of octets that were cut out of a larger stream, in which they begin at this line; they are
    /// not copied.
    pub(crate) fn parse_from(
        octets: &Bytes,
        limits: &Limits,
        first_line: usize,
    ) -> Result<Component, ParseError> {
        parse::parse_from(octets, limits, None, first_line).map(|parsed| parsed.root)
    }

    /// The name in upper case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The physical line of its BEGIN, from 1; 0 for one made here.
    pub fn line_number(&self) -> usize {
        self.line_number as usize
    }

    /// Its own properties, in order.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.items.iter().filter_map(|item| match item {
            Item::Property(property) => Some(property),
            _ => None,
        })
    }

    /// Its own properties, for editing.
    pub fn properties_mut(&mut self) -> impl Iterator<Item = &mut Property> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Property(property) => Some(property),
            _ => None,
        })
    }

    /// The components directly within, in order.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.items.iter().filter_map(|item| match item {
            Item::Component(component) => Some(&**component),
            _ => None,
        })
    }

    /// The components directly within, for editing.
    pub fn components_mut(&mut self) -> impl Iterator<Item = &mut Component> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Component(component) => Some(&mut **component),
            _ => None,
        })
    }

    /// The components directly within of this name, in any case.
    pub fn components_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Component> {
        self.components()
            .filter(move |component| component.is(name))
    }

    /// The properties of this name, in any case.
    pub fn properties_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties().filter(move |property| property.is(name))
    }

    /// The first property of this name, in any case.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties().find(|property| property.is(name))
    }

    /// The first property of this name, for editing.
    pub fn property_mut(&mut self, name: &str) -> Option<&mut Property> {
        self.properties_mut().find(|property| property.is(name))
    }

    /// The raw value of the first property of this name.
    pub fn raw_value(&self, name: &str) -> Option<&str> {
        self.property(name).map(Property::raw_value)
    }

    /// The first property of this name as TEXT, unescaped.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.property(name).map(Property::text)
    }

    fn line_end(&self) -> LineEnd {
        LineEnd::of(&self.begin)
    }

    /// Adds a property after the last one, before the components; with this component's line end.
    pub fn push_property(&mut self, mut property: Property) {
        property.end_with(self.line_end());
        let after_last = self
            .items
            .iter()
            .rposition(|item| matches!(item, Item::Property(_)))
            .map_or(0, |last| last + 1);
        self.items.insert(after_last, Item::Property(property));
    }

    /// Puts a property in the place of the first of its name, removes further ones of that name, or
    /// adds it. An equal property stays as it was printed.
    pub fn set_property(&mut self, mut property: Property) {
        let Some(first) = self.property_mut(property.name()) else {
            return self.push_property(property);
        };
        let name = property.name().to_owned();
        if *first != property {
            property.end_with(LineEnd::of(first.octets()));
            *first = property;
        }
        let mut seen = false;
        self.retain_properties(|kept| !kept.is(&name) || !std::mem::replace(&mut seen, true));
    }

    /// Sets the one property of this name to a value in its iCalendar form. Parameters stay.
    ///
    /// # Errors
    /// As [`Property::new`].
    pub fn set_raw_value(&mut self, name: &str, raw_value: &str) -> Result<(), EditError> {
        match self.property_mut(name) {
            Some(property) => property.set_raw_value(raw_value),
            None => {
                self.push_property(Property::new(name, raw_value)?);
                Ok(())
            }
        }
    }

    /// Keeps only the properties for which `keep` holds; says how many went.
    pub fn retain_properties(&mut self, mut keep: impl FnMut(&Property) -> bool) -> usize {
        let before = self.items.len();
        self.items.retain(|item| match item {
            Item::Property(property) => keep(property),
            _ => true,
        });
        before - self.items.len()
    }

    /// Removes all properties of this name; says how many there were.
    pub fn remove_properties(&mut self, name: &str) -> usize {
        self.retain_properties(|property| !property.is(name))
    }

    /// Adds a component at the end, with this component's line ends.
    pub fn push_component(&mut self, mut component: Component) {
        component.end_lines_with(self.line_end());
        self.items.push(Item::Component(Box::new(component)));
    }

    /// Keeps only the components directly within for which `keep` holds; says how many went.
    pub fn retain_components(&mut self, mut keep: impl FnMut(&Component) -> bool) -> usize {
        let before = self.items.len();
        self.items.retain(|item| match item {
            Item::Component(component) => keep(component),
            _ => true,
        });
        before - self.items.len()
    }

    /// A copy with only those properties, and components directly within, for which this holds.
    #[must_use]
    pub fn filtered(
        &self,
        keep_property: impl Fn(&Property) -> bool,
        keep_component: impl Fn(&Component) -> bool,
    ) -> Component {
        let keep = |item: &&Item| match item {
            Item::Property(property) => keep_property(property),
            Item::Component(component) => keep_component(component),
            Item::Blank(_) => true,
        };
        Component {
            begin: self.begin.clone(),
            end: self.end.clone(),
            name: self.name.clone(),
            items: self.items.iter().filter(keep).cloned().collect(),
            line_number: self.line_number,
        }
    }

    /// Visits this component and all within; the depth is bounded by [`Limits::depth`], and the walk
    /// is no recursion.
    pub(crate) fn for_each_mut(&mut self, mut visit: impl FnMut(&mut Component)) {
        let mut open = vec![self];
        while let Some(component) = open.pop() {
            visit(component);
            open.extend(component.components_mut());
        }
    }

    /// Prints all its lines with CRLF from now on, where they end otherwise.
    pub(crate) fn end_lines_as_usual(&mut self) {
        self.end_lines_with(LineEnd::CrLf);
    }

    fn end_lines_with(&mut self, end: LineEnd) {
        if self.line_end() == end && self.end.ends_with(b"\n") {
            return;
        }
        self.for_each_mut(|component| {
            component.begin = Bytes::from(format!("BEGIN:{}{}", component.name, end.as_str()));
            component.end = Bytes::from(format!("END:{}{}", component.name, end.as_str()));
            component
                .properties_mut()
                .for_each(|property| property.end_with(end));
        });
    }

    /// Mends folds within UTF-8 characters in all lines within; says whether there were any.
    pub(super) fn mend_folds(&mut self) -> bool {
        let mut mended = false;
        self.for_each_mut(|component| {
            component
                .properties_mut()
                .for_each(|property| mended |= property.mend_folds());
        });
        mended
    }

    /// Appends the lines of this component and of all within.
    pub(super) fn print_onto(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.begin);
        let mut open = vec![(self, self.items.iter())];
        while let Some((component, items)) = open.last_mut() {
            match items.next() {
                Some(Item::Property(property)) => output.extend_from_slice(property.octets()),
                Some(Item::Blank(blank)) => output.extend_from_slice(blank),
                Some(Item::Component(inner)) => {
                    output.extend_from_slice(&inner.begin);
                    open.push((inner, inner.items.iter()));
                }
                None => {
                    output.extend_from_slice(&component.end);
                    open.pop();
                }
            }
        }
    }

    /// This component alone, as octets.
    pub fn to_octets(&self) -> Bytes {
        let mut output = Vec::new();
        self.print_onto(&mut output);
        Bytes::from(output)
    }
}

impl PartialEq for Component {
    fn eq(&self, other: &Component) -> bool {
        let lines = |component: &Component| {
            component
                .items
                .iter()
                .filter(|item| !matches!(item, Item::Blank(_)))
                .count()
        };
        self.name == other.name
            && lines(self) == lines(other)
            && self.properties().eq(other.properties())
            && self.components().eq(other.components())
    }
}

impl Eq for Component {}

impl From<Component> for CalendarObject {
    /// A new object around a VCALENDAR that was built here.
    fn from(calendar: Component) -> CalendarObject {
        CalendarObject::from_calendar(calendar)
    }
}
