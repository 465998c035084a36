//! See `dav::fuzzing::xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dav::fuzzing::xml(octets));
