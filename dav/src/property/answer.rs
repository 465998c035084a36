//! Writes the propstats of a resource (RFC 4918 §14.22). Pure.

use http::StatusCode;
use scheduling::calendar_view::Row;

use crate::{
    multistatus::{write_propstat, write_status},
    property::{
        facts::Facts,
        table::{self, Origin, Presence, Property, WriteListed},
        wanted::{Wanted, WantedProperty},
    },
    xml::{Name, Writer, name::dav},
};

/// Writes what is asked for, grouped by status. With `brief`, what is not there is left out
/// (RFC 8144 §2.1).
pub(crate) fn write_propstats(writer: &mut Writer, facts: &Facts, wanted: &Wanted, brief: bool) {
    let start = writer.position();
    match wanted {
        Wanted::These(wanted) => write_these(writer, facts, wanted, brief),
        Wanted::All(include) => write_all(writer, facts, include, brief),
        Wanted::Names => write_names(writer, facts),
    }
    if writer.position() == start {
        write_nothing(writer);
    }
}

/// A response needs a propstat or a status (RFC 4918 §14.24).
fn write_nothing(writer: &mut Writer) {
    writer.element(dav::PROPSTAT, |writer| {
        writer.empty(dav::PROP);
        write_status(writer, StatusCode::OK);
    });
}

fn write_these(writer: &mut Writer, facts: &Facts, wanted: &[WantedProperty], brief: bool) {
    let mut missing: Vec<Name<'_>> = Vec::new();
    let mut denied: Vec<Name<'_>> = Vec::new();
    write_propstat(writer, StatusCode::OK, None, |writer| {
        for property in wanted {
            match write_wanted(writer, facts, property) {
                Presence::Present => {}
                Presence::Absent => missing.push(property.name()),
                Presence::Denied => denied.push(property.name()),
            }
        }
    });
    if brief {
        missing.clear();
    }
    for (status, names) in [
        (StatusCode::NOT_FOUND, missing),
        (StatusCode::FORBIDDEN, denied),
    ] {
        write_propstat(writer, status, None, |writer| {
            names.into_iter().for_each(|name| writer.empty(name))
        });
    }
}

/// Writes what is asked for of an object that is only listed, as [`write_propstats`] would; `wanted` is what
/// [`Wanted::listed`] gave.
pub(crate) fn write_listed(
    writer: &mut Writer,
    row: &Row,
    wanted: &[(Name<'_>, Option<WriteListed>)],
    brief: bool,
) {
    let start = writer.position();
    let mut missing: Vec<Name<'_>> = Vec::new();
    write_propstat(writer, StatusCode::OK, None, |writer| {
        for (name, write) in wanted {
            let before = writer.position();
            let mut presence = Presence::Absent;
            if let Some(write) = write {
                writer.element(*name, |writer| presence = write(row, writer));
            }
            if presence != Presence::Present {
                writer.rewind(before);
                missing.push(*name);
            }
        }
    });
    if !brief {
        write_propstat(writer, StatusCode::NOT_FOUND, None, |writer| {
            missing.into_iter().for_each(|name| writer.empty(name))
        });
    }
    if writer.position() == start {
        write_nothing(writer);
    }
}

fn write_all(writer: &mut Writer, facts: &Facts, include: &[WantedProperty], brief: bool) {
    let named = |name: Name<'_>| include.iter().any(|property| property.name() == name);
    write_propstat(writer, StatusCode::OK, None, |writer| {
        let rows = table::properties_of(facts.kind()).filter(|row| row.allprop && !named(row.name));
        for row in rows {
            write_known(writer, facts, row);
        }
        for (name, octets) in dead_properties(facts) {
            if !named(name) {
                writer.fragment(octets);
            }
        }
    });
    write_these(writer, facts, include, brief);
}

fn write_names(writer: &mut Writer, facts: &Facts) {
    write_propstat(writer, StatusCode::OK, None, |writer| {
        for row in table::properties_of(facts.kind()) {
            let before = writer.position();
            let presence = write_known(writer, facts, row);
            writer.rewind(before);
            if presence != Presence::Absent {
                writer.empty(row.name);
            }
        }
        dead_properties(facts).for_each(|(name, _)| writer.empty(name));
    });
}

/// Writes one property, or nothing.
pub(crate) fn write_wanted(
    writer: &mut Writer,
    facts: &Facts,
    wanted: &WantedProperty,
) -> Presence {
    match wanted {
        WantedProperty::Known(row) if row.kinds.contains(facts.kind()) => {
            write_known(writer, facts, row)
        }
        _ => write_kept(writer, facts, wanted.name()),
    }
}

fn write_known(writer: &mut Writer, facts: &Facts, row: &Property) -> Presence {
    if matches!(row.origin, Origin::Kept(_))
        && write_kept(writer, facts, row.name) == Presence::Present
    {
        return Presence::Present;
    }
    let before = writer.position();
    let mut presence = Presence::Absent;
    writer.element(row.name, |writer| presence = (row.write)(facts, writer));
    if presence != Presence::Present {
        writer.rewind(before);
    }
    presence
}

/// A property as a client wrote it.
fn write_kept(writer: &mut Writer, facts: &Facts, name: Name<'_>) -> Presence {
    match facts
        .properties()
        .and_then(|properties| properties.get(&name.clark()))
    {
        Some(octets) => {
            writer.fragment(octets);
            Presence::Present
        }
        None => Presence::Absent,
    }
}

/// What clients stored beside the properties that the table has for this kind.
fn dead_properties(facts: &Facts) -> impl Iterator<Item = (Name<'_>, &[u8])> {
    let kind = facts.kind();
    facts
        .properties()
        .into_iter()
        .flatten()
        .filter_map(move |(clark, octets)| {
            let name = Name::from_clark(clark)?;
            let live = table::find(name).is_some_and(|row| row.kinds.contains(kind));
            (!live).then_some((name, &octets[..]))
        })
}
