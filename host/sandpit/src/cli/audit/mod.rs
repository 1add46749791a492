//! `sandpit audit`.

mod args;

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{
    Broken, Chain, ChainProblem, Head, HostRecord, Journal, JournalError, JournalOptions,
    JournalReader, RawRow, Verdict, Verified, backup, journals_in, restore, verify, verify_chain,
};
use serde_json::{Value, json};

pub(super) use args::AuditCommand;
use args::{ChosenArgs, ExportArgs, FormatArg, ShowArgs, VerifyArgs};

use super::{
    reply::{Exit, Failure, Reply},
    terminal::Terminal,
};
use crate::{
    audit::{self, AuditError, Chosen, Format, Names, Period, Picker},
    report::{calendar, numbers},
};

/// Rows that `show` holds.
const SHOWN_MAX: u32 = 100_000;
/// Characters of a row's body that are shown.
const BODY_CHARS_MAX: usize = 2_000;

pub(super) fn run(command: AuditCommand, terminal: &Terminal) -> Result<Reply, Failure> {
    match command {
        AuditCommand::Verify(arguments) => verified(&arguments),
        AuditCommand::Show(arguments) => show(&arguments),
        AuditCommand::Export(arguments) => export(arguments, terminal),
        AuditCommand::Report { journal, month } => {
            let report = audit::report(&journal, &month)?;
            let json = serde_json::to_value(&report)
                .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
            Ok(Reply::new(report.to_text(), json))
        }
        AuditCommand::Backup { journal, out } => {
            let made = backup(&journal, &out)?;
            let text = format!("Backed up and verified: {}", described(&made));
            Ok(Reply::new(text, as_json(&made)))
        }
        AuditCommand::Restore { backup, to, overwrite } => restored(&backup, &to, overwrite),
        AuditCommand::Rotate { journal, keep } => rotate(&journal, keep),
        AuditCommand::AcceptCut { journal, note } => accept_cut(&journal, &note),
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let exit = match &error {
            JournalError::Broken { .. }
            | JournalError::Corrupt { .. }
            | JournalError::Cut { .. }
            | JournalError::Schema { .. }
            | JournalError::SegmentMissing { .. } => Exit::Differs,
            _ => Exit::Journal,
        };
        Self::from_error(exit, &error).help(error.help())
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Journal(error) => error.into(),
            AuditError::Options(message) => Self::new(Exit::Usage, message),
            AuditError::Write(_) => Self::from_error(Exit::Failed, &error),
            AuditError::Replay { .. } => Self::from_error(Exit::Journal, &error)
                .help("use the sandpit that wrote it, or a newer one"),
        }
    }
}

fn verified(arguments: &VerifyArgs) -> Result<Reply, Failure> {
    if arguments.path.is_dir() {
        if arguments.head.is_some() {
            return Err(Failure::new(Exit::Usage, "--head is of one journal, not of a folder"));
        }
        return folder(&arguments.path);
    }
    let noted = match (&arguments.head, arguments.rows) {
        (Some(hash), Some(seq)) => {
            let hash = hash.parse().map_err(|error| Failure::from_error(Exit::Usage, &error))?;
            Some(Head { seq, hash })
        }
        _ => None,
    };
    Ok(match verify(&arguments.path, noted)? {
        Verdict::Verified(verified) => {
            Reply::new(format!("Verified: {}", described(&verified)), as_json(&verified))
        }
        Verdict::Broken(broken) => not_sound(&broken),
    })
}

fn described(verified: &Verified) -> String {
    let mut text = format!(
        "{}: rows {} to {}, until {}\n  head {} {}\n",
        verified.path.display(),
        verified.first,
        verified.head.seq,
        time(verified.at),
        verified.head.seq,
        verified.head.hash,
    );
    if !verified.has_head_file {
        text.push_str("  note: there is no head file beside it, so a cut tail would not be noticed; compare with a head that was noted elsewhere: --head HASH --rows N\n");
    }
    text
}

fn as_json(verified: &Verified) -> Value {
    json!({
        "verified": true,
        "path": verified.path,
        "segment": verified.segment,
        "rows": verified.rows,
        "first": verified.first,
        "head_rows": verified.head.seq,
        "head": verified.head.hash.to_string(),
        "until": time(verified.at),
        "has_head_file": verified.has_head_file,
    })
}

fn not_sound(broken: &Broken) -> Reply {
    let text = format!(
        "Not as it was written: row {} of {}: {}\n  the rows before it are sound; keep the file and put back a backup with `sandpit audit restore`",
        broken.seq,
        broken.path.display(),
        numbers::clean(&broken.why, BODY_CHARS_MAX, false),
    );
    let json = json!({
        "verified": false,
        "path": broken.path,
        "row": broken.seq,
        "problem": broken.why,
    });
    Reply::new(text, json).ending(Exit::Differs)
}

