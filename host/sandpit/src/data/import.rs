//! Files to a tape.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sandpit_core::{
    instrument::Instrument,
    num::{Decimal, Quantity},
};
use sandpit_journal::tape::{SOURCE_BYTES_MAX, TapeClock, TapeHeader, TapeWriter};

use super::{
    CsvMapping, DataError, Format, INPUTS_MAX, ImportRules, ImportSummary, InputSummary, Place,
    RowProblem,
    formats::parser,
    grid::GridFinder,
    lines::{Flow, Line, for_each_line},
    row::{RawEvent, Refusal},
    rules,
    sink::Sink,
    sniff::{self, Plan},
    sort::Sorter,
    summary::summary,
};

/// Lines between two words to the caller.
const LINES_PER_PROGRESS: u64 = 16_384;
/// On both sides of quotes whose file says no quantity, where the caller says none.
pub(super) const ASSUMED_QUOTE_QUANTITY: i64 = 1_000_000;

/// What may be done to rows that would else be errors. Each use is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Leave out rows that cannot be believed.
    DropBad,
    /// Put rows in the order of time.
    Sort,
    /// Leave out trades and bars that come twice.
    Dedup,
    /// Round volumes of bars, half to even, that are finer than the instrument's grid. Volumes
    /// that were summed as floats are so.
    RoundVolume,
}

impl FromStr for Repair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "drop-bad" => Ok(Self::DropBad),
            "sort" => Ok(Self::Sort),
            "dedup" => Ok(Self::Dedup),
            "round-volume" => Ok(Self::RoundVolume),
            _ => Err(format!(
                "`{text}` is no repair; the repairs are drop-bad, sort, dedup, round-volume"
            )),
        }
    }
}

/// Repairs that were asked for.
pub type Repairs = BTreeSet<Repair>;

/// What to import, and how.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Files, in the order of their time unless they are sorted: plain, gzip or zip.
    pub inputs: Vec<PathBuf>,
    /// The tape.
    pub output: PathBuf,
    /// What the files are; found by their first lines where `None`.
    pub format: Option<Format>,
    /// Which column is what, for [`Format::Csv`]; found by the header where `None`.
    pub mapping: Option<CsvMapping>,
    /// Rules of the instruments; all that the data names, with what the data needs, where empty.
    pub rules: Vec<ImportRules>,
    /// What may be repaired.
    pub repairs: Repairs,
    /// Whose stamps order the tape. The host's where `None` and the files have them.
    pub clock: Option<TapeClock>,
    /// The quantity on both sides of quotes whose file has none.
    pub quote_quantity: Option<Decimal>,
    /// Whether an existing tape is replaced.
    pub overwrite: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// 1, or 2 where the files are read once before to find the instruments' grids.
    pub pass: u8,
    /// How many passes there are.
    pub passes: u8,
    /// Bytes of the files that have been read, packed as they are.
    pub bytes_read: u64,
    /// Bytes of the files.
    pub bytes_total: u64,
    /// Lines that have been read.
    pub lines: u64,
}

