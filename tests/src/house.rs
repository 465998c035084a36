//! The checkout as data, for the house rules: which files there are, what they say, what depends on what.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate stands in the workspace")
        .to_path_buf()
}

/// A source file: its path from the root, and its text.
pub struct Source {
    /// From the root, with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Every text file of the checkout that git would keep, below `folder`, whose name ends in one of `endings`.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(folder), endings, &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn walk(folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    const LEFT_OUT: [&str; 3] = ["target", ".git", "corpus"];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                walk(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let relative = path.strip_prefix(root()).expect("walked from the root");
            if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source {
                    path: relative.to_string_lossy().replace('\\', "/"),
                    text,
                });
            }
        }
    }
}

impl Source {
    /// The lines of code, with their numbers: no comments, and no test modules that stand in the file.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut lines = self.text.lines().enumerate();
        std::iter::from_fn(move || {
            loop {
                let (index, line) = lines.next()?;
                if line.trim() == TEST_ONLY
                    && let Some((_, declaration)) = lines
                        .by_ref()
                        .find(|(_, line)| !line.trim_start().starts_with("#["))
                {
                    skip_module(declaration, &mut lines);
                } else if !line.trim_start().starts_with("//") {
                    return Some((index + 1, line));
                }
            }
        })
    }

    /// The modules that this file declares for tests only, as the paths of their files without `.rs`.
    fn test_modules(&self) -> impl Iterator<Item = String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => self.path.trim_end_matches(".rs").to_owned(),
        };
        let mut lines = self.text.lines().map(str::trim);
        std::iter::from_fn(move || {
            loop {
                lines.find(|line| [TEST_ONLY, TESTING_ONLY].contains(line))?;
                let declaration = lines.find(|line| !line.starts_with("#["))?;
                let module = declaration.split_once("mod ").map(|(_, name)| name);
                if let Some(module) = module.and_then(|name| name.strip_suffix(';')) {
                    return Some(format!("{folder}/{module}"));
                }
            }
        })
    }
}

const TEST_ONLY: &str = "#[cfg(test)]";
const TESTING_ONLY: &str = "#[cfg(feature = \"testing\")]";

/// Passes over the body of a module that begins with this line, up to the brace that stands below it.
fn skip_module<'a>(declaration: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) {
    if declaration.contains("mod ") && declaration.ends_with('{') {
        let indent = declaration.len() - declaration.trim_start().len();
        let _end = lines.find(|(_, line)| line.trim_end() == format!("{:indent$}}}", ""));
    }
}

/// The sources without those that are compiled for tests only.
pub fn without_tests(sources: Vec<Source>) -> Vec<Source> {
    let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    let is_test = |path: &str| {
        modules.iter().any(|module| {
            path.strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    };
    sources
        .into_iter()
        .filter(|source| !is_test(&source.path))
        .collect()
}

/// `cargo metadata` of the workspace, from the lock file and without network.
pub fn metadata() -> serde_json::Value {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn code_is_what_is_neither_comment_nor_test() {
        let text = "//! Docs.\nfn a() {}\n    // why\n#[cfg(test)]\nfn b() {}\n#[cfg(test)]\nmod outside;\n\
            mod inner {\n    #[cfg(test)]\n    #[allow(x)]\n    mod tests {\n        fn c() {\n        }\n    }\n    fn d() {}\n}\n";
        let file = source("a/src/b.rs", text);
        let code: Vec<_> = file.code().collect();
        assert_eq!(
            code,
            [
                (2, "fn a() {}"),
                (8, "mod inner {"),
                (15, "    fn d() {}"),
                (16, "}")
            ]
        );
    }

    #[test]
    fn test_modules_are_found_where_they_are_declared() {
        let declared = "#[cfg(test)]\n#[allow(x)]\nmod tests;\nmod code;\n";
        let sources = [
            (
                "a/src/lib.rs",
                "#[cfg(feature = \"testing\")]\npub mod testing;\n#[cfg(test)]\nfn x() {}\nmod code;",
            ),
            ("a/src/testing/mod.rs", ""),
            ("a/src/testing.rs", ""),
            ("a/src/testing_ground.rs", ""),
            ("a/src/code.rs", declared),
            ("a/src/code/tests.rs", ""),
            ("a/src/code/tests/more.rs", ""),
            ("a/src/code/code.rs", ""),
            ("a/src/tests.rs", ""),
        ];
        let sources = sources.map(|(path, text)| source(path, text));
        let left: Vec<String> = without_tests(sources.into())
            .into_iter()
            .map(|source| source.path)
            .collect();
        assert_eq!(
            left,
            [
                "a/src/lib.rs",
                "a/src/testing_ground.rs",
                "a/src/code.rs",
                "a/src/code/code.rs",
                "a/src/tests.rs",
            ]
        );
    }
}
