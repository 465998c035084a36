//! See `dav::fuzzing::if_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| dav::fuzzing::if_header(octets));
