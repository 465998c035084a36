//! Writes the conformance table into the README.

fn main() -> std::io::Result<()> {
    let path = tests::house::root().join("README.md");
    let readme = std::fs::read_to_string(&path)?;
    std::fs::write(&path, tests::conformance::renewed(&readme))
}
