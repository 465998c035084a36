//! See `storage::fuzzing::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::snapshot(octets));
