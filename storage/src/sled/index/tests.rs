//! The index by itself, against an ordered map.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::sled::{overlay::Version, read::View};

/// A row's revision and value.
type Model = BTreeMap<Key, Entry>;
/// Rows that come together, in the order of keys; no value where one is removed.
type Layer = BTreeMap<Key, Option<Bytes>>;

fn open(path: &Path) -> Index {
    Index::open(path, 1 << 20).unwrap()
}

fn at(revision: u64) -> Committed {
    Committed {
        revision: Revision(revision),
        time: Timestamp(7),
    }
}

fn apply(index: &Index, layer: &Layer, revision: u64) {
    let rows = layer
        .iter()
        .map(|(key, value)| (&key[..], Revision(revision), value.as_deref()));
    index.apply(rows, at(revision)).unwrap();
}

fn apply_to_model(model: &mut Model, layer: &Layer, revision: u64) {
    for (key, value) in layer {
        let revision = Revision(revision);
        match value.clone() {
            Some(value) => model.insert(key.clone(), Entry { value, revision }),
            None => model.remove(key),
        };
    }
}

fn key(text: &str) -> Key {
    Bytes::copy_from_slice(text.as_bytes())
}

/// So many rows of the gathered keyspace.
fn gathered(count: usize, value: &'static str) -> Layer {
    (0..count)
        .map(|number| (key(&format!("a{number:04}")), Some(Bytes::from(value))))
        .collect()
}

/// Everything in an index, as readers find it.
fn rows(index: &Arc<Index>, range: &KeyRange, reverse: bool) -> Vec<(Key, Entry)> {
    let version = Version {
        last: at(u64::MAX),
        active: Arc::default(),
        frozen: Vec::new(),
        moved: Revision(0),
        index: Some(Arc::clone(index)),
    };
    let page = crate::backend::Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse,
    };
    View::of(&version).page(range, page).unwrap().rows
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Layer),
    Flush,
    Reopen,
    /// A filter is filled, as far as it goes.
    Fill,
}

fn a_key() -> impl Strategy<Value = Key> {
    // All three placements, neighbours and prefixes among them.
    let space = prop_oneof![4 => Just(b'a'), 2 => Just(b'b'), 1 => Just(b'c')];
    (
        space,
        vec(prop_oneof![Just(0u8), 1..20u8, Just(u8::MAX)], 0..3),
    )
        .prop_map(|(space, rest)| {
            let mut key = vec![space];
            key.extend(rest);
            Bytes::from(key)
        })
}

fn a_step() -> impl Strategy<Value = Step> {
    let value = proptest::option::weighted(0.8, vec(any::<u8>(), 0..30).prop_map(Bytes::from));
    prop_oneof![
        8 => proptest::collection::btree_map(a_key(), value, 0..30).prop_map(Step::Apply),
        2 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Fill),
    ]
}

fn fill(index: &Arc<Index>, model: &Model) {
    if let Some((filter, spaces)) = index.unfilled_filter() {
        let spaces: Vec<_> = spaces.collect();
        let keys = model.keys().filter(|key| spaces.contains(&key[0]));
        keys.for_each(|key| filter.add(key));
        index.filter_ended(&filter, true);
    }
}

fn compare(index: &Arc<Index>, model: &Model, asked: &[Key]) {
    for key in asked {
        assert_eq!(index.get(key).unwrap(), model.get(key).cloned(), "{key:?}");
    }
    let all: Vec<_> = model
        .iter()
        .map(|(key, entry)| (key.clone(), entry.clone()))
        .collect();
    assert_eq!(rows(index, &KeyRange::all(), false), all);
    for pair in asked.chunks_exact(2) {
        let range = KeyRange {
            start: Bound::Included(pair[0].clone()),
            end: Bound::Excluded(pair[1].clone()),
        };
        let mut expected = all.clone();
        expected.retain(|(key, _)| range.contains(key));
        assert_eq!(rows(index, &range, false), expected);
        expected.reverse();
        assert_eq!(rows(index, &range, true), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn it_is_an_ordered_map(steps in vec(a_step(), 1..25), asked in vec(a_key(), 8)) {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Arc::new(open(folder.path()));
        let (mut model, mut revision) = (Model::new(), 0);
        for step in &steps {
            match step {
                Step::Apply(layer) => {
                    revision += 1;
                    apply(&index, layer, revision);
                    apply_to_model(&mut model, layer, revision);
                    prop_assert_eq!(index.contains().unwrap(), Some(at(revision)));
                }
                Step::Flush => index.flush().unwrap(),
                Step::Reopen => {
                    drop(index);
                    index = Arc::new(open(folder.path()));
                }
                Step::Fill => fill(&index, &model),
            }
            compare(&index, &model, &asked);
        }
    }
}

fn chunks(index: &Index) -> Vec<(IVec, IVec)> {
    let chunks = index.database.scan_prefix([Tag::Own as u8, b'g']);
    chunks.map(Result::unwrap).collect()
}

/// Rows that wait are there after a start, and they do not pile up.
#[test]
fn chunks_are_removed_when_nobody_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    apply(&index, &gathered(60, "old"), 1);
    let old = chunks(&index);
    assert!(!old.is_empty());
    let mut most = 0;
    for revision in 2..60 {
        apply(&index, &gathered(60, "new"), revision);
        index.flush().unwrap();
        most = most.max(chunks(&index).len());
    }
    assert!(
        most < 12 * old.len(),
        "{most} chunks of {} each time",
        old.len()
    );
    let left = chunks(&index);
    assert!(old.iter().all(|chunk| !left.contains(chunk)));
    // Had their removal been lost, they would not be believed all the same.
    for (key, octets) in &old {
        index.database.insert(key, octets).unwrap();
    }
    drop(index);
    let index = Arc::new(open(folder.path()));
    let found = rows(&index, &KeyRange::all(), false);
    assert_eq!(found.len(), 60);
    assert!(found.iter().all(|(_, entry)| entry.value == "new"));
    apply(&index, &gathered(1, "newest"), 60);
    index.flush().unwrap();
    assert!(old.iter().all(|chunk| !chunks(&index).contains(chunk)));
}

/// Small rows are not rows of sled's.
#[test]
fn small_rows_are_packed() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let layer: Layer = (0..1000)
        .map(|number| {
            (
                key(&format!("b{number:04}")),
                Some(Bytes::from_static(b"1")),
            )
        })
        .collect();
    apply(&index, &layer, 1);
    assert!(index.database.len() < 200, "{}", index.database.len());
    let removed: Layer = layer.keys().map(|key| (key.clone(), None)).collect();
    apply(&index, &removed, 2);
    assert_eq!(index.database.len(), 1, "only the note is left");
}
