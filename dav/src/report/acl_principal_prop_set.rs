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
    let mut named = Vec::new();
    for entry in facts.effective_aces() {
        if let AcePrincipal::Principal(id) = entry.ace.principal
            && !named.contains(&id)
        {
            named.push(id);
        }
    }
    let targets = facts
        .directory
        .of(&named)
        .cloned()
        .map(Target::Principal)
        .collect();
    respond_with(&asked, &mut loader, &wanted, targets).await
}