fn folder(path: &Path) -> Result<Reply, Failure> {
    let journals = journals_in(path)?;
    if journals.is_empty() {
        let message = format!("there is no journal in `{}`", path.display());
        return Err(Failure::new(Exit::Journal, message).help("journals are named NAME.journal"));
    }
    let (mut text, mut all, mut sound) = (String::new(), Vec::new(), true);
    for journal in journals {
        let chain = verify_chain(&journal)?;
        sound &= chain.problem.is_none();
        text.push_str(&chain_text(&journal, &chain));
        all.push(chain_json(&journal, &chain));
    }
    let reply = Reply::new(text, json!({ "verified": sound, "journals": all }));
    Ok(if sound { reply } else { reply.ending(Exit::Differs) })
}

fn chain_text(journal: &Path, chain: &Chain) -> String {
    let verdict = if chain.problem.is_none() { "Verified" } else { "Not whole" };
    let mut text =
        format!("{verdict}: {}, {} sound segments\n", journal.display(), chain.segments.len());
    if chain.pruned_to > 0 {
        let _ = writeln!(text, "  segments 1 to {} were removed by retention", chain.pruned_to);
    }
    for segment in &chain.segments {
        let _ = writeln!(
            text,
            "  segment {}: rows {} to {}, until {}\n    head {} {}",
            segment.segment,
            segment.first,
            segment.head.seq,
            time(segment.at),
            segment.head.seq,
            segment.head.hash,
        );
    }
    if let Some(problem) = &chain.problem {
        let _ = writeln!(text, "  {}", problem_text(problem));
    }
    text
}

fn problem_text(problem: &ChainProblem) -> String {
    match problem {
        ChainProblem::Broken(broken) => format!(
            "row {} of {} is not as it was written: {}",
            broken.seq,
            broken.path.display(),
            numbers::clean(&broken.why, BODY_CHARS_MAX, false),
        ),
        ChainProblem::Missing { segment, path } => {
            format!("segment {segment} is missing: {}", path.display())
        }
        ChainProblem::Gap { path, from, before } => format!(
            "{} ends at row {}, and the next segment goes on from row {}",
            path.display(),
            before.seq,
            from.seq,
        ),
    }
}

fn chain_json(journal: &Path, chain: &Chain) -> Value {
    json!({
        "path": journal,
        "verified": chain.problem.is_none(),
        "problem": chain.problem.as_ref().map(problem_text),
        "pruned_to": chain.pruned_to,
        "segments": chain.segments.iter().map(as_json).collect::<Vec<_>>(),
    })
}

fn chosen(arguments: ChosenArgs) -> Result<Chosen, AuditError> {
    let moment = |text: Option<String>| text.map(|text| Period::moment(&text)).transpose();
    Ok(Chosen {
        kinds: arguments.kinds.into_iter().collect(),
        plugin: arguments.plugin,
        order: arguments.order,
        period: Period { from: moment(arguments.from)?, to: moment(arguments.to)? },
    })
}

fn show(arguments: &ShowArgs) -> Result<Reply, Failure> {
    let kept = usize::try_from(arguments.last.min(SHOWN_MAX)).unwrap_or(0);
    let chosen = chosen(ChosenArgs {
        kinds: arguments.chosen.kinds.clone(),
        plugin: arguments.chosen.plugin.clone(),
        order: arguments.chosen.order.clone(),
        from: arguments.chosen.from.clone(),
        to: arguments.chosen.to.clone(),
    })?;
    let reader = JournalReader::open(&arguments.journal)?;
    let picker = Picker::new(&chosen, &reader)?;
    let mut entries = reader.entries();
    let mut last: VecDeque<RawRow> = VecDeque::new();
    while let Some(row) = entries.next_raw()? {
        if picker.takes(&row) {
            last.push_back(row);
            if last.len() > kept {
                last.pop_front();
            }
        }
    }
    let text: String = last.iter().map(|row| shown(row, picker.names())).collect();
    let rows: Vec<Value> = last.iter().map(|row| row_json(row, picker.names())).collect();
    Ok(Reply::new(text, json!({ "rows": rows })))
}

fn shown(row: &RawRow, names: &Names) -> String {
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { numbers::name(text) };
    format!(
        "{:>8} {} {:<18} {:<12} {:<10} {}\n",
        row.seq,
        time(row.at),
        row.kind,
        dash(names.plugin(row.plugin)),
        dash(names.symbol(row.instrument)),
        numbers::clean(&row.body, BODY_CHARS_MAX, false),
    )
}

