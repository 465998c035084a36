//! Collections that are made with their properties: what MKCALENDAR and extended MKCOL share
//! (RFC 4791 §5.3.1, RFC 5689 §3). All properties are set, or the collection is not made.

use http::{HeaderValue, StatusCode, header};
use scheduling::{Precondition, Refusal, desk::MakeCollection};
use storage::model::{CollectionKind, Properties};

use crate::{
    answer,
    error::DavError,
    header::{content_type, prefer},
    kind::ResourceKind,
    method::propfind::mark_applied,
    multistatus::write_propstat,
    precondition,
    property::update::{Instruction, PropertyFault, Verdict, judge_at_creation, superseded},
    service::{Dav, Request, Response},
    xml::{
        Element, Name, Writer,
        name::{caldav, dav},
    },
};

/// What the body of a request makes of a collection.
#[derive(Debug, Default)]
pub(super) struct Plan<'d> {
    /// RFC 4791 §5.2.3; empty takes all.
    pub components: Vec<String>,
    /// To be kept from the beginning.
    pub properties: Properties,
    /// Every property that was named, and why it cannot be had.
    pub outcomes: Vec<(Name<'d>, Option<PropertyFault>)>,
}

impl<'d> Plan<'d> {
    /// Judges the instructions of a body for a collection of this kind, in document order.
    pub fn read(root: Element<'d>, kind: CollectionKind) -> Result<Plan<'d>, DavError> {
        let mut plan = Plan::default();
        for instruction in Instruction::read_all(root)? {
            let fault = plan.take(&instruction, kind).err();
            plan.outcomes.push((instruction.name(), fault));
        }
        Ok(plan)
    }

    fn take(
        &mut self,
        instruction: &Instruction<'d>,
        kind: CollectionKind,
    ) -> Result<(), PropertyFault> {
        let name = instruction.name();
        if instruction.remove {
            return Err(PropertyFault::WRONG_VALUE);
        }
        if name == dav::RESOURCETYPE {
            return match resource_type(instruction.element) {
                Some(asked) if asked == kind => Ok(()),
                _ => Err(PropertyFault::precondition(Precondition::ValidResourcetype)),
            };
        }
        match judge_at_creation(ResourceKind::of_collection(kind), instruction)? {
            Verdict::Store(Some(octets)) => {
                if let Some(other) = superseded(ResourceKind::of_collection(kind), name) {
                    self.properties.remove(&other.clark());
                }
                self.properties.insert(name.clark(), octets);
            }
            Verdict::Store(None) | Verdict::OfPrincipal => return Err(PropertyFault::PROTECTED),
            Verdict::AtCreation if name == caldav::SUPPORTED_CALENDAR_COMPONENT_SET => {
                self.components = components(instruction.element)?;
            }
            Verdict::AtCreation => return Err(PropertyFault::PROTECTED),
        }
        Ok(())
    }

    /// Whether one of them cannot be had.
    pub fn fails(&self) -> bool {
        self.outcomes.iter().any(|(_, fault)| fault.is_some())
    }

    /// Says that the desk does not want this property.
    fn fail(&mut self, name: Name<'_>, fault: &PropertyFault) {
        let named = self.outcomes.iter_mut().filter(|(other, _)| *other == name);
        named.for_each(|(_, outcome)| *outcome = Some(fault.clone()));
    }

    /// A `DAV:propstat` for each kind of failure; what would have worked alone is 424 (RFC 4918 §11.4).
    pub fn write_propstats(&self, writer: &mut Writer) {
        let fine = PropertyFault {
            status: StatusCode::FAILED_DEPENDENCY,
            precondition: None,
        };
        let mut written: Vec<&PropertyFault> = Vec::new();
        let fault_of = |(_, fault): &'_ (Name<'d>, Option<PropertyFault>)| fault.clone();
        for fault in self
            .outcomes
            .iter()
            .map(|(_, fault)| fault.as_ref().unwrap_or(&fine))
        {
            if written.contains(&fault) {
                continue;
            }
            written.push(fault);
            let element = fault.precondition.map(|precondition| {
                let row = precondition::row(precondition);
                Name::new(row.namespace, row.element)
            });
            write_propstat(writer, fault.status, element, |writer| {
                let same = self
                    .outcomes
                    .iter()
                    .filter(|outcome| fault_of(outcome).as_ref().unwrap_or(&fine) == fault);
                same.for_each(|(name, _)| writer.empty(*name));
            });
        }
    }
}

