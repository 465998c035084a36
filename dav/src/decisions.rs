//! What was decided about a meeting as XML, in Convoke's own namespace: the content of the property
//! `scheduling-log`, and of what a dry run answers.

use scheduling::log::{LogEntry, LogLine};
use storage::Timestamp;

use crate::xml::{
    Writer,
    name::{convoke, dav},
};

/// Writes entries of a log, the newest last.
pub(crate) fn write_entries(writer: &mut Writer, entries: &[LogEntry]) {
    for entry in entries {
        writer.element(convoke::ENTRY, |writer| {
            writer.leaf(convoke::TIME, &date_time(entry.time));
            if let Some(actor) = &entry.actor {
                writer.leaf(convoke::ACTOR, actor);
            }
            writer.leaf(convoke::OCCASION, entry.occasion.as_str());
            write_decisions(writer, &entry.lines);
        });
    }
}

/// Writes decisions, in their order.
pub(crate) fn write_decisions(writer: &mut Writer, lines: &[LogLine]) {
    for line in lines {
        writer.element(convoke::DECISION, |writer| write_decision(writer, line));
    }
}

fn write_decision(writer: &mut Writer, line: &LogLine) {
    let mut leaf = |name, text: Option<&str>| {
        if let Some(text) = text {
            writer.leaf(name, text);
        }
    };
    leaf(convoke::VERDICT, Some(line.verdict.as_str()));
    leaf(convoke::METHOD, line.method.as_deref());
    leaf(convoke::WAY, line.way.map(|way| way.as_str()));
    for party in &line.parties {
        leaf(dav::HREF, Some(party));
    }
    leaf(convoke::SENT_BY, line.sent_by.as_deref());
    let sequence = line.sequence.map(|it| it.to_string());
    leaf(convoke::SEQUENCE, sequence.as_deref());
    for instance in &line.instances {
        leaf(convoke::RECURRENCE_ID, Some(instance));
    }
    let more = (line.more_instances > 0).then(|| line.more_instances.to_string());
    leaf(convoke::MORE_INSTANCES, more.as_deref());
    leaf(convoke::PARTSTAT, line.participation.as_deref());
    leaf(convoke::REASON, Some(&line.reason));
    leaf(convoke::RULE, line.rule());
    leaf(convoke::SCHEDULE_STATUS, line.status.as_deref());
    leaf(convoke::DESCRIPTION, Some(&line.to_string()));
}

/// A moment as RFC 3339 writes it.
fn date_time(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_string()
}
