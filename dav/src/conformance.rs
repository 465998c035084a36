//! What this crate implements, listed from its own tables: the source of the conformance table in the
//! project's documentation.

use crate::{
    kind::Kinds,
    method::{METHODS, options::COMPLIANCE_CLASSES, post::ACTIONS},
    precondition,
    property::table,
    report::{REPORTS, collation::COLLATIONS},
    time_zone_service,
};

/// A row of the conformance table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConformanceRow {
    /// What it is: `method`, `action of POST`, `property`, `report`, `time-zone action`, `precondition`,
    /// `collation` or `compliance class`.
    pub table: &'static str,
    /// Its name, with the namespace where it has one.
    pub name: String,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it applies and how, in words; empty where there is nothing to say.
    pub notes: String,
}

/// The rows of all tables, table by table in the order of the code.
pub fn conformance() -> Vec<ConformanceRow> {
    let row = |table, name: String, source, notes: String| ConformanceRow {
        table,
        name,
        source,
        notes,
    };
    let mut rows = Vec::new();
    rows.extend(COMPLIANCE_CLASSES.iter().map(|class| {
        row(
            "compliance class",
            class.token.to_owned(),
            class.source,
            String::new(),
        )
    }));
    rows.extend(METHODS.iter().map(|method| {
        row(
            "method",
            method.name.to_owned(),
            method.source,
            places(method.kinds),
        )
    }));
    rows.extend(ACTIONS.iter().map(|action| {
        row(
            "action of POST",
            action.name.to_owned(),
            action.source,
            places(action.kinds),
        )
    }));
    rows.extend(table::properties().map(|property| {
        let allprop = if property.allprop { ", in allprop" } else { "" };
        let notes = format!(
            "{}{allprop}; {}",
            property.origin_word(),
            places(property.kinds)
        );
        row(
            "property",
            property.name.to_string(),
            property.source,
            notes,
        )
    }));
    rows.extend(REPORTS.iter().map(|report| {
        row(
            "report",
            report.name.to_string(),
            report.source,
            places(report.kinds),
        )
    }));
    rows.extend(time_zone_service::actions().map(|(name, place, source)| {
        row(
            "time-zone action",
            name.to_owned(),
            source,
            format!("`{place}`"),
        )
    }));
    rows.extend(precondition::TABLE.iter().map(|precondition| {
        let notes = precondition.status.as_u16().to_string();
        row(
            "precondition",
            precondition.name().to_string(),
            precondition.source,
            notes,
        )
    }));
    rows.extend(COLLATIONS.iter().map(|collation| {
        row(
            "collation",
            collation.identifier.to_owned(),
            collation.source,
            String::new(),
        )
    }));
    rows
}

fn places(kinds: Kinds) -> String {
    if kinds == Kinds::EXISTING {
        return "everywhere".to_owned();
    }
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_what_and_where_from() {
        let rows = conformance();
        for table in [
            "compliance class",
            "method",
            "action of POST",
            "property",
            "report",
            "time-zone action",
            "precondition",
            "collation",
        ] {
            assert!(rows.iter().any(|row| row.table == table), "{table}");
        }
        for row in &rows {
            assert!(!row.name.is_empty() && !row.source.is_empty(), "{row:?}");
            let same = rows
                .iter()
                .filter(|other| (other.table, &other.name) == (row.table, &row.name));
            assert_eq!(same.count(), 1, "{row:?}");
        }
    }
}