fn row_json(row: &RawRow, names: &Names) -> Value {
    json!({
        "seq": row.seq,
        "step": row.step,
        "time": time(row.at),
        "kind": row.kind,
        "plugin": names.plugin(row.plugin),
        "symbol": names.symbol(row.instrument),
        "order_id": row.order_id,
        "body": serde_json::from_str::<Value>(&row.body).unwrap_or_default(),
        "hash": row.hash.to_string(),
    })
}

fn time(at: i64) -> String {
    calendar::iso(UnixNanos(u64::try_from(at).unwrap_or(0)))
}

fn export(arguments: ExportArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let format = match arguments.format {
        FormatArg::Csv => Format::Csv,
        FormatArg::Jsonl => Format::JsonLines,
    };
    let chosen = chosen(arguments.chosen)?;
    let reader = JournalReader::open(&arguments.journal)?;
    let Some(path) = arguments.out else {
        if terminal.wants_json() {
            let message = "with --json an export needs --out FILE";
            return Err(Failure::new(Exit::Usage, message));
        }
        let written =
            audit::export(&reader, &chosen, format, &mut BufWriter::new(io::stdout().lock()));
        return match written {
            // The reader left (`| head`); the work was done.
            Err(AuditError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Ok(Reply::new(String::new(), Value::Null))
            }
            other => Ok(other.map(|_| Reply::new(String::new(), Value::Null))?),
        };
    };
    let refused = |error: io::Error| {
        let message = format!("cannot write `{}`", path.display());
        Failure::new(Exit::Failed, format!("{message}: {error}"))
    };
    let file = File::create_new(&path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Failed, format!("`{}` exists", path.display()))
                .help("name another file, or remove this one")
        }
        _ => refused(error),
    })?;
    let mut output = BufWriter::new(file);
    let exported = audit::export(&reader, &chosen, format, &mut output)?;
    output.flush().map_err(refused)?;
    let text = format!(
        "Exported {} rows to {}\n  head {} {}",
        exported.rows,
        path.display(),
        exported.head.seq,
        exported.head.hash,
    );
    let json = json!({
        "rows": exported.rows,
        "out": path,
        "head_rows": exported.head.seq,
        "head": exported.head.hash.to_string(),
    });
    Ok(Reply::new(text, json))
}

fn restored(from: &Path, to: &Path, overwrite: bool) -> Result<Reply, Failure> {
    let done = restore(from, to, overwrite)?;
    let mut text = format!(
        "Restored and verified: {}, rows until {}\n  head {} {}\n",
        to.display(),
        done.backup.seq,
        done.head.seq,
        done.head.hash,
    );
    if let Some(aside) = &done.set_aside {
        let _ = writeln!(text, "  what was there is {}", aside.display());
    }
    text.push_str(
        "  what the venue did since the backup is found by the reconciliation of the next start",
    );
    let json = json!({
        "to": to,
        "backup_rows": done.backup.seq,
        "head_rows": done.head.seq,
        "head": done.head.hash.to_string(),
        "set_aside": done.set_aside,
    });
    Ok(Reply::new(text, json))
}

fn rotate(journal: &Path, keep: Option<u32>) -> Result<Reply, Failure> {
    let rotated = audit::rotate(journal)?;
    let mut text = format!(
        "Archived: {}, rows until {}\n  head {} {}\n",
        rotated.archived.display(),
        rotated.head.seq,
        rotated.head.seq,
        rotated.head.hash,
    );
    let mut removed: Vec<PathBuf> = Vec::new();
    if let Some(keep) = keep {
        let reader = JournalReader::open(journal)?;
        let (tables, last) = (reader.tables().clone(), reader.last()?);
        let at = last.and_then(|row| u64::try_from(row.at).ok()).unwrap_or(0);
        let mut writer = Journal::open(journal, &tables, &JournalOptions::default())?;
        removed = writer.prune(UnixNanos(at), keep)?;
        writer.close()?;
    }
    for path in &removed {
        let _ = writeln!(text, "  removed {}", path.display());
    }
    let json = json!({
        "archived": rotated.archived,
        "segment": rotated.segment,
        "head_rows": rotated.head.seq,
        "head": rotated.head.hash.to_string(),
        "removed": removed,
    });
    Ok(Reply::new(text, json))
}

fn accept_cut(journal: &Path, note: &str) -> Result<Reply, Failure> {
    let tables = JournalReader::open(journal)?.tables().clone();
    let accepted = Journal::accept_cut(journal, &tables, note)?;
    Ok(match accepted {
        Some(HostRecord::CutAccepted { lost_from, lost_to, .. }) => Reply::new(
            format!(
                "Recorded: rows {lost_from} to {lost_to} are lost, and the journal goes on without them.\n  the next start compares with the venue"
            ),
            json!({ "lost_from": lost_from, "lost_to": lost_to }),
        ),
        _ => Reply::new("Nothing is lost.".to_owned(), json!({ "lost_from": null })),
    })
}
