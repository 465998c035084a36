//! See `storage::fuzzing::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::frames(octets));
