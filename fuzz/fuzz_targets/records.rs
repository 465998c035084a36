//! See `storage::fuzzing::records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::records(octets));
