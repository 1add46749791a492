//! What a person types and nobody else sees.

use std::io::{self, BufRead as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use sandpit_secrets::SecretText;

/// Bytes of what is typed or piped. There is room for all of it from the beginning, so that nothing
/// is left where it stood when it grows.
const BYTES_MAX: usize = 64 * 1024;
/// What Ctrl-C, Ctrl-D and the two keys that delete send.
const INTERRUPT: u8 = 3;
const END: u8 = 4;
const DELETE: [u8; 2] = [8, 127];

/// The terminal as it was, which it is again in the end.
struct Quiet(Termios);

impl Quiet {
    /// Nothing that is typed is shown, and everything that is typed comes here.
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell that a terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
        let _ = writeln!(io::stderr());
    }
}

/// Asks for a line.
pub(super) fn typed(what: &str) -> io::Result<SecretText> {
    let mut stderr = io::stderr();
    stderr.write_all(what.as_bytes())?;
    stderr.flush()?;
    let _quiet = Quiet::new()?;
    let mut line = String::with_capacity(BYTES_MAX);
    let mut byte = [0];
    loop {
        // One at a time, so that what is typed ahead stays with the terminal.
        if rustix::io::read(io::stdin(), &mut byte)? == 0 {
            break;
        }
        match byte[0] {
            b'\n' | b'\r' | END => break,
            INTERRUPT => return Err(io::ErrorKind::Interrupted.into()),
            byte if DELETE.contains(&byte) => {
                line.pop();
            }
            byte if line.len() < BYTES_MAX && byte.is_ascii() => line.push(char::from(byte)),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no key")),
        }
    }
    Ok(SecretText::new(line))
}

/// Reads the name of a key from the first line of the input, and its secret from the rest.
pub(super) fn piped() -> io::Result<(SecretText, SecretText)> {
    let mut input = io::stdin().lock();
    let (mut name, mut secret) =
        (String::with_capacity(BYTES_MAX), String::with_capacity(BYTES_MAX));
    let max = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    input.by_ref().take(max).read_line(&mut name)?;
    input.by_ref().take(max).read_to_string(&mut secret)?;
    Ok((SecretText::new(name), SecretText::new(secret)))
}
