//! See `dav::fuzzing::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dav::fuzzing::query(octets));
