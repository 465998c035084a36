//! The fuzz targets as one table, and inputs for them without a fuzzer: what is sound, changed at
//! random. The folder `fuzz` has the same targets for cargo-fuzz.

use calendar::{CalendarObject, Limits, jcal, xcal};
use storage::testing::SeededEntropy;

use crate::house;

/// Something that takes any octets, and panics where it finds something wrong.
pub struct Target {
    /// Its name, here and in the folder `fuzz`.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 14] = [
    target("frames", storage::fuzzing::frames),
    target("group", storage::fuzzing::group),
    target("snapshot", storage::fuzzing::snapshot),
    target("index_row", storage::fuzzing::index_row),
    target("small_files", storage::fuzzing::small_files),
    target("records", storage::fuzzing::records),
    target("icalendar", icalendar),
    target("jcal", jcal),
    target("xcal", xcal),
    target("xml", dav::fuzzing::xml),
    target("if_header", dav::fuzzing::if_header),
    target("path", dav::fuzzing::path),
    target("headers", dav::fuzzing::headers),
    target("query", dav::fuzzing::query),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// An iCalendar object: what is taken is written as it came.
pub fn icalendar(octets: &[u8]) {
    if let Ok(object) = CalendarObject::parse(octets, &Limits::default()) {
        assert_eq!(&object.to_octets()[..], octets);
    }
}

/// iCalendar in JSON: what is taken is printed so that it is taken as the same.
pub fn jcal(octets: &[u8]) {
    for object in jcal::parse_stream(octets, &Limits::default()).unwrap_or_default() {
        let printed = jcal::print(&object);
        let again = jcal::parse(&printed, &Limits::default());
        assert_eq!(again.map(|again| jcal::print(&again)), Ok(printed));
    }
}

/// iCalendar in XML: likewise.
pub fn xcal(octets: &[u8]) {
    for object in xcal::parse_stream(octets, &Limits::default()).unwrap_or_default() {
        let printed = xcal::print(&object);
        let again = xcal::parse(&printed, &Limits::default());
        assert_eq!(again.map(|again| xcal::print(&again)), Ok(printed));
    }
}

/// Sound inputs of a target, and those in its folder of the kept corpus.
///
/// # Errors
/// When the folder cannot be read.
pub fn corpus(target: &Target) -> std::io::Result<Vec<Vec<u8>>> {
    let mut inputs = storage::fuzzing::examples_of_files(target.name);
    if target.name == "records" {
        inputs.extend(storage::fuzzing::examples_of_records());
    }
    let folder = house::root().join("fuzz/corpus").join(target.name);
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder)? {
            inputs.push(std::fs::read(entry?.path())?);
        }
    }
    inputs.sort();
    Ok(inputs)
}

/// One of the inputs with a few octets changed, removed, doubled, or taken from another.
pub fn mutated(corpus: &[Vec<u8>], random: &SeededEntropy) -> Vec<u8> {
    /// Numbers at the ends of their types, where lengths go wrong.
    const EDGES: [u8; 6] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];
    let below = |bound: usize| (random.next() % bound.max(1) as u64) as usize;
    let mut octets = corpus[below(corpus.len())].clone();
    for _ in 0..=below(4) {
        let from = below(octets.len() + 1);
        let to = (from + below(16)).min(octets.len());
        match below(6) {
            0 if from < octets.len() => octets[from] ^= 1 << below(8),
            1 if from < octets.len() => octets[from] = EDGES[below(EDGES.len())],
            2 => drop(octets.drain(from..to)),
            3 => {
                let doubled = octets[from..to].to_vec();
                octets.splice(from..from, doubled);
            }
            4 => {
                let other = &corpus[below(corpus.len())];
                let start = below(other.len() + 1);
                let end = (start + below(32)).min(other.len());
                octets.splice(from..to, other[start..end].iter().copied());
            }
            _ => octets.insert(from, random.next() as u8),
        }
    }
    octets
}
