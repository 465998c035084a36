//! Whether an actor may do what a change needs: the store's pure evaluation, fed with what was read.

use storage::{
    Found, Resolution, ResourcePath,
    access::{Link, Privilege, Privileges},
    model::{Object, PrincipalId},
};

use super::{Desk, refuse::reserved, standing::Standing};
use crate::{Actor, Refusal, view::Sight};

/// A privilege that a change needs, and where.
pub(crate) struct Need<'a> {
    path: ResourcePath,
    owner: PrincipalId,
    /// The resources from the home down to the one that the privilege is about.
    chain: Vec<Link<'a>>,
    privilege: Privilege,
    /// The object that is to be changed.
    object: Option<(ResourcePath, &'a Object)>,
}

/// The object that a path leads to.
fn object_at<'a>(
    path: &ResourcePath,
    resolution: &'a Resolution,
) -> Option<(ResourcePath, &'a Object)> {
    match &resolution.found {
        Found::Object(object) => Some((path.clone(), &object.value)),
        _ => None,
    }
}

impl<'a> Need<'a> {
    /// A privilege on the resource itself; where it is missing, on its nearest existing ancestor.
    pub fn on(path: &ResourcePath, resolution: &'a Resolution, privilege: Privilege) -> Need<'a> {
        Need {
            path: path.clone(),
            owner: resolution.owner.id,
            chain: resolution.chain(),
            privilege,
            object: object_at(path, resolution),
        }
    }

    /// A privilege on the collection that holds the resource, or would hold it.
    pub fn on_parent(
        path: &ResourcePath,
        resolution: &'a Resolution,
        privilege: Privilege,
    ) -> Need<'a> {
        let mut chain = resolution.chain();
        match resolution.found {
            // A home stands in nothing that anybody has rights on.
            Found::Collection if chain.len() == 1 => {}
            Found::Collection | Found::Object(_) => {
                chain.pop();
            }
            Found::Missing | Found::ParentMissing => {}
        }
        Need {
            path: path.parent().unwrap_or_else(|| path.clone()),
            owner: resolution.owner.id,
            chain,
            privilege,
            object: object_at(path, resolution),
        }
    }

    /// What writing a resource at this path needs (RFC 3744 appendix B): to change it, or to bind it.
    pub fn to_write(path: &ResourcePath, resolution: &'a Resolution) -> Need<'a> {
        match resolution.found {
            Found::Object(_) | Found::Collection => {
                Need::on(path, resolution, Privilege::WriteContent)
            }
            Found::Missing | Found::ParentMissing => {
                Need::on_parent(path, resolution, Privilege::Bind)
            }
        }
    }
}

impl Desk {
    /// Refuses with every privilege that is missing (RFC 3744 §7.1.1).
    ///
    /// Who does not see an object as a whole cannot change, move or copy it (calendarserver private-events
    /// §4.2.3). What is hidden from them as a whole is not in the [scene](super::scene); where it was found
    /// otherwise, it is refused as what brings its name or UID.
    pub(crate) async fn require(&self, actor: &Actor, needs: &[Need<'_>]) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        let mut known: Option<Standing<'_>> = None;
        for need in needs {
            let standing = self.standing_again(&mut known, actor, need.owner).await?;
            let sight = match &need.object {
                Some((_, object)) => self.sight_for(standing.viewer(), object).await?,
                None => Sight::Whole,
            };
            let is_held = standing.evaluate(&need.chain).has(need.privilege);
            match (sight, &need.object) {
                (Sight::Hidden, Some((path, _))) => return Err(reserved(path)),
                (Sight::Reduced(_), Some((path, _))) if is_held => {
                    missing.push((path.clone(), need.privilege));
                }
                _ if is_held => {}
                _ => missing.push((need.path.clone(), need.privilege)),
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Forbidden { missing }),
        }
    }

    /// What the actor may do on a resource; where it is missing, on its nearest existing ancestor.
    pub(crate) async fn privileges(
        &self,
        actor: &Actor,
        resolution: &Resolution,
    ) -> Result<Privileges, Refusal> {
        let standing = self.standing(actor, resolution.owner.id).await?;
        Ok(standing.privileges(resolution))
    }
}
