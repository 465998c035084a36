//! See `storage::fuzzing::group`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| storage::fuzzing::group(octets));
