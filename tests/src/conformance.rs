//! The README's conformance table, generated from the tables of the code.

use std::fmt::Write;

const BEGIN: &str = "<!-- conformance: begin -->";
const END: &str = "<!-- conformance: end -->";

/// The README with the table as the code has it now.
pub fn renewed(readme: &str) -> String {
    let begin = readme
        .find(BEGIN)
        .expect("the README marks where the table begins")
        + BEGIN.len();
    let end = readme
        .find(END)
        .expect("the README marks where the table ends");
    format!("{}\n{}{}", &readme[..begin], table(), &readme[end..])
}

/// One table for each table of the code, folded away by kind.
fn table() -> String {
    let mut text = String::new();
    let rows = dav::conformance();
    let mut rest = rows.as_slice();
    while let Some(first) = rest.first() {
        let kind = first.table;
        let count = rest.iter().take_while(|row| row.table == kind).count();
        let (rows, others) = rest.split_at(count);
        rest = others;
        let _ = write!(
            text,
            "\n<details><summary>{} ({count})</summary>\n\n| name | defined in | |\n|---|---|---|\n",
            title(kind)
        );
        for row in rows {
            let _ = writeln!(text, "| `{}` | {} | {} |", row.name, row.source, row.notes);
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn title(kind: &str) -> String {
    match kind {
        "compliance class" => "Compliance classes".to_owned(),
        "action of POST" => "Actions of POST".to_owned(),
        "property" => "Properties".to_owned(),
        _ => format!("{}{}s", kind[..1].to_uppercase(), &kind[1..]),
    }
}
