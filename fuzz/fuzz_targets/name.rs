//! `cargo +nightly fuzz run name`, see ../README.md.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    solidserver_operator::fuzzing::name(data);
});
