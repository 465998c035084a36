//! What properties are written from, and the loading of it.

use std::{collections::HashMap, sync::Arc};

use calendar::Format;
use scheduling::{
    Actor, Refusal, desk,
    log::LogEntry,
    resources::{Span, Vacancy},
};
use storage::{
    ResourcePath, Timestamp,
    access::{self, Ace, AcePrincipal, EffectiveAce, Privilege, Privileges, Site, Subject},
    model::{Collection, CollectionId, Lock, Object, Principal, Properties, SyncToken},
};

use crate::{
    error::DavError,
    kind::ResourceKind,
    property::{directory::Directory, table::Needs},
    service::Dav,
    target::Target,
};

/// Everything that a property of one resource may depend on.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The resource.
    pub target: Target,
    /// Who asks.
    pub viewer: Arc<Principal>,
    /// When the request was answered.
    pub now: Timestamp,
    /// What the desk enforces.
    pub limits: Arc<desk::Limits>,
    /// All principals; empty unless needed.
    pub directory: Arc<Directory>,
    /// The locks of the home; empty unless needed.
    pub locks: Arc<Vec<Lock>>,
    /// What the home holds, in octets.
    pub used_octets: Option<u64>,
    /// The collection's sync token.
    pub sync_token: Option<SyncToken>,
    /// Where the owner's invitations are put.
    pub default_calendar: Option<ResourcePath>,
    /// What was decided about the meeting; `None` where the viewer may not know, or nobody asked.
    pub scheduling_log: Option<Vec<LogEntry>>,
    /// Whether a room or resource can be had, and which of the times asked for are taken; only where that was asked.
    pub vacancy: Option<(Vacancy, Vec<Span>)>,
    /// Calendar data as a report selected it, ready to be written.
    pub calendar_data: Option<CalendarData>,
}

/// A part of an object, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct CalendarData {
    /// What the text is.
    pub format: Format,
    /// The text.
    pub text: String,
}

impl Facts {
    /// The kind of the resource.
    pub fn kind(&self) -> ResourceKind {
        self.target.kind()
    }

    /// The object, where the resource is one.
    pub fn object(&self) -> Option<&Object> {
        match &self.target {
            Target::Stored(resource) => resource.object.as_deref().map(|object| &object.value),
            _ => None,
        }
    }

    /// The collection, where the resource is one.
    pub fn collection(&self) -> Option<&Collection> {
        match &self.target {
            Target::Stored(resource) if resource.object.is_none() => {
                Some(&resource.collection.value)
            }
            _ => None,
        }
    }

    /// The principal, where the resource is one.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        match &self.target {
            Target::Principal(principal) => Some(principal),
            _ => None,
        }
    }

    /// Whose home the resource stands in, or whom it stands for.
    pub fn owner(&self) -> Option<&Arc<Principal>> {
        match &self.target {
            Target::Fixed(_) => None,
            Target::Principal(principal) | Target::Proxy(principal, _) => Some(principal),
            Target::Stored(resource) => Some(&resource.owner),
        }
    }

    /// What clients stored here.
    pub fn properties(&self) -> Option<&Properties> {
        match &self.target {
            Target::Fixed(_) | Target::Proxy(..) => None,
            Target::Principal(principal) => Some(&principal.properties),
            Target::Stored(resource) => Some(match &resource.object {
                Some(object) => &object.properties,
                None => &resource.collection.properties,
            }),
        }
    }

    /// What decides about rights here.
    pub fn site(&self) -> Site {
        match &self.target {
            Target::Stored(resource) => resource.site(),
            _ => Site::Principal,
        }
    }

    /// What the viewer may do here.
    pub fn privileges(&self) -> Privileges {
        match &self.target {
            Target::Stored(resource) => resource.privileges,
            Target::Fixed(_) => Privileges::at(Site::Principal, &[Privilege::Read]),
            Target::Principal(principal) | Target::Proxy(principal, _) => {
                let subject = Subject {
                    principal: Some(self.viewer.id),
                    administrator: self.viewer.administrator,
                    ..Subject::default()
                };
                access::granted(subject, principal.id, Site::Principal, &[])
            }
        }
    }

    /// The access control entries that take effect here.
    pub fn effective_aces(&self) -> Vec<EffectiveAce> {
        match &self.target {
            Target::Fixed(_) => {
                vec![EffectiveAce {
                    ace: Ace::grant(AcePrincipal::Authenticated, &[Privilege::Read]),
                    protected: true,
                    inherited_from: None,
                }]
            }
            Target::Principal(principal) | Target::Proxy(principal, _) => {
                access::effective_aces(principal.id, Site::Principal, &[])
            }
            Target::Stored(resource) => resource.effective_aces(),
        }
    }

    /// The locks that hold here (RFC 4918 §7).
    pub fn locks_here(&self) -> impl Iterator<Item = &Lock> {
        let path = match &self.target {
            Target::Stored(resource) => Some(&resource.path),
            _ => None,
        };
        self.locks.iter().filter(move |lock| {
            path.is_some_and(|path| {
                lock.root.path == *path || (lock.deep && lock.root.path.contains(path))
            })
        })
    }
}

