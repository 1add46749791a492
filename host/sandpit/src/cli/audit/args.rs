//! What can be typed after `sandpit audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Prove that nothing was changed, moved, left out or cut: one journal, or all of a folder
    Verify(VerifyArgs),
    /// Show the last rows
    Show(ShowArgs),
    /// Write rows as CSV or JSON lines
    Export(ExportArgs),
    /// Show the figures of a month, per plugin and for the account
    Report {
        /// The journal
        journal: PathBuf,
        /// Which month, in UTC
        #[arg(long, value_name = "2026-11")]
        month: String,
    },
    /// Copy a journal, beside a running host too, and verify the copy
    Backup {
        /// The journal
        journal: PathBuf,
        /// The copy; it must not be there
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Put a backup in the place of a journal that no host writes
    Restore {
        /// The backup
        backup: PathBuf,
        /// The journal
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Also where the journal there knows more than the backup; it is set aside
        #[arg(long)]
        overwrite: bool,
    },
    /// Go on in a new file and archive the old one; for a journal that no host writes
    Rotate {
        /// The journal
        journal: PathBuf,
        /// Remove archived files but the newest N
        #[arg(long, value_name = "N")]
        keep: Option<u32>,
    },
    /// Go on without rows that had been confirmed and are lost; that is recorded
    AcceptCut {
        /// The journal
        journal: PathBuf,
        /// What happened, for those who read it later
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// The journal, or a folder of journals with their archived segments
    pub(super) path: PathBuf,
    /// Hash of a row as it was noted elsewhere
    #[arg(long, requires = "rows", value_name = "HASH")]
    pub(super) head: Option<String>,
    /// Number of that row
    #[arg(long, requires = "head", value_name = "N")]
    pub(super) rows: Option<u64>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ChosenArgs {
    /// Only rows of this kind; can be given more than once
    #[arg(long = "kind", value_name = "KIND")]
    pub(super) kinds: Vec<String>,
    /// Only rows about this plugin
    #[arg(long, value_name = "NAME")]
    pub(super) plugin: Option<String>,
    /// Only rows about this order
    #[arg(long, value_name = "ID")]
    pub(super) order: Option<String>,
    /// Only from this time on: 2026-11-24 or 2026-11-24T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The journal
    pub(super) journal: PathBuf,
    #[command(flatten)]
    pub(super) chosen: ChosenArgs,
    /// How many rows
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(super) last: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The journal
    pub(super) journal: PathBuf,
    /// How rows are written
    #[arg(long)]
    pub(super) format: FormatArg,
    #[command(flatten)]
    pub(super) chosen: ChosenArgs,
    /// Where to [default: the output]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum FormatArg {
    /// One line of columns each
    Csv,
    /// One JSON object each
    Jsonl,
}
