//! What is read from strangers, as functions that take any bytes and fail when something does not hold that always must.
//! Compiled for tests and for cargo-fuzz only; `fuzz/README.md` says how to use them.

use crate::{record, solidserver};

/// A target's name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. Each has a folder of that name in `fuzz/corpus`.
pub const TARGETS: [Target; 4] = [("value", value), ("name", name), ("request", request), ("answer", answer)];

/// A record's value, as it stands in a manifest or comes from the appliance.
pub fn value(data: &[u8]) {
    record::fuzzing::value(data);
}

/// A DNS name, from the same places.
pub fn name(data: &[u8]) {
    record::fuzzing::name(data);
}

/// Text that gets into a query or a write.
pub fn request(data: &[u8]) {
    solidserver::fuzzing::request(data);
}

/// An answer of the appliance.
pub fn answer(data: &[u8]) {
    solidserver::fuzzing::answer(data);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

    use super::*;

    /// How many seconds each target is tried with new inputs; `FUZZ_SECONDS` is another number.
    const SECONDS: u64 = 1;

    /// Pieces that mean something to one of the readers.
    const PIECES: [&str; 46] = [
        "((",
        "))",
        ";",
        "\"",
        "\\",
        "\\#",
        "\\256",
        "\0",
        "\n",
        "\r\n",
        " ",
        "\t",
        "=",
        ",",
        ".",
        "..",
        "*",
        "@",
        "$ORIGIN",
        "é",
        "ß",
        "\u{202e}",
        "\u{ff07}",
        "\u{ad}",
        "xn--",
        "0",
        "65536",
        "alpn=",
        "key65535",
        "mandatory=",
        "'",
        "''",
        "' or 1=1 --",
        "%27",
        "&",
        "[",
        "]",
        "{",
        "}",
        ":",
        "null",
        "true",
        "-1",
        "1e999",
        "\"errno\":\"0\"",
        "\\u0000",
    ];

    fn corpus(target: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    /// An input of the corpus after some accidents, or none of it.
    fn inputs(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => select(PIECES.as_slice()).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
            1 => select(corpus.clone()).prop_map(|mut other| { other.truncate(40); other }),
        ];
        let accident = (any::<Index>(), 0..4_usize, piece);
        (prop_oneof![6 => select(corpus), 1 => Just(Vec::new())], proptest::collection::vec(accident, 0..8))
            .prop_map(|(mut input, accidents)| {
                for (place, removed, piece) in accidents {
                    let begin = place.index(input.len() + 1);
                    let end = (begin + removed).min(input.len());
                    input.splice(begin..end, piece);
                }
                input
            })
    }

    #[test]
    fn what_has_hurt_before_does_no_harm() {
        for (name, target) in TARGETS {
            let corpus = corpus(name);
            assert!(corpus.len() > 3, "fuzz/corpus/{name} has {} inputs", corpus.len());
            for (path, input) in corpus {
                let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
                assert!(outcome.is_ok(), "{}", path.display());
            }
        }
    }

    #[test]
    fn inputs_like_them_do_no_harm_either() {
        let seconds = std::env::var("FUZZ_SECONDS").map_or(SECONDS, |text| text.parse().unwrap());
        for (name, target) in TARGETS {
            let strategy = inputs(corpus(name).into_values().collect());
            let begun = Instant::now();
            let tried = AtomicU64::new(0);
            while tried.load(Relaxed) == 0 || begun.elapsed() < Duration::from_secs(seconds) {
                // A runner counts its successes for good: one that has had its 200 cases tries nothing more.
                let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
                let mut runner = TestRunner::new(config);
                let outcome = runner.run(&strategy, |input| {
                    tried.fetch_add(1, Relaxed);
                    target(&input);
                    Ok(())
                });
                if let Err(TestError::Fail(reason, input)) = outcome {
                    let text = String::from_utf8_lossy(&input);
                    panic!(
                        "{name}: {reason}\nput this into a new file of fuzz/corpus/{name}: {text:?} {input:?}"
                    );
                }
                outcome.unwrap();
            }
            println!("{name}: {} inputs", tried.into_inner());
        }
    }

    #[test]
    fn a_target_that_fails_is_seen() {
        let strategy = inputs(vec![b"abc".to_vec()]);
        // How short an input becomes in the end depends on chance, so this chance is always the same one.
        let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, chance);
        let outcome = runner.run(&strategy, |input| {
            assert!(!input.contains(&b'('));
            Ok(())
        });
        assert!(
            matches!(outcome, Err(TestError::Fail(_, input)) if input.contains(&b'(') && input.len() < 8)
        );
    }

    #[test]
    fn each_target_is_one_of_cargo_fuzz() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for (name, _) in TARGETS {
            assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "{name}");
            let source = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
            assert!(source.contains(&format!("solidserver_operator::fuzzing::{name}(")), "{source}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
