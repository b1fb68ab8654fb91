//! `cargo +nightly fuzz run request`, see ../README.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    solidserver_operator::fuzzing::request(data);
});
