//! See `dav::fuzzing::headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dav::fuzzing::headers(octets));
