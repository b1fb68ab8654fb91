use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn parse(record_type: RecordType, text: &str) -> RecordData {
    RecordData::parse(record_type, text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn problem(record_type: RecordType, text: &str) -> DataProblem {
    match RecordData::parse(record_type, text) {
        Ok(data) => panic!("{text:?} was read as {data:?}"),
        Err(error) => error.problem,
    }
}

const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

mod invalid;
mod properties;
mod valid;
