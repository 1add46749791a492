//! The trust list: it is read, and is the same when it is written and read again, or it is refused.

use std::fs;

use sandpit::trust::{edit, read};

use crate::{
    drive::{Answer, Target, run},
    lines,
};

const TARGET: Target = Target { name: "trust-list", inputs: 15_000, input_bytes_max: 64 * 1024 };
/// One of each, with and without what may be left out.
const LIST: &str = r#"
version = 1

[[keys]]
id = "E7620F1842B4E81F"
public_key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
comment = "an example"
added = "2026-01-01T00:00:00Z"

[[pins]]
sha256 = "9992ffb62e4dd686791f805147dcf1e3f62139a73e5c51f21d0b6c8acbd784d0"
name = "fixture"
comment = "looked at"
added = "2026-01-01T00:00:00Z"

[[pins]]
sha256 = "876e5b1f06015b4e27b31cd8b746fedb97341fe03b050dfe2d852262b6e12023"
name = "other"
"#;

#[test]
fn a_changed_trust_list_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.toml");
    let mut kept = 0u32;
    let corpus = vec![LIST.as_bytes().to_vec(), b"version = 1\n".to_vec()];
    let tally = run(TARGET, corpus, lines::change, |bytes| {
        fs::write(&path, bytes).unwrap();
        match read(&path) {
            Ok(document) => {
                assert!(document.list().keys.len() == document.keys().len());
                kept += 1;
                // Writing waits for the disk, so not each of them is written.
                if kept.is_multiple_of(32) {
                    edit(&path, |again| {
                        assert_eq!(*again, document);
                        Ok(())
                    })
                    .unwrap();
                    assert_eq!(read(&path).unwrap(), document);
                    fs::remove_file(&path).unwrap();
                }
                Answer::Taken(format!("{} and {}", document.keys().len(), document.pins().len()))
            }
            Err(error) => {
                let words = error.to_string();
                assert!(words.len() < 8 * 1024);
                Answer::Refused(words.replace(&path.display().to_string(), ""))
            }
        }
    });
    assert!(tally.taken > 0 && tally.kinds.len() > 5, "{tally:#?}");
}
