//! A session that is killed with SIGKILL, again and again, at moments that chance chooses.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use sandpit_journal::journal::{Entry, HostRecord, read_head};

use super::{Dice, Stage, grid_plugin, maker};

/// Kills where nobody says how many: as many as fit into a short test run.
const KILLS_DEFAULT: u64 = 40;
/// Says how many.
const KILLS_VARIABLE: &str = "SANDPIT_KILLS";
/// Says with which seed.
const SEED_VARIABLE: &str = "SANDPIT_KILL_SEED";
/// Events of the market, and for each kill.
const EVENTS: u64 = 4_000;
const EVENTS_PER_KILL: u64 = 400;
/// How often a run is looked at. It decides nothing: a run is killed by what it has written.
const LOOK: Duration = Duration::from_micros(100);

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// When the venue's log has grown by so many bytes.
    Venue(u64),
    /// When so many more rows of the journal are confirmed.
    Rows(u64),
    /// After so many looks: before, in or after its recovery.
    Looks(u64),
}

impl Moment {
    fn by_chance(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0 => Self::Looks(dice.below(400)),
            // A few as often as many.
            1..=4 => Self::Rows(1 + few_or_many(dice, 13)),
            _ => Self::Venue(1 + few_or_many(dice, 19)),
        }
    }
}

/// Below two to the power of `bits`, small numbers as often as large ones.
fn few_or_many(dice: &mut Dice, bits: u64) -> u64 {
    let size = dice.below(bits);
    dice.below(1 << size)
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Whether the run was killed; it may have come to its end before.
fn kill_at(stage: &Stage, child: &mut Child, moment: Moment) -> bool {
    let (venue, journal) = (stage.memory("venue.log"), stage.memory("session.journal"));
    let rows = || read_head(&journal).ok().flatten().map_or(0, |head| head.seq);
    let (bytes_before, rows_before) = (length(&venue), rows());
    for look in 0.. {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let come = match moment {
            Moment::Venue(bytes) => length(&venue) >= bytes_before + bytes,
            Moment::Rows(more) => rows() >= rows_before + more,
            Moment::Looks(looks) => look >= looks,
        };
        // A moment that does not come is as good as any other, later.
        if come || look > 200_000 {
            break;
        }
        thread::sleep(LOOK);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn a_session_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing() {
    let kills = variable(KILLS_VARIABLE, KILLS_DEFAULT);
    let seed = variable(SEED_VARIABLE, 1);
    let stage = Stage::new(
        EVENTS + EVENTS_PER_KILL * kills,
        &format!("{}{}", maker("maker"), grid_plugin("grid")),
    );
    let (mut dice, mut killed, mut cut) = (Dice(seed), 0u64, 0u64);
    let begun = Instant::now();
    let errors = stage.path().join("errors.txt");
    while killed < kills {
        // With latency there are orders and reports under way, which a kill loses.
        let latency = ["0", "40", "400"][usize::try_from(dice.below(3)).unwrap()];
        let moment = Moment::by_chance(&mut dice);
        let mut child = stage
            .command(&["--latency-ms", latency])
            .stdout(Stdio::null())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        if !kill_at(&stage, &mut child, moment) {
            let status = child.wait().unwrap();
            let said = fs::read_to_string(&errors).unwrap();
            assert!(status.success(), "seed {seed}, kill {killed}, {moment:?}: {status}\n{said}");
            eprintln!("the market was over after {killed} kills");
            break;
        }
        killed += 1;
        // Whatever the moment was, nothing of the past has changed.
        if killed.is_multiple_of(10) {
            let rows = stage.journal().len();
            eprintln!("{killed} kills, {rows} rows, {:.0?}", begun.elapsed());
        }
        if dice.below(4) == 0 {
            cut += cut_a_write(&stage, &mut dice);
        }
    }
    let said = stage.play(&[], 0);
    let compared = stage.compare(&said);
    let rows = stage.journal();
    let run = |entry: &Entry| matches!(entry, Entry::Host(HostRecord::Started { .. }));
    let runs = rows.iter().filter(|row| run(&row.entry)).count();
    eprintln!(
        "seed {seed}: {killed} kills in {:.1?}, {runs} runs in the journal, {} rows, {} orders, {} \
         fills, of them {} found in the venue's books; {} orders of unknown fate, of which {} never \
         arrived; {cut} writes of the venue cut",
        begun.elapsed(),
        rows.len(),
        compared.orders.len(),
        compared.fills.len(),
        said["fills_found"],
        compared.lost,
        compared.never_arrived(),
    );
    assert!(killed == kills, "the market was over before all {kills} kills");
    assert!(compared.fills.len() > 1_000 && compared.orders.len() > 1_000);
    assert!(compared.lost > 0 && compared.never_arrived() > 0, "nothing was ever under way");
    assert!(said["fills_found"].as_u64() > Some(0), "no report was ever lost");
}

/// A kill in the middle of the venue's last write, which would need luck to be hit.
fn cut_a_write(stage: &Stage, dice: &mut Dice) -> u64 {
    let path = stage.memory("venue.log");
    // The beginning of an entry of 300 bytes.
    let torn = [[44, 1, 0, 0].as_slice(), &[7; 200]].concat();
    let end = usize::try_from(dice.below(200)).unwrap() + 1;
    use std::io::Write as _;
    let Ok(mut file) = fs::OpenOptions::new().append(true).open(path) else { return 0 };
    file.write_all(&torn[..end]).unwrap();
    1
}