/// Makes a tape of files. `progress` is called now and then; when it breaks, the import stops and
/// leaves nothing.
///
/// # Errors
/// A row that is not believed and that no repair covers, with its file and line; a format that is
/// not recognised; rules that do not fit; files that cannot be read or written.
pub fn import(
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ImportSummary, DataError> {
    let first = check_options(options)?;
    let plan = sniff::plan(first, options.format, options.mapping.as_ref())?;
    let clock = clock(options.clock, plan.format)?;
    let complete = !options.rules.is_empty() && options.rules.iter().all(ImportRules::is_complete);
    let mut pass = Pass::new(options, &plan, if complete { 1 } else { 2 }, progress)?;
    let mut finder = GridFinder::default();
    let refused = if complete { None } else { pass.find_grids(&mut finder)? };
    let name = stem(first);
    let mut resolved = rules::resolve(&options.rules, &finder, &name, plan.format.venue())?;
    if resolved.instruments.is_empty() {
        let empty = DataError::Empty { files: options.inputs.len() };
        return Err(refused.unwrap_or(empty));
    }
    let header = TapeHeader {
        instruments: resolved.instruments.clone(),
        clock,
        source: source_note(options, &plan),
    };
    let assumed = assumed_quantities(options.quote_quantity, &resolved.instruments)?;
    let writer = TapeWriter::create(&options.output, &header)?;
    let sorter =
        options.repairs.contains(&Repair::Sort).then(|| Sorter::new(&options.output, header));
    let names = std::mem::take(&mut resolved.names);
    let mut sink = Sink::new(resolved.instruments, names, clock, assumed, writer)
        .with_repairs(sorter, &options.repairs);
    let mut told = Told { notes: resolved.notes, ..Told::default() };
    if let Err(error) = pass.write(&mut sink, &mut told) {
        sink.discard();
        return Err(error);
    }
    let (counts, moved, _) = sink.finish()?;
    summary(options, &plan, counts, moved, told)
}

fn check_options(options: &ImportOptions) -> Result<&Path, DataError> {
    let refuse = |problem: String| Err(DataError::Options(problem));
    let Some(first) = options.inputs.first() else {
        return refuse("no file to import was given".to_owned());
    };
    if options.inputs.len() > INPUTS_MAX {
        return refuse(format!("more than {INPUTS_MAX} files were given"));
    }
    if options.output.exists() && !options.overwrite {
        return refuse(format!("`{}` exists already", options.output.display()));
    }
    if options.inputs.contains(&options.output) {
        return refuse(format!("`{}` is both input and output", options.output.display()));
    }
    Ok(first)
}

fn clock(asked: Option<TapeClock>, format: Format) -> Result<TapeClock, DataError> {
    match (asked, format.has_host_time()) {
        (Some(TapeClock::Host), false) => {
            Err(DataError::Options(format!("files of {format} have the venue's stamps only")))
        }
        (Some(clock), _) => Ok(clock),
        (None, true) => Ok(TapeClock::Host),
        (None, false) => Ok(TapeClock::Venue),
    }
}

/// The file's name up to its first point.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    let mut symbol: String = stem.chars().take(Instrument::NAME_BYTES_MAX / 4).collect();
    if stem.is_ascii() {
        symbol = stem.chars().take(Instrument::NAME_BYTES_MAX).collect();
    }
    if symbol.is_empty() { "instrument".to_owned() } else { symbol }
}

/// Names of files without their folders, which are nobody's business.
fn source_note(options: &ImportOptions, plan: &Plan) -> String {
    let mut note = format!("{}:", plan.format);
    for path in &options.inputs {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if note.len() + name.len() + 8 > SOURCE_BYTES_MAX {
            note.push_str(" ...");
            break;
        }
        note.push(' ');
        note.push_str(&name);
    }
    note
}

fn assumed_quantities(
    asked: Option<Decimal>,
    instruments: &[Instrument],
) -> Result<Vec<Quantity>, DataError> {
    instruments
        .iter()
        .map(|instrument| {
            let Some(asked) = asked else {
                let raw = ASSUMED_QUOTE_QUANTITY
                    .saturating_mul(10i64.saturating_pow(u32::from(instrument.quantity_scale())))
                    .min(Instrument::QUANTITY_MAX);
                return Ok(Quantity(raw));
            };
            instrument.quantity(asked).filter(|quantity| quantity.0 > 0).ok_or_else(|| {
                let symbol = &instrument.spec().symbol;
                DataError::Options(format!("{asked} is no quantity of `{symbol}` for quotes"))
            })
        })
        .collect()
}

/// What is told at the end, besides the counts of the sink.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) inputs: Vec<InputSummary>,
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) notes: Vec<String>,
}

