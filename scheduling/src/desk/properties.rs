//! PROPPATCH (RFC 4918 §9.2): all changes or none.

use bytes::Bytes;
use storage::{
    Found, Resolution, ResourcePath,
    access::Privilege,
    model::{AuditAction, CollectionId, CollectionKind, Principal, Properties},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    collection::takes_component,
    conditions,
    guard::{self, Touched},
    refuse::{crowded, in_the_way, read_failed},
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Precondition, Refusal};

/// The most octets of names and values that the properties of a collection may have: its row holds
/// little else.
pub const MAXIMUM_COLLECTION_PROPERTIES_OCTETS: usize = 24 * 1024;
/// The same for an object, whose row also holds octets of its own.
pub const MAXIMUM_OBJECT_PROPERTIES_OCTETS: usize = 6 * 1024;

/// One property by its Clark name, set to the octets, or removed.
pub type PropertyChange = (String, Option<Bytes>);

/// PROPPATCH: already checked for protected properties by `dav`.
#[derive(Clone, Debug)]
pub struct ChangeProperties {
    /// Which resource.
    pub path: ResourcePath,
    /// In document order; `None` removes.
    pub changes: Vec<PropertyChange>,
    /// What must hold.
    pub conditions: Conditions,
}

/// The properties after the changes, applied in order (RFC 4918 §9.2: removing what is not there is
/// no error).
///
/// Errors: `InsufficientStorage` above `maximum_octets`.
pub(crate) fn apply(
    before: &Properties,
    changes: &[PropertyChange],
    maximum_octets: usize,
) -> Result<Properties, Refusal> {
    let mut after = before.clone();
    for (name, value) in changes {
        match value {
            Some(value) => after.insert(name.clone(), value.clone()),
            None => after.remove(name),
        };
    }
    check_size(&after, maximum_octets)?;
    Ok(after)
}

/// Refuses more properties than a resource may have.
pub(crate) fn check_size(properties: &Properties, maximum_octets: usize) -> Result<(), Refusal> {
    let octets: usize = properties
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    match octets > maximum_octets {
        true => Err(Refusal::InsufficientStorage(
            "the properties of one resource",
        )),
        false => Ok(()),
    }
}

