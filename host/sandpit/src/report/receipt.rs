//! A receipt: enough to run a backtest again and see whether it gives the same result. Running it
//! again is the command line's business; here two receipts are compared.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    canonical::result_sha256,
    model::{NamedHash, Report},
};

/// The format of [`Receipt`].
pub const RECEIPT_SCHEMA: u32 = 1;
/// Bytes of a receipt that are read.
pub const RECEIPT_BYTES_MAX: u64 = 4 << 20;

/// What went in and what came out, by hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_SCHEMA`].
    pub schema: u32,
    /// Version of the engine.
    pub engine_version: String,
    /// SHA-256 of the resolved configuration.
    pub config_sha256: String,
    /// The components in the order of the plugins; native code has an empty hash.
    pub components: Vec<NamedHash>,
    /// The tapes.
    pub tapes: Vec<NamedHash>,
    /// SHA-256 over every fill, closed order and trade.
    pub stream_sha256: String,
    /// SHA-256 of the canonical report.
    pub result_sha256: String,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// A file could not be read or written.
    #[error("cannot {what} receipt `{path}`", path = path.display())]
    File {
        /// `read` or `write`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The text is no receipt.
    #[error("`{path}` is not a receipt", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A receipt of another format.
    #[error("receipt `{path}` has schema {found}; this version reads {RECEIPT_SCHEMA}", path = path.display())]
    Schema {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// The report cannot be hashed.
    #[error("the report has no canonical form")]
    Canonical(#[source] serde_json::Error),
}

/// One thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub field: String,
    /// In the receipt.
    pub expected: String,
    /// In the run.
    pub found: String,
}

impl Receipt {
    /// The receipt of a report.
    ///
    /// # Errors
    /// The report cannot be hashed.
    pub fn of(report: &Report) -> Result<Self, ReceiptError> {
        let components = report.plugins.iter().map(|plugin| NamedHash {
            name: plugin.name.clone(),
            sha256: plugin.component_sha256.clone().unwrap_or_default(),
        });
        Ok(Self {
            schema: RECEIPT_SCHEMA,
            engine_version: report.run.engine_version.clone(),
            config_sha256: report.run.config_sha256.clone(),
            components: components.collect(),
            tapes: report.run.tapes.clone(),
            stream_sha256: report.stream_sha256.clone(),
            result_sha256: result_sha256(report).map_err(ReceiptError::Canonical)?,
        })
    }

    /// Writes it as readable JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReceiptError> {
        let mut text = serde_json::to_string_pretty(self).map_err(ReceiptError::Canonical)?;
        text.push('\n');
        fs::write(path, text).map_err(|source| ReceiptError::File {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// The file cannot be read, is no receipt, or is one of another format.
    pub fn read(path: &Path) -> Result<Self, ReceiptError> {
        let unreadable =
            |source| ReceiptError::File { what: "read", path: path.to_owned(), source };
        let mut text = String::new();
        fs::File::open(path)
            .and_then(|file| file.take(RECEIPT_BYTES_MAX).read_to_string(&mut text))
            .map_err(unreadable)?;
        let receipt = serde_json::from_str::<Self>(&text)
            .map_err(|source| ReceiptError::Malformed { path: path.to_owned(), source })?;
        if receipt.schema != RECEIPT_SCHEMA {
            return Err(ReceiptError::Schema { path: path.to_owned(), found: receipt.schema });
        }
        Ok(receipt)
    }
}

/// All that is not the same in the receipt of another run, inputs first: if one of them differs,
/// the result was bound to.
#[must_use]
pub fn verify(receipt: &Receipt, rerun: &Receipt) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |field: String, expected: &str, found: &str| {
        if expected != found {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            differences.push(Difference { field, expected, found });
        }
    };
    compare("engine version".to_owned(), &receipt.engine_version, &rerun.engine_version);
    compare("configuration".to_owned(), &receipt.config_sha256, &rerun.config_sha256);
    for (kind, expected, found) in [
        ("component", &receipt.components, &rerun.components),
        ("tape", &receipt.tapes, &rerun.tapes),
    ] {
        for at in 0..expected.len().max(found.len()) {
            let text = |list: &[NamedHash]| {
                list.get(at)
                    .map_or_else(|| "none".to_owned(), |one| format!("{} {}", one.name, one.sha256))
            };
            compare(format!("{kind} {}", at + 1), &text(expected), &text(found));
        }
    }
    compare("fills, orders and trades".to_owned(), &receipt.stream_sha256, &rerun.stream_sha256);
    compare("result".to_owned(), &receipt.result_sha256, &rerun.result_sha256);
    differences
}