/// Reads all files, once or twice.
struct Pass<'a> {
    options: &'a ImportOptions,
    plan: &'a Plan,
    number: u8,
    passes: u8,
    bytes_total: u64,
    read: Arc<AtomicU64>,
    lines: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl<'a> Pass<'a> {
    fn new(
        options: &'a ImportOptions,
        plan: &'a Plan,
        passes: u8,
        progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self, DataError> {
        let mut bytes_total = 0u64;
        for path in &options.inputs {
            let metadata = fs::metadata(path);
            let metadata = metadata.map_err(|source| DataError::Io {
                action: "open",
                path: path.clone(),
                source,
            })?;
            bytes_total = bytes_total.saturating_add(metadata.len());
        }
        let read = Arc::new(AtomicU64::new(0));
        Ok(Self { options, plan, number: 0, passes, bytes_total, read, lines: 0, progress })
    }

    fn begin(&mut self) {
        self.number += 1;
        self.lines = 0;
        self.read.store(0, Ordering::Relaxed);
    }

    /// Tells the caller now and then how far it is.
    fn count(&mut self) -> Result<(), DataError> {
        self.lines += 1;
        if !self.lines.is_multiple_of(LINES_PER_PROGRESS) {
            return Ok(());
        }
        let flow = (self.progress)(Progress {
            pass: self.number,
            passes: self.passes,
            bytes_read: self.read.load(Ordering::Relaxed).min(self.bytes_total),
            bytes_total: self.bytes_total,
            lines: self.lines,
        });
        if flow.is_break() { Err(DataError::Interrupted) } else { Ok(()) }
    }

    /// Reads every number once. Rows that are refused here are refused again when they are
    /// written; the first is returned, for the case that there is no other row.
    fn find_grids(&mut self, finder: &mut GridFinder) -> Result<Option<DataError>, DataError> {
        self.begin();
        let mut first = None;
        let mut take = |event: RawEvent<'_>| {
            finder.take(&event);
            Ok(())
        };
        for path in &self.options.inputs {
            self.file(path, &mut take, &mut |problem, place| {
                first.get_or_insert(DataError::Row { place, problem });
                Ok(())
            })?;
        }
        Ok(first)
    }

    fn write(&mut self, sink: &mut Sink, told: &mut Told) -> Result<(), DataError> {
        self.begin();
        let drops = self.options.repairs.contains(&Repair::DropBad);
        for path in &self.options.inputs {
            let before = self.lines;
            let ended =
                self.file(path, &mut |event| sink.take(&event), &mut |problem, place| {
                    let sequence = matches!(
                        problem,
                        RowProblem::OutOfOrder { .. } | RowProblem::Duplicate { .. }
                    );
                    if !drops || sequence {
                        return Err(DataError::Row { place, problem });
                    }
                    *told.dropped.entry(problem.code().to_owned()).or_default() += 1;
                    Ok(())
                })?;
            if !ended {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                told.notes
                    .push(format!("{name}: the last line has no line end; it may be cut short"));
            }
            told.inputs.push(InputSummary { path: path.clone(), lines: self.lines - before });
        }
        Ok(())
    }

    /// Reads one file. Returns whether its last line has an end.
    fn file(
        &mut self,
        path: &Path,
        take: &mut dyn FnMut(RawEvent<'_>) -> Result<(), Refusal>,
        refused: &mut dyn FnMut(RowProblem, Place) -> Result<(), DataError>,
    ) -> Result<bool, DataError> {
        let mut parser = parser(self.plan.format, self.plan.mapping.as_ref());
        let read = Arc::clone(&self.read);
        let mut ended = true;
        let mut last = None;
        for_each_line(path, &read, &mut |line: Line<'_>| {
            self.count()?;
            ended = line.ended;
            if line.number == 1 {
                parser.begin(line.entry.map_or(path, Path::new));
            }
            let outcome = match line.bytes {
                Ok([]) => Ok(()),
                Ok(bytes) => parser.row(bytes, take),
                Err(problem) => Err(Refusal::Row(problem)),
            };
            last = line.entry.map(str::to_owned).filter(|_| outcome.is_err());
            judge(outcome, &mut || place(path, line.entry, line.number), refused)?;
            Ok(Flow::More)
        })?;
        let lines = self.lines;
        judge(parser.end(take), &mut || place(path, last.as_deref(), lines), refused)?;
        Ok(ended)
    }
}

fn place(path: &Path, entry: Option<&str>, line: u64) -> Place {
    Place { path: path.to_owned(), entry: entry.map(str::to_owned), line }
}

fn judge(
    outcome: Result<(), Refusal>,
    place: &mut dyn FnMut() -> Place,
    refused: &mut dyn FnMut(RowProblem, Place) -> Result<(), DataError>,
) -> Result<(), DataError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Refusal::Fatal(error)) => Err(error),
        Err(Refusal::Row(problem)) => refused(problem, place()),
    }
}