impl Desk {
    /// Changes properties of a collection or an object.
    ///
    /// Errors: `NotFound`, `Forbidden` (`DAV:write-properties`), `ConditionFailed`, `Locked`,
    /// `InsufficientStorage`, `quota-not-exceeded`.
    pub async fn change_properties(
        &self,
        actor: &Actor,
        change: ChangeProperties,
    ) -> Result<(), Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            if self
                .change_properties_round(actor, &change)
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(crowded())
    }

    async fn change_properties_round(
        &self,
        actor: &Actor,
        change: &ChangeProperties,
    ) -> Result<Option<()>, Refusal> {
        let ChangeProperties {
            path,
            changes,
            conditions,
        } = change;
        let scene = self.scene(actor, &[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        self.require(
            actor,
            &[Need::on(path, resolution, Privilege::WriteProperties)],
        )
        .await?;
        if !matches!(resolution.found, Found::Collection | Found::Object(_)) {
            return Err(Refusal::NotFound);
        }
        scene.check_conditions(conditions, path)?;
        let home = resolution.home();
        let locks = scene.locks(home.id)?;
        let submitted = conditions::submitted_tokens(conditions);
        guard::check(
            locks,
            scene.now,
            &Touched::resource(path),
            &submitted,
            actor.principal.id,
        )?;
        let mut batch = self.batch_upon(&scene, home);
        let owner = resolution.owner.id;
        self.note(
            &mut batch,
            actor,
            owner,
            AuditAction::PropertiesChanged,
            path,
        );
        match &resolution.found {
            Found::Object(before) => {
                let mut after = before.value.clone();
                after.properties = apply(
                    &before.properties,
                    changes,
                    MAXIMUM_OBJECT_PROPERTIES_OCTETS,
                )?;
                after.modified = scene.now;
                let parent = scene::parent(resolution)?;
                batch.put_object(
                    parent,
                    path.name().unwrap_or_default(),
                    Some(before),
                    &after,
                );
            }
            _ => {
                let before = resolution.collections.last().ok_or(Refusal::NotFound)?;
                let mut after = before.value.clone();
                after.properties = apply(
                    &before.properties,
                    changes,
                    MAXIMUM_COLLECTION_PROPERTIES_OCTETS,
                )?;
                batch.update_collection(before, &after);
            }
        }
        Ok(self.commit(batch).await?.map(|_| ()))
    }

    /// Makes another calendar the one that invitations are put into: a change of the property
    /// `CALDAV:schedule-default-calendar-URL` of the inbox at `path` (RFC 6638 §9.2). Of several calendars it is each in
    /// turn, and so the last one, if each can be (RFC 4918 §9.2).
    ///
    /// Errors: `NotFound`; `Forbidden` (`DAV:write-properties`); `ConditionFailed`; `Locked`;
    /// `valid-schedule-default-calendar-URL` with the first of the calendars that is none of the inbox's owner.
    pub async fn set_default_calendar(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        calendars: &[ResourcePath],
        conditions: &Conditions,
    ) -> Result<(), Refusal> {
        let paths: Vec<&ResourcePath> = calendars.iter().chain([path]).collect();
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self.scene(actor, &paths, conditions).await?;
            let inbox = scene.resolution(path)?;
            self.require(actor, &[Need::on(path, inbox, Privilege::WriteProperties)])
                .await?;
            if !matches!(inbox.found, Found::Collection)
                || inbox.collection().kind != CollectionKind::Inbox
            {
                return Err(Refusal::NotFound);
            }
            scene.check_conditions(conditions, path)?;
            let locks = scene.locks(inbox.home().id)?;
            let submitted = conditions::submitted_tokens(conditions);
            guard::check(
                locks,
                scene.now,
                &Touched::resource(path),
                &submitted,
                actor.principal.id,
            )?;
            let mut chosen = None;
            for calendar in calendars {
                chosen = Some(default_calendar(inbox, calendar, &scene)?);
            }
            let owner = self
                .store
                .principal_to_change(inbox.owner.id)
                .await
                .map_err(read_failed)?;
            let before = owner.ok_or(Refusal::NotFound)?;
            let after = Principal {
                default_calendar: chosen.or(before.default_calendar),
                ..Principal::clone(&before)
            };
            let mut batch = self.store.batch();
            scene.expect(&mut batch);
            let action = AuditAction::PropertiesChanged;
            self.note(&mut batch, actor, inbox.owner.id, action, path);
            batch.put_principal(Some(&before), &after);
            // The home's header changes with it, so that a DELETE of the calendar that saw another
            // default meets a conflict: it expects the home, too.
            batch.update_collection(inbox.home(), inbox.home());
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }
}

/// RFC 6638 §4.3.1: the default calendar is a calendar of the same owner, in which events can stand.
fn default_calendar(
    inbox: &Resolution,
    path: &ResourcePath,
    scene: &Scene,
) -> Result<CollectionId, Refusal> {
    let chosen = scene.resolution(path).ok().filter(|calendar| {
        matches!(calendar.found, Found::Collection)
            && calendar.collection().kind == CollectionKind::Calendar
            && calendar.home().id == inbox.home().id
            && takes_component(calendar.collection(), "VEVENT")
    });
    match chosen {
        Some(calendar) => Ok(calendar.collection().id),
        None => Err(in_the_way(
            Precondition::ValidScheduleDefaultCalendarUrl,
            "the default calendar is a calendar in the same home that takes VEVENT",
            path.clone(),
        )),
    }
}

/// The path of a principal's home.
pub(crate) fn home_path(principal: &Principal) -> ResourcePath {
    ResourcePath {
        owner_kind: principal.kind,
        owner_name: principal.name.clone(),
        segments: Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn set(name: &str, value: &'static str) -> PropertyChange {
        (name.into(), Some(Bytes::from_static(value.as_bytes())))
    }

    /// RFC 4918 §9.2: instructions are processed in document order.
    #[test]
    fn changes_apply_in_order() {
        let before = Properties::from([("{DAV:}a".into(), Bytes::from_static(b"1"))]);
        let changes = [
            set("{DAV:}b", "2"),
            ("{DAV:}b".into(), None),
            ("{DAV:}a".into(), None),
            set("{DAV:}a", "3"),
            ("{DAV:}missing".into(), None),
        ];
        let after = apply(&before, &changes, 100).unwrap();
        assert_eq!(
            after,
            Properties::from([("{DAV:}a".into(), Bytes::from_static(b"3"))])
        );
    }

    #[test]
    fn properties_are_bounded() {
        let changes = [set("{DAV:}a", "12345")];
        assert!(apply(&Properties::new(), &changes, 12).is_ok());
        let refused = apply(&Properties::new(), &changes, 11);
        assert!(matches!(refused, Err(Refusal::InsufficientStorage(_))));
    }
}
