//! A run's configuration: it is read, and says the same when it is written and read again, or it is
//! refused with its place.

use std::{fs, path::Path};

use sandpit::config::{ConfigError, Overrides, REFERENCE, RunConfig, load, parse};

use crate::{
    drive::{Answer, Target, run},
    lines,
};

const TARGET: Target = Target { name: "config", inputs: 12_000, input_bytes_max: 64 * 1024 };
/// Bytes of what is said of a mistake.
const WORDS_BYTES_MAX: usize = 64 * 1024;

fn read(text: &str) -> Result<RunConfig, ConfigError> {
    parse(Path::new("run.toml"), text, &Overrides::default())
}

/// The reference, and the examples of the documents.
fn corpus() -> Vec<Vec<u8>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let mut paths: Vec<_> =
        fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut corpus = vec![REFERENCE.as_bytes().to_vec()];
    corpus.extend(paths.iter().map(|path| fs::read(path).unwrap()));
    assert!(corpus.len() > 2, "there are no examples");
    corpus
}

fn refused(error: &ConfigError) -> Answer {
    assert!(!error.message.is_empty() && error.message.len() < WORDS_BYTES_MAX);
    if let Some(place) = &error.place {
        // What is underlined is part of the text, and cut between characters.
        assert!(place.text.get(place.span.clone()).is_some(), "{error:?}");
    }
    let place = if error.place.is_some() { "" } else { ", nowhere" };
    Answer::Refused(format!("{}{place}", error.message))
}

fn check(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    match read(&text) {
        Ok(config) => {
            let written = config.to_file(&[]);
            let again = read(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(again.canonical(), config.canonical());
            assert_eq!(again.to_file(&[]), written);
            Answer::Taken(String::new())
        }
        Err(error) => refused(&error),
    }
}

#[test]
fn a_changed_configuration_is_read_or_refused_in_its_place() {
    let corpus = corpus();
    for text in &corpus {
        assert!(matches!(check(text), Answer::Taken(_)), "{}", String::from_utf8_lossy(text));
    }
    let tally = run(TARGET, corpus, lines::change, check);
    assert!(tally.taken > tally.inputs / 50 && tally.kinds.len() > 50, "{tally:#?}");
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    fs::write(&path, [REFERENCE.as_bytes(), &[0xff]].concat()).unwrap();
    let error = load(&path, &Overrides::default()).unwrap_err();
    assert!(error.message.contains("cannot read"), "{}", error.message);
}
