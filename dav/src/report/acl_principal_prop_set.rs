//! `DAV:acl-principal-prop-set` (RFC 3744 §9.2).

use scheduling::Refusal;
use storage::access::{AcePrincipal, Privilege};

use crate::{
    error::DavError,
    property::{Loader, Wanted, table::Needs},
    report::{Asked, require_depth_zero, respond_with},
    service::{Dav, Response},
    target::Target,
};

/// Answers with the principals that the access control list of a resource names.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    require_depth_zero(&asked)?;
    let wanted = Wanted::of_request(asked.document.root())?.unwrap_or(Wanted::These(Vec::new()));
    let mut loader = Loader::new(
        dav,
        &asked.request.actor,
        wanted.needs().and(Needs::DIRECTORY),
    );
    let facts = loader.facts(asked.target.clone()).await?;
    if !facts.privileges().has(Privilege::ReadAcl) {
        let missing = match &asked.target {
            Target::Stored(resource) => vec![(resource.path.clone(), Privilege::ReadAcl)],
            _ => Vec::new(),
        };
        return Err(Refusal::Forbidden { missing }.into());
    }
    let (mut named, mut targets) = (Vec::new(), Vec::new());
    for entry in facts.effective_aces() {
        let directory = &facts.directory;
        let target = match entry.ace.principal {
            AcePrincipal::Principal(id) => directory.get(id).cloned().map(Target::Principal),
            AcePrincipal::Delegates(id, delegation) => {
                let delegator = directory.get(id).cloned();
                delegator.map(|delegator| Target::Proxy(delegator, delegation))
            }
            AcePrincipal::Owner => facts.owner().cloned().map(Target::Principal),
            _ => None,
        };
        if !named.contains(&entry.ace.principal) {
            named.push(entry.ace.principal);
            targets.extend(target);
        }
    }
    respond_with(&asked, &mut loader, &wanted, targets).await
}
