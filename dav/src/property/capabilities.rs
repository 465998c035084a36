//! What can be done with a resource: RFC 3253 §3.1 and RFC 5995.

use crate::{
    kind::Kinds,
    method::post::{ADD_MEMBER, TAKES_MEMBERS},
    property::{
        facts::Facts,
        table::{self, Presence, Property},
    },
    report,
    xml::{Writer, name::dav},
};

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        dav::SUPPORTED_LIVE_PROPERTY_SET,
        "RFC 3253 §3.1.4",
        Kinds::EXISTING,
        supported_live_property_set,
    ),
    Property::computed(
        dav::SUPPORTED_REPORT_SET,
        "RFC 3253 §3.1.5",
        Kinds::EXISTING,
        supported_report_set,
    ),
    Property::computed(
        dav::ADD_MEMBER,
        "RFC 5995 §3.2.1",
        TAKES_MEMBERS,
        add_member,
    ),
];

fn supported_live_property_set(facts: &Facts, writer: &mut Writer) -> Presence {
    for row in table::properties_of(facts.kind()) {
        writer.element(dav::SUPPORTED_LIVE_PROPERTY, |writer| {
            writer.element(dav::PROP, |writer| writer.empty(row.name));
        });
    }
    Presence::Present
}

fn supported_report_set(facts: &Facts, writer: &mut Writer) -> Presence {
    for row in report::reports_of(facts.kind()) {
        writer.element(dav::SUPPORTED_REPORT, |writer| {
            writer.element(dav::REPORT, |writer| writer.empty(row.name));
        });
    }
    Presence::Present
}

fn add_member(facts: &Facts, writer: &mut Writer) -> Presence {
    let href = facts.target.href();
    writer.leaf(dav::HREF, &format!("{href}?{ADD_MEMBER}"));
    Presence::Present
}
