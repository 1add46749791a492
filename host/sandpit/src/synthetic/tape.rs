//! The synthetic market as a tape, so that it goes the same way as a recorded one.

use std::path::Path;

use sandpit_journal::tape::{TapeClock, TapeError, TapeHeader, TapeWriter};

use super::{Market, Options, instruments};

/// What the tape says about where it is from; a report is marked synthetic by this.
pub const SOURCE: &str = "synthetic market of sandpit";

/// Writes the market to `path` and says how many events it has.
///
/// # Errors
/// The tape cannot be written.
pub fn write(path: &Path, options: Options) -> Result<u64, TapeError> {
    let source = format!("{SOURCE}, seed {}, {} s", options.seed, options.length.0 / 1_000_000_000);
    let instruments =
        instruments().map_err(|source| TapeError::Instruments { path: path.to_owned(), source })?;
    let header = TapeHeader { instruments, clock: TapeClock::Host, source };
    let mut writer = TapeWriter::create(path, &header)?;
    for event in Market::new(options) {
        writer.append(&event)?;
    }
    writer.finish()
}
