//! The stories in `tests/stories`.
#![allow(clippy::unwrap_used)]

use tests::story;

#[test]
fn every_story_ends_as_it_is_told() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/stories");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let mut stories = 0;
    let mut failures = Vec::new();
    for file in files
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "story"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        match runtime.block_on(story::play(&text)) {
            Ok(played) => stories += played,
            Err(what) => failures.push(format!("{}: {what}", file.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(stories >= 50, "only {stories} stories");
}
