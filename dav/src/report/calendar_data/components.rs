//! Selection of components and properties (RFC 4791 §9.6.1 to §9.6.4).

use calendar::Component;

use crate::{
    error::DavError,
    xml::{Element, name::caldav},
};

/// A `CALDAV:comp` element.
#[derive(Clone, Debug)]
pub(super) struct ComponentSelection {
    name: String,
    /// `None` for all.
    properties: Option<Vec<PropertySelection>>,
    /// `None` for all.
    components: Option<Vec<ComponentSelection>>,
}

/// A `CALDAV:prop` element.
#[derive(Clone, Debug)]
struct PropertySelection {
    name: String,
    /// Only the name and the parameters.
    without_value: bool,
}

impl ComponentSelection {
    /// As deep as the document, which is bounded.
    pub fn read(element: Element<'_>) -> Result<ComponentSelection, DavError> {
        let name = read_name(element)?;
        let properties = match element.child(caldav::ALLPROP) {
            Some(_) => None,
            None => Some(
                element
                    .children_named(caldav::PROP)
                    .map(PropertySelection::read)
                    .collect::<Result<_, _>>()?,
            ),
        };
        let components = match element.child(caldav::ALLCOMP) {
            Some(_) => None,
            None => Some(
                element
                    .children_named(caldav::COMP)
                    .map(ComponentSelection::read)
                    .collect::<Result<_, _>>()?,
            ),
        };
        Ok(ComponentSelection {
            name,
            properties,
            components,
        })
    }

    /// Leaves in a component what is selected. A VTIMEZONE that is selected stays whole, as the rest
    /// would mean nothing without its parts.
    pub fn reduce(&self, component: &mut Component) {
        if let Some(wanted) = &self.properties {
            let named = |name: &str| wanted.iter().find(|one| one.name == name);
            component.retain_properties(|property| named(property.name()).is_some());
            for property in component.properties_mut() {
                if named(property.name()).is_some_and(|one| one.without_value) {
                    // An empty value always fits.
                    let _ = property.set_raw_value("");
                }
            }
        }
        if let Some(wanted) = &self.components {
            let named = |name: &str| wanted.iter().find(|one| one.name == name);
            component.retain_components(|child| named(child.name()).is_some());
            for child in component.components_mut() {
                if let Some(selection) = named(child.name())
                    && !(child.is("VTIMEZONE"))
                {
                    selection.reduce(child);
                }
            }
        }
    }
}

impl PropertySelection {
    fn read(element: Element<'_>) -> Result<PropertySelection, DavError> {
        let without_value = match element.attribute("novalue") {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => return Err(DavError::BadRequest("novalue is neither yes nor no".into())),
        };
        Ok(PropertySelection {
            name: read_name(element)?,
            without_value,
        })
    }
}

fn read_name(element: Element<'_>) -> Result<String, DavError> {
    let name = element.attribute("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| DavError::BadRequest("comp or prop has no name".into()))?;
    Ok(name.to_ascii_uppercase())
}
