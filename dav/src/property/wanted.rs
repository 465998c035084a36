//! Which properties a request asks for: resolved to rows once, then answered for each resource.

use crate::{
    error::DavError,
    kind::ResourceKind,
    property::table::{self, Needs, Property, WriteListed},
    xml::{Element, Name, name::dav},
};

/// A property that is asked for by name.
#[derive(Clone)]
pub(crate) enum WantedProperty {
    /// A row of the table.
    Known(&'static Property),
    /// Any other name, as `{namespace}local`.
    Other(String),
}

/// What is asked for.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// Names and values of these.
    These(Vec<WantedProperty>),
    /// Names and values of everything that RFC 4918 defines and of dead properties, and of these.
    All(Vec<WantedProperty>),
    /// The names of everything.
    Names,
}

/// The most properties that one request may ask for.
pub(crate) const MAXIMUM_PROPERTIES: usize = 1_000;

impl WantedProperty {
    /// By name.
    pub fn of(name: Name<'_>) -> WantedProperty {
        match table::find(name) {
            Some(property) => WantedProperty::Known(property),
            None => WantedProperty::Other(name.clark()),
        }
    }

    /// Its name.
    pub fn name(&self) -> Name<'_> {
        match self {
            WantedProperty::Known(property) => property.name,
            WantedProperty::Other(clark) => Name::from_clark(clark).unwrap_or(dav::PROP),
        }
    }
}

impl Wanted {
    /// The properties named in a `DAV:prop` element. A name that stands twice is answered once.
    pub fn of_prop(prop: Element<'_>) -> Result<Wanted, DavError> {
        read_names(prop).map(Wanted::These)
    }

    /// What one of the children of `DAV:propfind`, or of a report, asks for; `None` where none does.
    pub fn of_request(request: Element<'_>) -> Result<Option<Wanted>, DavError> {
        let choices = [dav::PROP, dav::ALLPROP, dav::PROPNAME];
        let mut chosen = request
            .children()
            .filter(|child| choices.contains(&child.name()));
        let Some(choice) = chosen.next() else {
            return Ok(None);
        };
        if chosen.next().is_some() {
            let reason = "only one of prop, allprop and propname can be asked for";
            return Err(DavError::BadRequest(reason.into()));
        }
        if choice.is(dav::PROP) {
            return Wanted::of_prop(choice).map(Some);
        }
        if choice.is(dav::PROPNAME) {
            return Ok(Some(Wanted::Names));
        }
        let include = request.child(dav::INCLUDE).map(read_names).transpose()?;
        Ok(Some(Wanted::All(include.unwrap_or_default())))
    }

    /// How to write what is asked for of objects of a kind that are only listed and have no properties of
    /// clients; `None` where it takes the objects themselves.
    pub fn listed(&self, kind: ResourceKind) -> Option<Vec<(Name<'_>, Option<WriteListed>)>> {
        let Wanted::These(wanted) = self else {
            return None;
        };
        let listed = |property: &WantedProperty| match property {
            WantedProperty::Known(row) if row.kinds.contains(kind) => Some(Some(row.write_listed?)),
            // Such a one could only be there as a client's.
            _ => Some(None),
        };
        let with_name = |property| Some((WantedProperty::name(property), listed(property)?));
        wanted.iter().map(with_name).collect()
    }

    /// Whether no property is asked for.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Wanted::These(wanted) if wanted.is_empty())
    }

    /// What must be loaded.
    pub fn needs(&self) -> Needs {
        let of = |wanted: &[WantedProperty]| {
            wanted
                .iter()
                .fold(Needs::NOTHING, |needs, property| match property {
                    WantedProperty::Known(property) => needs.and(property.needs),
                    WantedProperty::Other(_) => needs,
                })
        };
        let all = |filter: fn(&&Property) -> bool| {
            let rows = table::properties().filter(filter);
            rows.fold(Needs::NOTHING, |needs, property| needs.and(property.needs))
        };
        match self {
            Wanted::These(wanted) => of(wanted),
            Wanted::All(include) => of(include).and(all(|property| property.allprop)),
            Wanted::Names => all(|_| true),
        }
    }
}

fn read_names(prop: Element<'_>) -> Result<Vec<WantedProperty>, DavError> {
    let mut names: Vec<Name<'_>> = Vec::new();
    for child in prop.children() {
        if names.len() >= MAXIMUM_PROPERTIES {
            return Err(DavError::BadRequest(
                "too many properties are asked for".into(),
            ));
        }
        if !names.contains(&child.name()) {
            names.push(child.name());
        }
    }
    Ok(names.into_iter().map(WantedProperty::of).collect())
}
