//! Changes of a principal through properties: what it keeps, its delegates, its default calendar.

use bytes::Bytes;
use scheduling::{Precondition, Refusal};
use storage::{
    AccountError,
    access::Delegation,
    backend::{CommitError, ReadError},
    model::{AuditAction, Principal, PrincipalId},
};

use crate::{
    error::DavError,
    path::Path,
    property::update::{Instruction, PropertyFault},
    service::{Dav, Request},
    target::{StoredResource, Target},
    xml::{
        Element,
        name::{caldav, dav},
    },
};

/// The most members that a group can be given.
const MAXIMUM_MEMBERS: usize = 1_000;

/// Why a change that was judged good did not happen.
pub(crate) enum Failure {
    /// One instruction, by its index.
    One(usize, PropertyFault),
    /// The request as a whole.
    All(DavError),
}

impl<E: Into<DavError>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::All(error.into())
    }
}

/// What is to be changed.
pub(crate) struct PrincipalChange<'d> {
    /// Kept properties by Clark name.
    pub properties: Vec<(String, Option<Bytes>)>,
    /// Instructions about rows of [`super::table::Origin::OfPrincipal`], with their index.
    pub instructions: Vec<(usize, Instruction<'d>)>,
}

/// What an instruction comes to.
enum Setting {
    Delegates(Delegation, Vec<PrincipalId>),
}

/// Makes the change, in one commit.
pub(crate) async fn apply(
    dav: &Dav,
    request: &Request,
    target: &Target,
    change: PrincipalChange<'_>,
) -> Result<(), Failure> {
    let principal = match target {
        Target::Principal(principal) | Target::Proxy(principal, _) => principal,
        Target::Stored(resource) => {
            return choose_default_calendar(dav, request, resource, &change.instructions).await;
        }
        Target::Fixed(_) => return Ok(()),
    };
    let mut settings = Vec::new();
    for (index, instruction) in &change.instructions {
        match read_setting(dav, request, target, *instruction).await? {
            Ok(setting) => settings.push(setting),
            Err(fault) => return Err(Failure::One(*index, fault)),
        }
    }
    let apply = |principal: &mut Principal| {
        change
            .properties
            .iter()
            .for_each(|(name, value)| keep(principal, name, value));
        settings.iter().for_each(|setting| set(principal, setting));
    };
    let action = match settings.is_empty() {
        true => AuditAction::PropertiesChanged,
        false => AuditAction::AccessChanged,
    };
    match dav
        .desk()
        .change_principal(&request.actor, principal, action, apply)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal_of(error).into()),
    }
}

fn keep(principal: &mut Principal, name: &str, value: &Option<Bytes>) {
    match value {
        Some(value) => principal.properties.insert(name.to_owned(), value.clone()),
        None => principal.properties.remove(name),
    };
}

fn set(principal: &mut Principal, setting: &Setting) {
    match setting {
        Setting::Delegates(delegation, members) => principal.set_delegates_in(*delegation, members),
    }
}

fn refusal_of(error: AccountError) -> Refusal {
    match error {
        AccountError::NotFound => Refusal::NotFound,
        AccountError::Commit(CommitError::Limit(what)) => Refusal::InsufficientStorage(what),
        AccountError::Commit(CommitError::Full) => Refusal::Full,
        AccountError::Commit(CommitError::Corrupt(reason))
        | AccountError::Read(ReadError::Corrupt(reason)) => Refusal::Damaged(reason),
        // Names and addresses are not changed here; the rest passes.
        other => Refusal::Unavailable(other.to_string()),
    }
}

async fn read_setting(
    dav: &Dav,
    request: &Request,
    target: &Target,
    instruction: Instruction<'_>,
) -> Result<Result<Setting, PropertyFault>, DavError> {
    let paths = match instruction.remove {
        true => Some(Vec::new()),
        false => read_hrefs(dav, request, instruction.element),
    };
    match (target, instruction.name()) {
        // The members of a real group are the administrator's business.
        (Target::Proxy(_, access), dav::GROUP_MEMBER_SET) => {
            let members = read_members(dav, paths).await?;
            Ok(members
                .map(|members| Setting::Delegates(*access, members))
                .ok_or(PropertyFault::WRONG_VALUE))
        }
        _ => Ok(Err(PropertyFault::PROTECTED)),
    }
}

/// Where the `DAV:href` elements in an element lead; `None` where one leads nowhere of ours.
fn read_hrefs(dav: &Dav, request: &Request, element: Element<'_>) -> Option<Vec<Path>> {
    element
        .children_named(dav::HREF)
        .map(|href| request.path_of_reference(dav, href.text().trim()))
        .collect()
}

/// Client behaviours, point 5: a member that does not exist fails the request.
async fn read_members(
    dav: &Dav,
    paths: Option<Vec<Path>>,
) -> Result<Option<Vec<PrincipalId>>, DavError> {
    let Some(paths) = paths.filter(|paths| paths.len() <= MAXIMUM_MEMBERS) else {
        return Ok(None);
    };
    let mut members = Vec::new();
    for path in paths {
        let Path::Principal(kind, name) = path else {
            return Ok(None);
        };
        match dav.desk().store().principal_by_name(&name).await? {
            Some(member) if member.kind == kind => {
                if !members.contains(&member.id) {
                    members.push(member.id);
                }
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(members))
}

/// RFC 6638 §9.2: the default calendar is a property of the inbox, and the desk's to change.
async fn choose_default_calendar(
    dav: &Dav,
    request: &Request,
    inbox: &StoredResource,
    instructions: &[(usize, Instruction<'_>)],
) -> Result<(), Failure> {
    let fault = PropertyFault::precondition(Precondition::ValidScheduleDefaultCalendarUrl);
    let mut chosen = Vec::new();
    for (index, instruction) in instructions {
        if instruction.name() != caldav::SCHEDULE_DEFAULT_CALENDAR_URL {
            return Err(Failure::One(*index, PropertyFault::PROTECTED));
        }
        // RFC 6638 §4.3.1: invitations need one.
        if instruction.remove {
            let fault = PropertyFault::precondition(Precondition::DefaultCalendarNeeded);
            return Err(Failure::One(*index, fault));
        }
        let paths = read_hrefs(dav, request, instruction.element);
        let Some([Path::Stored(calendar)]) = paths.as_deref() else {
            return Err(Failure::One(*index, fault));
        };
        chosen.push(calendar.clone());
    }
    let conditions = request.conditions(dav)?;
    let desk = dav.desk();
    let set = desk.set_default_calendar(&request.actor, &inbox.path, &chosen, &conditions);
    set.await.map_err(|refusal| match refusal {
        Refusal::Precondition { resource, .. } => {
            let refused = chosen.iter().position(|it| Some(it) == resource.as_ref());
            Failure::One(instructions[refused.unwrap_or_default()].0, fault)
        }
        refusal => refusal.into(),
    })
}
