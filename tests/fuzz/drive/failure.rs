//! What happens when a target fails: the input is made smaller, kept on disk and shown.

use std::{
    cell::Cell,
    fmt::Write as _,
    fs, io, panic,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, Once, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{Answer, root};

/// How long an input may keep a target before the whole run is ended: nothing else gets it out of
/// an endless loop.
const HANG_MAX: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Smaller inputs that are tried, and for how long.
const SHRINKS_MAX: u32 = 2_000;
const SHRINK_TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of an input that are shown.
const SHOWN_BYTES_MAX: usize = 16 * 1024;

thread_local! {
    /// Whether this thread's panics are expected and not worth a word.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

type UnderWay = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// Looks after one run of a target.
pub(super) struct Watch {
    name: &'static str,
    under_way: UnderWay,
    /// Ends the thread that looks, by being dropped.
    _running: mpsc::Sender<()>,
}

impl Watch {
    pub(super) fn start(name: &'static str) -> Self {
        let under_way = UnderWay::default();
        let (running, ended) = mpsc::channel();
        let theirs = Arc::clone(&under_way);
        thread::spawn(move || look(name, &theirs, &ended));
        Self { name, under_way, _running: running }
    }

    /// The target's answer.
    pub(super) fn answer(&self, check: &mut impl FnMut(&[u8]) -> Answer, input: &[u8]) -> Answer {
        *lock(&self.under_way) = Some((Instant::now(), input.to_vec()));
        let answer = catch_unwind(AssertUnwindSafe(|| check(input)));
        *lock(&self.under_way) = None;
        answer.unwrap_or_else(|panic| {
            let words = words(&*panic);
            let small = smaller(input, |input| {
                quietly(|| catch_unwind(AssertUnwindSafe(|| check(input))).is_err())
            });
            panic!("{}", self.report(&small, &words));
        })
    }

    /// Writes a failing input to disk; what to tell about it.
    pub(super) fn report(&self, input: &[u8], problem: &str) -> String {
        report(self.name, input, problem)
    }
}

fn report(name: &str, input: &[u8], problem: &str) -> String {
    let folder = root().join("target/fuzz-failures");
    // The name tells inputs apart well enough: this is no place for a cryptographic hash.
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let path = folder.join(format!("{name}-{hash:016x}"));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    let place = match written {
        Ok(()) => format!("it is in {}", path.display()),
        Err(error) => format!("it cannot be written to {}: {error}", path.display()),
    };
    let mut hex = String::new();
    for byte in input.iter().take(SHOWN_BYTES_MAX) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    let more = if input.len() > SHOWN_BYTES_MAX { " and more" } else { "" };
    format!(
        "fuzz {name}: {problem}\nan input of {} bytes does it; {place}\n{hex}{more}",
        input.len()
    )
}

/// Ends the process when an input keeps its target too long.
fn look(name: &str, under_way: &UnderWay, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(LOOK_AGAIN) == Err(mpsc::RecvTimeoutError::Timeout) {
        let stuck = lock(under_way).clone().filter(|(begun, _)| begun.elapsed() > HANG_MAX);
        if let Some((_, input)) = stuck {
            let words = report(name, &input, "it does not come back");
            let _ = io::Write::write_all(&mut io::stderr(), words.as_bytes());
            std::process::abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// The same failure in fewer bytes, as far as that comes: pieces are left out, then bytes zeroed.
fn smaller(input: &[u8], mut fails: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let until = Instant::now() + SHRINK_TIME_MAX;
    let mut tries = 0;
    let mut still = |input: &[u8]| {
        tries += 1;
        (tries <= SHRINKS_MAX && Instant::now() < until).then(|| fails(input))
    };
    let mut small = input.to_vec();
    let mut piece = small.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < small.len() {
            let end = (at + piece).min(small.len());
            let without = [&small[..at], &small[end..]].concat();
            match still(&without) {
                Some(true) => small = without,
                Some(false) => at += piece,
                None => return small,
            }
        }
        piece /= 2;
    }
    for at in 0..small.len() {
        let before = std::mem::replace(&mut small[at], 0);
        if before != 0 && still(&small) != Some(true) {
            small[at] = before;
        }
    }
    small
}

/// Without a word about panics of this thread.
fn quietly<T>(act: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let result = act();
    QUIET.set(false);
    result
}

#[cfg(test)]
mod tests {
    use super::smaller;

    #[test]
    fn an_input_is_made_as_small_as_what_fails() {
        let input: Vec<u8> = (0..200).collect();
        let fails = |input: &[u8]| input.contains(&150) && input.len() >= 3;
        let small = smaller(&input, fails);
        assert_eq!(small.len(), 3);
        assert!(small.contains(&150));
        assert_eq!(small.iter().filter(|byte| **byte == 0).count(), 2, "{small:?}");
    }
}