/// The kind that a `DAV:resourcetype` asks for; `None` where it is none that can be made.
pub(super) fn resource_type(element: Element<'_>) -> Option<CollectionKind> {
    let mut kinds: Vec<Name<'_>> = element.children().map(Element::name).collect();
    kinds.sort();
    match kinds.as_slice() {
        [dav::COLLECTION] => Some(CollectionKind::Plain),
        [dav::COLLECTION, caldav::CALENDAR] => Some(CollectionKind::Calendar),
        _ => None,
    }
}

/// RFC 4791 §5.2.3. Which of them a calendar can take is the desk's decision.
fn components(element: Element<'_>) -> Result<Vec<String>, PropertyFault> {
    let names: Option<Vec<String>> = element
        .children_named(caldav::COMP)
        .map(|component| component.attribute("name").map(str::to_ascii_uppercase))
        .collect();
    names
        .filter(|names| !names.is_empty())
        .ok_or(PropertyFault::WRONG_VALUE)
}

/// Refuses a body that cannot be XML (RFC 4918 §9.3). `false` where there is no body.
pub(super) fn has_xml_body(request: &Request) -> Result<bool, DavError> {
    if request.body.is_empty() {
        return Ok(false);
    }
    match content_type::parse(&request.headers)? {
        Some(media) if !media.is_xml() => Err(DavError::UnsupportedMediaType(media.essence)),
        None if request.body.first() != Some(&b'<') => {
            Err(DavError::UnsupportedMediaType("unknown".into()))
        }
        _ => Ok(true),
    }
}

