//! Fuzzing that runs wherever the tests do: a corpus changed by chance from a seed, and a target
//! that answers to every input or panics. What is changed how is `bytes`' and the targets' own; what
//! an answer has to keep to is asserted by the targets.
//!
//! By default seed and number of inputs are fixed, so a run is the same everywhere.
//! `SANDPIT_FUZZ_SECONDS` runs each target for so long from a new seed, which is printed, and
//! `SANDPIT_FUZZ_SEED` says which. An input that leads to an answer of a new kind joins the corpus.
//! One that fails is made smaller, written to `target/fuzz-failures/` and printed; once the fault is
//! mended it is kept in `tests/fuzz/kept/`, where it is tried first.

pub(crate) mod bytes;
mod chance;
mod failure;

pub(crate) use chance::Chance;

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use failure::Watch;

/// The seed of every run that is not told otherwise.
const SEED: u64 = 0x005a_4d17_f0ca_57a1;
/// Inputs that join a corpus because they were taken in a new way. Of those that are refused in a
/// new way no more join than there were at first: most changes of them are refused as well.
const NEW_MAX: usize = 1_000;
/// Kinds of answers that are told apart.
const KINDS_MAX: usize = 10_000;
/// The longest that a target may take for one input: many times what it takes on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Also the folder of its kept inputs.
    pub(crate) name: &'static str,
    /// Inputs of a run that is not told otherwise.
    pub(crate) inputs: u32,
    /// Bytes of an input; longer ones are cut.
    pub(crate) input_bytes_max: usize,
}

/// How a target answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took the input; what became of that.
    Taken(String),
    /// It refused the input, in these words.
    Refused(String),
}

impl Answer {
    /// The answer without what differs from input to input: numbers, and what is quoted.
    fn kind(&self) -> String {
        let (Self::Taken(words) | Self::Refused(words)) = self;
        let mut quoted = false;
        let plain = words.chars().filter(|character| {
            quoted ^= matches!(character, '`' | '"');
            !quoted && !character.is_ascii_digit()
        });
        let plain: String = plain.take(200).collect();
        format!("{}{plain}", if matches!(self, Self::Taken(_)) { "+" } else { "-" })
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) inputs: u32,
    pub(crate) taken: u32,
    pub(crate) refused: u32,
    /// Kinds of answers.
    pub(crate) kinds: BTreeSet<String>,
}

/// Runs a target over its kept inputs, its corpus, and changes of that.
///
/// # Panics
/// The target panicked, hung, or took too long.
pub(crate) fn run(
    target: Target,
    mut corpus: Vec<Vec<u8>>,
    change: impl Fn(&mut Chance, &[Vec<u8>]) -> Vec<u8>,
    mut check: impl FnMut(&[u8]) -> Answer,
) -> Tally {
    let (seed, until) = told(target);
    let mut chance = Chance::new(seed);
    let mut tally = Tally::default();
    let watch = Watch::start(target.name);
    for input in kept(target.name).iter().chain(&corpus) {
        watch.tried(&mut check, input, &mut tally);
    }
    let (mut taken_room, mut refused_room) = (NEW_MAX, corpus.len());
    loop {
        let enough = match until {
            Some(until) => Instant::now() >= until,
            None => tally.inputs >= target.inputs,
        };
        if enough {
            break;
        }
        let mut input = change(&mut chance, &corpus);
        input.truncate(target.input_bytes_max);
        let taken = tally.taken;
        if watch.tried(&mut check, &input, &mut tally) {
            let room = if tally.taken > taken { &mut taken_room } else { &mut refused_room };
            if let Some(left) = room.checked_sub(1) {
                *room = left;
                corpus.push(input);
            }
        }
    }
    say(target, seed, &tally);
    tally
}

impl Watch {
    /// Tries one input and counts the answer; whether it is of a new kind.
    fn tried(
        &self,
        check: &mut impl FnMut(&[u8]) -> Answer,
        input: &[u8],
        tally: &mut Tally,
    ) -> bool {
        let begun = Instant::now();
        let answer = self.answer(check, input);
        let took = begun.elapsed();
        assert!(took < ANSWER_MAX, "{}", self.report(input, &format!("it took {took:?}")));
        tally.inputs += 1;
        match answer {
            Answer::Taken(_) => tally.taken += 1,
            Answer::Refused(_) => tally.refused += 1,
        }
        tally.kinds.len() < KINDS_MAX && tally.kinds.insert(answer.kind())
    }
}

/// The seed, and until when to run where not a number of inputs says.
fn told(target: Target) -> (u64, Option<Instant>) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let said = number("SANDPIT_FUZZ_SEED");
    let Some(seconds) = number("SANDPIT_FUZZ_SECONDS") else {
        return (said.unwrap_or(SEED), None);
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let fresh = now.map_or(SEED, |now| now.as_secs() ^ u64::from(now.subsec_nanos()) << 32);
    let name = target.name.bytes().fold(0u64, |hash, byte| hash.rotate_left(8) ^ u64::from(byte));
    (said.unwrap_or(fresh ^ name), Some(Instant::now() + Duration::from_secs(seconds)))
}

/// Who fuzzes wants to know how much was tried.
fn say(target: Target, seed: u64, tally: &Tally) {
    let _ = writeln!(
        io::stderr(),
        "fuzz {}: {} inputs from seed {seed}, {} taken, {} refused, {} kinds of answers",
        target.name,
        tally.inputs,
        tally.taken,
        tally.refused,
        tally.kinds.len()
    );
}

/// The repository, from whichever of its crates this runs.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = |folder: &&Path| folder.join("tests/fuzz/kept").is_dir();
    here.ancestors().find(is_root).unwrap_or(here).to_owned()
}

/// Inputs that once failed, in the order of their names.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let Ok(folder) = fs::read_dir(root().join("tests/fuzz/kept").join(name)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}
