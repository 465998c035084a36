//! A folder as one small file: path and octets of every file, runs of one octet only counted.

use std::{fs, path::Path};

/// Shorter runs stand as they are.
const SHORTEST_RUN: usize = 16;

/// Packs all files below a folder.
pub fn pack(folder: &Path) -> Vec<u8> {
    let mut parcel = Vec::new();
    pack_folder(folder, "", &mut parcel);
    parcel
}

fn pack_folder(folder: &Path, name: &str, parcel: &mut Vec<u8>) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            pack_folder(&path, &name, parcel);
            continue;
        }
        let octets = fs::read(&path).unwrap();
        push(parcel, &name.as_bytes()[1..]);
        parcel.extend((octets.len() as u32).to_be_bytes());
        let mut rest = &octets[..];
        while !rest.is_empty() {
            let literal = literal_octets(rest);
            push(parcel, &rest[..literal]);
            rest = &rest[literal..];
            let repeated = rest.first().copied().unwrap_or_default();
            let run = rest.iter().take_while(|octet| **octet == repeated).count();
            parcel.extend((run as u32).to_be_bytes());
            parcel.push(repeated);
            rest = &rest[run..];
        }
    }
}

/// How far the next long run is.
fn literal_octets(octets: &[u8]) -> usize {
    let is_run = |run: &[u8]| run.iter().all(|octet| *octet == run[0]);
    octets
        .windows(SHORTEST_RUN)
        .position(is_run)
        .unwrap_or(octets.len())
}

fn push(parcel: &mut Vec<u8>, octets: &[u8]) {
    parcel.extend((octets.len() as u32).to_be_bytes());
    parcel.extend(octets);
}

/// Unpacks into a folder.
pub fn unpack(mut parcel: &[u8], folder: &Path) {
    while !parcel.is_empty() {
        let path = folder.join(std::str::from_utf8(take(&mut parcel)).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let length = number(&mut parcel);
        let mut octets = Vec::new();
        while octets.len() < length {
            octets.extend(take(&mut parcel));
            let run = number(&mut parcel);
            let (repeated, rest) = parcel.split_first().unwrap();
            octets.resize(octets.len() + run, *repeated);
            parcel = rest;
        }
        fs::write(path, octets).unwrap();
    }
}

fn number(parcel: &mut &[u8]) -> usize {
    let (number, rest) = parcel.split_first_chunk::<4>().unwrap();
    *parcel = rest;
    u32::from_be_bytes(*number) as usize
}

fn take<'a>(parcel: &mut &'a [u8]) -> &'a [u8] {
    let length = number(parcel);
    let (taken, rest) = parcel.split_at(length);
    *parcel = rest;
    taken
}
