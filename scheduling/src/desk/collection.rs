//! MKCOL, extended MKCOL (RFC 5689) and MKCALENDAR (RFC 4791 §5.3.1).

use storage::{
    Found, ResourcePath,
    model::{AuditAction, Collection, CollectionKind, Properties},
};

use super::{
    Desk, MAXIMUM_ROUNDS, conditions,
    guard::{self, Touched},
    place,
    properties::{MAXIMUM_COLLECTION_PROPERTIES_OCTETS, check_size},
    refuse::{crowded, precondition},
    rights::Need,
    scene,
};
use crate::{Actor, Conditions, Precondition, Refusal};

/// The component names that a calendar can be made for, and that it takes where nobody restricted it.
pub use calendar::split::CALENDAR_COMPONENTS;

/// The components that a calendar takes, and no others: RFC 4791 §5.2.3 has those refused that the property does not
/// list, so that VFREEBUSY, which is stored (§4.1) and counts as busy time (§7.10), is listed, too.
pub fn components_of(restricted_to: &[String]) -> impl Iterator<Item = &str> {
    let all = restricted_to.is_empty().then_some(CALENDAR_COMPONENTS);
    all.into_iter()
        .flatten()
        .chain(restricted_to.iter().map(String::as_str))
}

/// Whether a calendar takes components of this name.
pub(crate) fn takes_component(calendar: &Collection, name: &str) -> bool {
    components_of(&calendar.components).any(|taken| taken == name)
}

/// MKCOL and MKCALENDAR.
#[derive(Clone, Debug)]
pub struct MakeCollection {
    /// Where.
    pub path: ResourcePath,
    /// `Calendar` or `Plain`.
    pub kind: CollectionKind,
    /// For a calendar: the component names it takes, upper case; empty takes all.
    pub components: Vec<String>,
    /// Its first properties.
    pub properties: Properties,
    /// What must hold.
    pub conditions: Conditions,
}

impl Desk {
    /// Makes a collection, with its properties or not at all (RFC 5689 §3).
    ///
    /// Errors: `ParentMissing`; `Forbidden` (`DAV:bind`); `resource-must-be-null` where something is
    /// there (for MKCOL, `NotAllowed`: RFC 4918 §9.3.1 asks for 405); `calendar-collection-location-ok`;
    /// `supported-calendar-component-set`; `Locked`.
    pub async fn make_collection(
        &self,
        actor: &Actor,
        make: MakeCollection,
    ) -> Result<(), Refusal> {
        check_size(&make.properties, MAXIMUM_COLLECTION_PROPERTIES_OCTETS)?;
        if make
            .components
            .iter()
            .any(|name| !CALENDAR_COMPONENTS.contains(&name.as_str()))
        {
            return Err(precondition(
                Precondition::SupportedCalendarComponentSet,
                "a calendar takes VEVENT, VTODO, VJOURNAL and VFREEBUSY",
            ));
        }
        for _ in 0..MAXIMUM_ROUNDS {
            if self.make_collection_round(actor, &make).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    async fn make_collection_round(
        &self,
        actor: &Actor,
        make: &MakeCollection,
    ) -> Result<Option<()>, Refusal> {
        let MakeCollection {
            path, conditions, ..
        } = make;
        let scene = self.scene(actor, &[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        self.require(
            actor,
            &[Need::on_parent(
                path,
                resolution,
                storage::access::Privilege::Bind,
            )],
        )
        .await?;
        match (&resolution.found, make.kind) {
            (Found::Missing, _) => {}
            (Found::ParentMissing, _) => return Err(Refusal::ParentMissing),
            (_, CollectionKind::Calendar) => {
                return Err(precondition(
                    Precondition::ResourceMustBeNull,
                    "there is a resource here",
                ));
            }
            _ => return Err(Refusal::NotAllowed("there is a resource here")),
        }
        scene.check_conditions(conditions, path)?;
        let parent = scene::parent(resolution)?;
        place::check_collection_location(path, make.kind, parent)?;
        scene.check_vacant(path)?;
        let locks = scene.locks(parent.home)?;
        let submitted = conditions::submitted_tokens(conditions);
        guard::check(
            locks,
            scene.now,
            &Touched::bound(path),
            &submitted,
            actor.principal.id,
        )?;
        let mut batch = self.store.batch();
        scene.expect(&mut batch);
        let collection = Collection {
            id: self.store.new_collection_id(),
            kind: make.kind,
            owner: parent.owner,
            home: parent.home,
            parent: Some(parent.id),
            name: path.name().unwrap_or_default().to_owned(),
            created: scene.now,
            components: make.components.clone(),
            properties: make.properties.clone(),
            access: None,
        };
        batch.create_collection(Some(parent), &collection);
        self.note(
            &mut batch,
            actor,
            parent.owner,
            AuditAction::CollectionMade,
            path,
        );
        Ok(self.commit(batch).await?.map(|_| ()))
    }
}
