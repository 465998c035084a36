//! Where a resource stands, without URLs: a home and names below it.

use crate::model::PrincipalKind;

/// The address of a resource in a calendar home. Names are decoded (no percent signs) and never empty.
/// How it is spelled in a URL is `dav`'s path table and nobody else's business.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct ResourcePath {
    /// Kind of the home's owner.
    pub owner_kind: PrincipalKind,
    /// Name of the home's owner.
    pub owner_name: String,
    /// Names from the home down; empty for the home itself.
    pub segments: Vec<String>,
}

impl ResourcePath {
    /// The path of the collection that holds this resource; `None` for a home.
    pub fn parent(&self) -> Option<ResourcePath> {
        let (_, rest) = self.segments.split_last()?;
        Some(ResourcePath {
            segments: rest.to_vec(),
            ..self.clone()
        })
    }

    /// The last name; `None` for a home.
    pub fn name(&self) -> Option<&str> {
        self.segments.last().map(String::as_str)
    }

    /// The path of the member `name` of this collection.
    pub fn child(&self, name: &str) -> ResourcePath {
        let mut path = self.clone();
        path.segments.push(name.to_owned());
        path
    }

    /// Whether `other` is this path or stands below it.
    pub fn contains(&self, other: &ResourcePath) -> bool {
        self.owner_kind == other.owner_kind
            && self.owner_name == other.owner_name
            && other.segments.starts_with(&self.segments)
    }
}