/// Whether somebody may change a principal's own properties.
pub(crate) fn may_change(viewer: &Principal, principal: &Principal) -> bool {
    viewer.id == principal.id || viewer.administrator
}

/// Loads facts for many resources of one request, each thing once.
pub(crate) struct Loader<'a> {
    dav: &'a Dav,
    actor: &'a Actor,
    needs: Needs,
    limits: Arc<desk::Limits>,
    directory: Option<Arc<Directory>>,
    locks: HashMap<CollectionId, Arc<Vec<Lock>>>,
    used_octets: HashMap<CollectionId, u64>,
}

impl<'a> Loader<'a> {
    /// For resources of which this is needed.
    pub fn new(dav: &'a Dav, actor: &'a Actor, needs: Needs) -> Loader<'a> {
        Loader {
            dav,
            actor,
            needs,
            limits: Arc::new(dav.desk().settings().limits.clone()),
            directory: None,
            locks: HashMap::new(),
            used_octets: HashMap::new(),
        }
    }

    /// The facts about one resource.
    pub async fn facts(&mut self, target: Target) -> Result<Facts, DavError> {
        let mut facts = Facts {
            target,
            viewer: self.actor.principal.clone(),
            now: self.dav.desk().store().environment().clock.now(),
            limits: self.limits.clone(),
            directory: Arc::default(),
            locks: Arc::default(),
            used_octets: None,
            sync_token: None,
            default_calendar: None,
            scheduling_log: None,
            vacancy: None,
            calendar_data: None,
        };
        if self.needs == Needs::NOTHING {
            return Ok(facts);
        }
        if self.needs.has(Needs::DIRECTORY) {
            facts.directory = self.directory().await?;
        }
        self.load_stored(&mut facts).await?;
        Ok(facts)
    }

    /// All principals.
    pub async fn directory(&mut self) -> Result<Arc<Directory>, DavError> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let directory = Arc::new(Directory::new(self.dav.desk().store().principals().await?));
        self.directory = Some(directory.clone());
        Ok(directory)
    }

    async fn load_stored(&mut self, facts: &mut Facts) -> Result<(), DavError> {
        let Target::Stored(resource) = &facts.target else {
            return Ok(());
        };
        let store = self.dav.desk().store();
        let home = resource.collection.home;
        if self.needs.has(Needs::LOCKS) {
            if !self.locks.contains_key(&home) {
                self.locks
                    .insert(home, Arc::new(self.live_locks(home).await?));
            }
            facts.locks = self.locks[&home].clone();
        }
        if self.needs.has(Needs::QUOTA) && resource.object.is_none() {
            facts.used_octets = Some(self.used_octets(home).await?);
        }
        if self.needs.has(Needs::SYNC_TOKEN) && resource.object.is_none() {
            facts.sync_token = Some(store.sync_token(resource.collection.id).await?);
        }
        if self.needs.has(Needs::DEFAULT_CALENDAR)
            && resource.kind() == ResourceKind::Inbox
            && let Some(id) = resource.owner.default_calendar
            && let Some(calendar) = store.collection(id).await?
        {
            facts.default_calendar = store.path_of(&calendar).await?;
        }
        if self.needs.has(Needs::SCHEDULING_LOG) && resource.kind() == ResourceKind::CalendarObject
        {
            let log = self.dav.desk().scheduling_log(self.actor, &resource.path);
            facts.scheduling_log = match log.await {
                Ok(log) => Some(log),
                Err(Refusal::NotFound | Refusal::Forbidden { .. } | Refusal::Prohibited(_)) => None,
                Err(refusal) => return Err(refusal.into()),
            };
        }
        Ok(())
    }

    async fn used_octets(&mut self, home: CollectionId) -> Result<u64, DavError> {
        if let Some(octets) = self.used_octets.get(&home) {
            return Ok(*octets);
        }
        let octets = self.dav.desk().store().used_octets(home).await?;
        self.used_octets.insert(home, octets);
        Ok(octets)
    }

    /// The locks of a home that have not ended.
    async fn live_locks(&self, home: CollectionId) -> Result<Vec<Lock>, DavError> {
        let store = self.dav.desk().store();
        let now = store.environment().clock.now();
        let mut locks = store.locks(home).await?.value;
        locks.retain(|lock| lock.is_live(now));
        Ok(locks)
    }
}
