//! Whole reports: a made-up market, a plain re-reckoning beside the recorder, and hostile input.

mod bounds;
mod plain;
mod play;
mod rendering;

/// `SANDPIT_REPORT_SAMPLES=<folder>` keeps what the tests render, to look at.
fn keep(name: &str, page: &str) {
    if let Ok(folder) = std::env::var("SANDPIT_REPORT_SAMPLES") {
        std::fs::write(std::path::Path::new(&folder).join(name), page).unwrap();
    }
}
