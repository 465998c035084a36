//! See `storage::fuzzing::small_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::small_files(octets));
