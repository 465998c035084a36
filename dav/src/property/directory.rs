//! All principals of one moment, as far as properties ask about them. Pure.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use storage::{
    access::Delegation,
    model::{Principal, PrincipalId},
};

/// The principals.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    principals: Vec<Arc<Principal>>,
    places: HashMap<PrincipalId, usize>,
}

impl Directory {
    /// Of these principals.
    pub fn new(principals: Vec<Arc<Principal>>) -> Directory {
        let places = principals
            .iter()
            .enumerate()
            .map(|(place, principal)| (principal.id, place))
            .collect();
        Directory { principals, places }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Principal>> {
        self.principals.iter()
    }

    /// One of them.
    pub fn get(&self, id: PrincipalId) -> Option<&Arc<Principal>> {
        self.principals.get(*self.places.get(&id)?)
    }

    /// Several of them; what is gone is left out.
    pub fn of<'a>(&'a self, ids: &'a [PrincipalId]) -> impl Iterator<Item = &'a Arc<Principal>> {
        ids.iter().filter_map(|id| self.get(*id))
    }

    /// The groups that a principal is directly a member of (RFC 3744 §4.4).
    pub fn groups_of(&self, id: PrincipalId) -> impl Iterator<Item = &Arc<Principal>> {
        self.principals
            .iter()
            .filter(move |group| group.members.contains(&id))
    }

    /// The principal and every group that holds it, directly or through groups.
    pub fn identities(&self, id: PrincipalId) -> HashSet<PrincipalId> {
        let mut known = HashSet::from([id]);
        let mut open = vec![id];
        while let Some(member) = open.pop() {
            for group in self.groups_of(member) {
                if known.insert(group.id) {
                    open.push(group.id);
                }
            }
        }
        known
    }

    /// Those who named this one as their delegate.
    pub fn delegators(
        &self,
        id: PrincipalId,
        access: Delegation,
    ) -> impl Iterator<Item = &Arc<Principal>> {
        let everybody = self.principals.iter();
        everybody.filter(move |other| other.delegates_in(access).any(|delegate| delegate == id))
    }

    /// Those who named one of these as their delegate.
    pub fn delegators_of_any<'a>(
        &'a self,
        identities: &'a HashSet<PrincipalId>,
        access: Delegation,
    ) -> impl Iterator<Item = &'a Arc<Principal>> {
        self.principals.iter().filter(move |principal| {
            principal
                .delegates_in(access)
                .any(|delegate| identities.contains(&delegate))
        })
    }
}
