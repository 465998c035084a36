//! See `storage::fuzzing::index_row`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::index_row(octets));
