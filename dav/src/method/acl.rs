//! ACL (RFC 3744 §8.1).

use http::StatusCode;
use scheduling::{Actor, Precondition, desk::ChangeAccess};
use storage::access::{Ace, AcePrincipal, EffectiveAce, NamedPrivileges, PRIVILEGES, Privilege};

use crate::{
    answer,
    error::DavError,
    path::Path,
    privilege,
    service::{Dav, Request, Response},
    target::{StoredResource, Target},
    xml::{Document, Element, name::dav},
};

/// Replaces the access control entries that are neither protected nor inherited.
///
/// Entries that are marked as protected or inherited may stand in the request as they are told by
/// `DAV:acl`; they are left as they are.
pub(crate) async fn acl(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let document = Document::parse(&request.body)?;
    if !document.root().is(dav::ACL) {
        return Err(bad("the body of ACL must be a DAV:acl"));
    }
    let Path::Stored(path) = &request.path else {
        return Err(DavError::Refused(scheduling::Refusal::NotAllowed("ACL")));
    };
    let mut aces = Vec::new();
    for element in document.root().children() {
        let ace = read_ace(dav, &request, element).await?;
        match is_kept(element) {
            true => check_kept(dav, &request.actor, &request.path, &ace).await?,
            false => aces.push(ace),
        }
    }
    let change = ChangeAccess {
        path: path.clone(),
        aces,
        conditions: request.conditions(dav)?,
    };
    dav.desk().change_access(&request.actor, change).await?;
    Ok(answer::empty(StatusCode::OK))
}

fn bad(reason: &str) -> DavError {
    DavError::BadRequest(reason.into())
}

/// Whether an entry is marked as one that no client changes here.
fn is_kept(element: Element<'_>) -> bool {
    element.child(dav::PROTECTED).is_some() || element.child(dav::INHERITED).is_some()
}

/// An entry that is marked as protected or inherited must be one.
async fn check_kept(dav: &Dav, actor: &Actor, path: &Path, ace: &Ace) -> Result<(), DavError> {
    let target = Target::open_for(dav, actor, path, &[Privilege::WriteAcl]).await?;
    let effective = match &target {
        Target::Stored(resource) => StoredResource::effective_aces(resource),
        _ => Vec::new(),
    };
    let is_kept = |it: &EffectiveAce| it.protected || it.inherited_from.is_some();
    match effective.iter().any(|it| is_kept(it) && it.ace == *ace) {
        true => Ok(()),
        false => Err(DavError::precondition(
            Precondition::NoProtectedAceConflict,
            "an entry is marked as protected or inherited and is none of those",
        )),
    }
}

/// RFC 3744 §5.5: whom it is about, and what it grants or denies.
async fn read_ace(dav: &Dav, request: &Request, element: Element<'_>) -> Result<Ace, DavError> {
    let (principal, verb, deny) = parts_of(element)?;
    Ok(Ace {
        principal: read_principal(dav, request, principal).await?,
        deny,
        privileges: read_privileges(verb)?,
    })
}

/// The principal, the verb, and whether that denies.
fn parts_of(element: Element<'_>) -> Result<(Element<'_>, Element<'_>, bool), DavError> {
    if !element.is(dav::ACE) {
        return Err(bad("a DAV:acl holds DAV:ace elements"));
    }
    if element.child(dav::INVERT).is_some() {
        return Err(DavError::precondition(
            Precondition::NoInvert,
            "an entry that is about everybody else is not supported",
        ));
    }
    let all = |name| element.children_named(name).collect::<Vec<_>>();
    let &[principal] = &*all(dav::PRINCIPAL) else {
        return Err(bad("a DAV:ace needs one DAV:principal"));
    };
    match (&*all(dav::GRANT), &*all(dav::DENY)) {
        (&[verb], []) => Ok((principal, verb, false)),
        ([], &[verb]) => Ok((principal, verb, true)),
        _ => Err(bad("a DAV:ace needs one DAV:grant or one DAV:deny")),
    }
}

fn read_privileges(element: Element<'_>) -> Result<NamedPrivileges, DavError> {
    let mut privileges = Vec::new();
    for wrapper in element.children_named(dav::PRIVILEGE) {
        let named = wrapper.children().next();
        let named = named.ok_or_else(|| bad("a DAV:privilege names a privilege"))?;
        let mut rows = PRIVILEGES.iter().map(|row| row.privilege);
        let known = rows.find(|one| privilege::name(*one) == named.name());
        let known = known.ok_or_else(|| {
            DavError::precondition(
                Precondition::NotSupportedPrivilege,
                format!("there is no privilege {}", named.name()),
            )
        })?;
        privileges.push(known);
    }
    match privileges.is_empty() {
        true => Err(bad("an entry grants or denies at least one privilege")),
        false => Ok(privileges.into()),
    }
}

/// RFC 3744 §5.5.1
async fn read_principal(
    dav: &Dav,
    request: &Request,
    element: Element<'_>,
) -> Result<AcePrincipal, DavError> {
    let mut children = element.children();
    let (Some(child), None) = (children.next(), children.next()) else {
        return Err(bad("a DAV:principal names one principal"));
    };
    match child.name() {
        dav::ALL => Ok(AcePrincipal::All),
        dav::AUTHENTICATED => Ok(AcePrincipal::Authenticated),
        dav::UNAUTHENTICATED => Ok(AcePrincipal::Unauthenticated),
        dav::SELF => Ok(AcePrincipal::Itself),
        dav::PROPERTY => match child.children().next().map(Element::name) {
            Some(dav::OWNER) => Ok(AcePrincipal::Owner),
            Some(dav::GROUP) => Ok(AcePrincipal::Group),
            _ => Err(DavError::precondition(
                Precondition::AllowedPrincipal,
                "of the properties, DAV:owner and DAV:group name principals here",
            )),
        },
        dav::HREF => named_principal(dav, request, child.text().trim()).await,
        _ => Err(bad("a DAV:principal of an unknown form")),
    }
}

async fn named_principal(
    dav: &Dav,
    request: &Request,
    href: &str,
) -> Result<AcePrincipal, DavError> {
    let store = dav.desk().store();
    let found = match request.path_of_reference(dav, href) {
        Some(Path::Principal(kind, name)) => {
            let principal = store.principal_by_name(&name).await?;
            let principal = principal.filter(|principal| principal.kind == kind);
            principal.map(|principal| AcePrincipal::Principal(principal.id))
        }
        Some(Path::Proxy(kind, name, delegation)) => {
            let principal = store.principal_by_name(&name).await?;
            let principal = principal.filter(|principal| principal.kind == kind);
            principal.map(|principal| AcePrincipal::Delegates(principal.id, delegation))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        DavError::precondition(
            Precondition::RecognizedPrincipal,
            format!("{href} is no principal here"),
        )
    })
}
