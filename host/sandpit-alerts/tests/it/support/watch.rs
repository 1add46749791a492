//! Looks through everything that is logged, by us and by every library, at every level. A secret in
//! it ends the test that logged it.

use std::{io, sync::Once, thread};

use tracing_subscriber::filter::LevelFilter;

struct Watch;

impl io::Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        assert!(!line.contains("canary"), "a secret was logged");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Watches from here on.
pub(crate) fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            // A module here has the word in its name.
            .with_target(false)
            .with_writer(|| Watch)
            .init();
    });
}

/// Whether something secret is logged by what is done.
pub(crate) fn is_watched(act: impl FnOnce() + Send) -> bool {
    // On a thread of its own: the line that ends it stays in that thread's buffer.
    thread::scope(|scope| scope.spawn(act).join().is_err())
}
