//! PROPPATCH (RFC 4918 §9.2): all of it or nothing.

use http::StatusCode;
use scheduling::{Precondition, Refusal, desk::ChangeProperties};
use storage::access::Privilege;

use crate::{
    error::DavError,
    header::prefer,
    method::propfind::mark_applied,
    multistatus::{Multistatus, write_propstat},
    precondition,
    property::{
        facts::may_change,
        principal_change::{self, Failure, PrincipalChange},
        update::{self, Instruction, PropertyFault, Verdict},
    },
    service::{Dav, Request, Response},
    target::Target,
    xml::{Document, Name, name::dav},
};

/// Changes properties and answers with the status of each.
pub(crate) async fn proppatch(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let document = Document::parse(&request.body)?;
    if !document.root().is(dav::PROPERTYUPDATE) {
        return Err(DavError::BadRequest(
            "the body is not a propertyupdate element".into(),
        ));
    }
    let instructions = Instruction::read_all(document.root())?;
    let preferences = prefer::parse(&request.headers)?;
    // RFC 3744 appendix B: who may write properties need not be able to read them; the answer has none.
    let needed = [Privilege::WriteProperties];
    let target = Target::open_for(dav, &request.actor, &request.path, &needed).await?;
    let judged = judge_all(&target, &instructions);
    let mut outcome = Outcome::of(&instructions, &judged);
    if outcome.succeeds() {
        match change(dav, &request, &target, &instructions, judged).await {
            Ok(()) => {}
            Err(Failure::One(index, fault)) => outcome.fail(index, fault),
            Err(Failure::All(error)) => return Err(error),
        }
    }
    let minimal = preferences.returns == prefer::Return::Minimal;
    let mut response = outcome.answer(&target.href(), minimal);
    mark_applied(&mut response, minimal && outcome.succeeds(), false);
    Ok(response)
}

type Judged = Vec<Result<Verdict, PropertyFault>>;

fn judge_all(target: &Target, instructions: &[Instruction<'_>]) -> Judged {
    // Nothing is kept for what nobody made.
    let fixed = matches!(target, Target::Fixed(_));
    let judge = |instruction| match fixed {
        true => Err(PropertyFault::PROTECTED),
        false => update::judge(target.kind(), instruction),
    };
    instructions.iter().map(judge).collect()
}

async fn change(
    dav: &Dav,
    request: &Request,
    target: &Target,
    instructions: &[Instruction<'_>],
    judged: Judged,
) -> Result<(), Failure> {
    let mut changes = Vec::new();
    let mut of_principal = Vec::new();
    for (index, (instruction, verdict)) in instructions.iter().zip(judged).enumerate() {
        match verdict {
            Ok(Verdict::Store(value)) => {
                let other = update::superseded(target.kind(), instruction.name());
                changes.extend(other.map(|other| (other.clark(), None)));
                changes.push((instruction.name().clark(), value));
            }
            Ok(Verdict::OfPrincipal) => of_principal.push((index, *instruction)),
            Ok(Verdict::AtCreation) | Err(_) => {}
        }
    }
    match target {
        Target::Fixed(_) => Ok(()),
        Target::Principal(principal) | Target::Proxy(principal, _) => {
            if !may_change(&request.actor.principal, principal) {
                return Err(Failure::All(
                    Refusal::Forbidden {
                        missing: Vec::new(),
                    }
                    .into(),
                ));
            }
            let change = PrincipalChange {
                properties: changes,
                instructions: of_principal,
            };
            principal_change::apply(dav, request, target, change).await
        }
        Target::Stored(resource) if of_principal.is_empty() => {
            let path = resource.path.clone();
            let conditions = request.conditions(dav)?;
            Ok(dav
                .desk()
                .change_properties(
                    &request.actor,
                    ChangeProperties {
                        path,
                        changes,
                        conditions,
                    },
                )
                .await?)
        }
        Target::Stored(_) => {
            // The principal and the collection are two rows: both at once would not be atomic.
            if let (Some(_), Some((index, _))) = (changes.first(), of_principal.first()) {
                return Err(Failure::One(*index, PropertyFault::WRONG_VALUE));
            }
            let change = PrincipalChange {
                properties: Vec::new(),
                instructions: of_principal,
            };
            principal_change::apply(dav, request, target, change).await
        }
    }
}

/// The status of each property.
struct Outcome<'d> {
    names: Vec<Name<'d>>,
    faults: Vec<Option<PropertyFault>>,
}

impl<'d> Outcome<'d> {
    fn of(instructions: &[Instruction<'d>], judged: &Judged) -> Outcome<'d> {
        Outcome {
            names: instructions.iter().map(Instruction::name).collect(),
            faults: judged
                .iter()
                .map(|verdict| verdict.as_ref().err().cloned())
                .collect(),
        }
    }

    fn succeeds(&self) -> bool {
        self.faults.iter().all(Option::is_none)
    }

    fn fail(&mut self, index: usize, fault: PropertyFault) {
        if let Some(slot) = self.faults.get_mut(index) {
            *slot = Some(fault);
        }
    }

    /// RFC 4918 §9.2.1, and RFC 8144 §2.2 for the minimal form.
    fn answer(&self, href: &str, minimal: bool) -> Response {
        if minimal && self.succeeds() {
            return Response::new(crate::body::Body::empty());
        }
        let mut answer = Multistatus::new();
        answer.response(href, |writer| {
            let mut written: Vec<(StatusCode, Option<Precondition>)> = Vec::new();
            let mut empty = true;
            for (status, precondition) in (0..self.names.len()).map(|index| self.status(index)) {
                if written.contains(&(status, precondition)) {
                    continue;
                }
                written.push((status, precondition));
                let element =
                    precondition.map(|precondition| precondition::row(precondition).name());
                empty &= !write_propstat(writer, status, element, |writer| {
                    for (index, name) in self.names.iter().enumerate() {
                        if self.status(index) == (status, precondition) {
                            writer.empty(*name);
                        }
                    }
                });
            }
            if empty {
                crate::multistatus::write_status(writer, StatusCode::OK);
            }
        });
        answer.finish()
    }

    fn status(&self, index: usize) -> (StatusCode, Option<Precondition>) {
        match &self.faults[index] {
            Some(fault) => (fault.status, fault.precondition),
            None if self.succeeds() => (StatusCode::OK, None),
            None => (StatusCode::FAILED_DEPENDENCY, None),
        }
    }
}
