//! The licences of the dependencies, held against those that a program under MIT OR Apache-2.0 can be
//! shipped with.

use std::collections::BTreeMap;

/// Permissive licences that ask for no more than notices.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0", // root certificates: data, not code
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// What the dependencies' manifests say.
pub struct Licences {
    /// How many packages stand under each expression.
    pub counts: BTreeMap<String, usize>,
    /// Packages whose expression cannot be met with the allowed ones, as `name version: expression`.
    pub refused: Vec<String>,
}

/// Reads the licence of every package that the lock file names for this workspace.
pub fn check(metadata: &serde_json::Value) -> Licences {
    let mut licences = Licences {
        counts: BTreeMap::new(),
        refused: Vec::new(),
    };
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let expression = package["license"]
            .as_str()
            .unwrap_or("none given")
            .replace('/', " OR ");
        if !meets(&expression) {
            licences.refused.push(format!(
                "{} {}: {expression}",
                package["name"].as_str().unwrap_or_default(),
                package["version"].as_str().unwrap_or_default()
            ));
        }
        *licences.counts.entry(expression).or_default() += 1;
    }
    licences
}

/// Whether an SPDX expression can be met: in a conjunction every part, in a disjunction one.
fn meets(expression: &str) -> bool {
    let expression = expression.trim();
    if let Some(inner) = whole_parenthesis(expression) {
        return meets(inner);
    }
    if let Some((left, right)) = split(expression, " AND ") {
        return meets(left) && meets(right);
    }
    if let Some((left, right)) = split(expression, " OR ") {
        return meets(left) || meets(right);
    }
    ALLOWED.contains(&expression)
}

/// The inside of an expression that is one parenthesis from end to end.
fn whole_parenthesis(expression: &str) -> Option<&str> {
    let inner = expression.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0i32;
    for character in inner.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
}

/// Splits at the first `operator` outside parentheses. (SPDX: AND binds tighter than OR, and is
/// written with parentheses where it matters; `A OR B AND C` does not occur without them.)
fn split<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0i32;
    for (position, character) in expression.char_indices() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth == 0 && expression[position..].starts_with(operator) {
            return Some((
                &expression[..position],
                &expression[position + operator.len()..],
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::meets;

    #[test]
    fn expressions() {
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND MPL-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("none given", false),
            ("(MIT) OR (GPL-2.0-only)", true),
        ] {
            assert_eq!(meets(expression), expected, "{expression}");
        }
    }
}
