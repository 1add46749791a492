//! A secret of the host is in no runner: not in its environment, not in its memory, not in what it
//! says.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use sandpit_plugin::Runner;

use crate::{
    harness::{CANARY, CANARY_VARIABLE, Log, Test, launched, patient},
    support::{Guest, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] =
    &[("canary::no_runner_knows_the_hosts_secret", no_runner_knows_the_hosts_secret)];

/// Bytes of a piece of memory that is searched at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Places in a process's memory where the canary is.
fn found_in_memory(process: &str) -> usize {
    let needle = CANARY.as_bytes();
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut found = 0;
    let mut searched = 0usize;
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, access) = (words.next().unwrap(), words.next().unwrap());
        let file = words.nth(3).unwrap_or_default();
        // Code and constants come from the program's file, which has the canary as this constant:
        // what is looked for is a copy.
        let of_program = file.contains("/runner-");
        if !access.starts_with('r') || of_program || file == "[vvar]" {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let from = u64::from_str_radix(from, 16).unwrap();
        let to = u64::from_str_radix(to, 16).unwrap();
        if memory.seek(SeekFrom::Start(from)).is_err() {
            continue;
        }
        let mut left = usize::try_from(to - from).unwrap();
        let mut piece = Vec::new();
        while left > 0 {
            // The end of the last piece stays, for what lies across.
            let kept = piece.len().saturating_sub(needle.len());
            piece.drain(..kept);
            let begun = piece.len();
            piece.resize(begun + left.min(PIECE_BYTES), 0);
            let Ok(read) = memory.read(&mut piece[begun..]) else { break };
            if read == 0 {
                break;
            }
            piece.truncate(begun + read);
            searched += read;
            left -= read;
            found += piece.windows(needle.len()).filter(|window| *window == needle).count();
        }
    }
    assert!(searched > 1 << 20, "only {searched} bytes of {process} were searched");
    found
}

fn no_runner_knows_the_hosts_secret() {
    // As a key would be: in the environment that the host was started with, and on its heap.
    let secret = std::env::var(CANARY_VARIABLE).unwrap();
    assert_eq!(secret, CANARY);
    let log = Log::default();
    let talks = Guest::idle()
        .body("on-trade", "(call $log (i32.const 1) (i32.const 1024) (i32.const 10)) i32.const 0");
    let mut runner = launched(&talks, &patient(), &log);
    runner.start(&session(&instrument()), &mut Vec::new()).unwrap();
    for time in 0..100 {
        runner.call(&trade(1_000_000_000 * time, 1), &mut Vec::new()).unwrap();
    }
    let process = runner.process_id().to_string();
    assert!(found_in_memory("self") > 0, "the search finds nothing, not even here");
    assert_eq!(found_in_memory(&process), 0);
    for file in ["environ", "maps", "cmdline", "status", "comm"] {
        let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{file}");
    }
    assert!(!log.lines().is_empty());
    assert!(!log.lines().concat().contains(CANARY));
}
