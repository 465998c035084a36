//! See `dav::fuzzing::path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dav::fuzzing::path(octets));