/// Makes the collection, or answers with what `failed` writes where a property cannot be had.
pub(super) async fn make(
    dav: &Dav,
    request: &Request,
    kind: CollectionKind,
    mut plan: Plan<'_>,
    failed: impl FnOnce(&Plan<'_>) -> Response,
) -> Result<Response, DavError> {
    let change = MakeCollection {
        path: request.stored_path()?.clone(),
        kind,
        components: plan.components.clone(),
        properties: plan.properties.clone(),
        conditions: request.conditions(dav)?,
    };
    if plan.fails() {
        return Ok(uncached(failed(&plan)));
    }
    match dav.desk().make_collection(&request.actor, change).await {
        Ok(()) => {
            let mut response = uncached(answer::empty(StatusCode::CREATED));
            // RFC 8144 §2.3: an empty body says that all properties were set, whether asked for or not.
            let returns = prefer::parse(&request.headers)?.returns;
            mark_applied(&mut response, returns == prefer::Return::Minimal, false);
            Ok(response)
        }
        Err(Refusal::Precondition {
            precondition: precondition @ Precondition::SupportedCalendarComponentSet,
            ..
        }) => {
            plan.fail(
                caldav::SUPPORTED_CALENDAR_COMPONENT_SET,
                &PropertyFault::precondition(precondition),
            );
            Ok(uncached(failed(&plan)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// RFC 4791 §5.3.1: the response MUST include it.
fn uncached(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::xml::Document;

    fn body(content: &str) -> Document {
        let text = format!(
            "<D:mkcol xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav' xmlns:A='http://apple.com/ns/ical/'>\
             <D:set><D:prop>{content}</D:prop></D:set></D:mkcol>"
        );
        Document::parse(text.as_bytes()).unwrap()
    }

    /// Property and status, in document order; 0 for what can be had.
    fn outcomes(content: &str, kind: CollectionKind) -> Vec<(String, u16)> {
        let document = body(content);
        let plan = Plan::read(document.root(), kind).unwrap();
        let status =
            |fault: &Option<PropertyFault>| fault.as_ref().map_or(0, |fault| fault.status.as_u16());
        plan.outcomes
            .iter()
            .map(|(name, fault)| (name.local.to_owned(), status(fault)))
            .collect()
    }

    /// RFC 5689 §3, RFC 4791 §5.3.1
    #[test]
    fn properties_are_judged_one_by_one() {
        let calendar = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>";
        for (content, kind, expected) in [
            (
                calendar,
                CollectionKind::Calendar,
                vec![("resourcetype", 0)],
            ),
            (calendar, CollectionKind::Plain, vec![("resourcetype", 403)]),
            (
                "<D:resourcetype><D:collection/></D:resourcetype>",
                CollectionKind::Plain,
                vec![("resourcetype", 0)],
            ),
            (
                "<D:resourcetype><D:collection/><D:principal/></D:resourcetype>",
                CollectionKind::Plain,
                vec![("resourcetype", 403)],
            ),
            (
                "<D:resourcetype/>",
                CollectionKind::Plain,
                vec![("resourcetype", 403)],
            ),
            (
                "<D:displayname>x</D:displayname><D:getetag>x</D:getetag>",
                CollectionKind::Calendar,
                vec![("displayname", 0), ("getetag", 403)],
            ),
            (
                "<C:supported-calendar-component-set/>",
                CollectionKind::Calendar,
                vec![("supported-calendar-component-set", 409)],
            ),
            (
                "<A:calendar-color>#FF0000FF</A:calendar-color><A:calendar-order>3</A:calendar-order>",
                CollectionKind::Calendar,
                vec![("calendar-color", 0), ("calendar-order", 0)],
            ),
            (
                "<x xmlns='urn:dead'/>",
                CollectionKind::Plain,
                vec![("x", 0)],
            ),
        ] {
            let expected: Vec<(String, u16)> = expected
                .into_iter()
                .map(|(name, status)| (name.into(), status))
                .collect();
            assert_eq!(outcomes(content, kind), expected, "{content}");
        }
    }

    #[test]
    fn what_is_asked_for_is_kept() {
        let document = body(
            "<D:displayname>Work</D:displayname><C:supported-calendar-component-set><C:comp name='vevent'/>\
             <C:comp name='VTODO'/></C:supported-calendar-component-set>",
        );
        let plan = Plan::read(document.root(), CollectionKind::Calendar).unwrap();
        assert_eq!(plan.components, ["VEVENT", "VTODO"]);
        assert_eq!(
            plan.properties.keys().collect::<Vec<_>>(),
            ["{DAV:}displayname"]
        );
        assert!(!plan.fails());
    }

    /// RFC 5689 §3.5
    #[test]
    fn failures_are_grouped_and_the_rest_depends_on_them() {
        let document = body(
            "<D:displayname>x</D:displayname><D:getetag/><D:resourcetype/><D:getcontentlength/>",
        );
        let plan = Plan::read(document.root(), CollectionKind::Plain).unwrap();
        let octets = Writer::document(dav::MKCOL_RESPONSE, |writer| plan.write_propstats(writer));
        let answer = Document::parse(&octets).unwrap();
        let propstats: Vec<(String, Vec<String>)> = answer
            .root()
            .children_named(dav::PROPSTAT)
            .map(|propstat| {
                let names = propstat.child(dav::PROP).unwrap().children();
                let status = propstat.child(dav::STATUS).unwrap().trimmed_text();
                (
                    status,
                    names.map(|name| name.name().local.to_owned()).collect(),
                )
            })
            .collect();
        let expected = [
            ("HTTP/1.1 424 Failed Dependency", vec!["displayname"]),
            (
                "HTTP/1.1 403 Forbidden",
                vec!["getetag", "getcontentlength"],
            ),
            ("HTTP/1.1 403 Forbidden", vec!["resourcetype"]),
        ];
        let expected: Vec<(String, Vec<String>)> = expected
            .into_iter()
            .map(|(status, names)| {
                (
                    status.to_owned(),
                    names.into_iter().map(str::to_owned).collect(),
                )
            })
            .collect();
        assert_eq!(propstats, expected);
    }
}
