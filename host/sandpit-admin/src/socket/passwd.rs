//! Names of users, for the journal.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
};

/// Where this system lists its users.
const USERS: &str = "/etc/passwd";
/// Bytes of that file that are read.
const USERS_BYTES_MAX: u64 = 1024 * 1024;
/// Characters of a user's name that are kept.
const NAME_CHARS_MAX: usize = 32;

/// The name of a user, or its number where it has none here.
pub(super) fn user_name(uid: u32) -> String {
    let named = File::open(USERS)
        .ok()
        .and_then(|file| find(uid, BufReader::new(file.take(USERS_BYTES_MAX))));
    named.unwrap_or_else(|| format!("uid {uid}"))
}

fn find(uid: u32, users: impl BufRead) -> Option<String> {
    let uid = uid.to_string();
    users.lines().map_while(Result::ok).find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
        (number == uid && is_plain).then(|| name.chars().take(NAME_CHARS_MAX).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_numbers() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(find(0, users.as_bytes()).as_deref(), Some("root"));
        assert_eq!(find(1000, users.as_bytes()).as_deref(), Some("ada"));
        assert_eq!(find(100, users.as_bytes()), None);
        assert_eq!(user_name(u32::MAX - 7), format!("uid {}", u32::MAX - 7));
    }
}
