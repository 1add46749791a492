//! What the host and the compiler's process say to each other: one request, one answer, both with
//! their length and their hash, so that half of one is never taken for a whole one.

use sha2::{Digest as _, Sha256};

use super::{CompileFailure, limits::ARTIFACT_BYTES_MAX};
use crate::limits::COMPONENT_BYTES_MAX;

const REQUEST: &[u8; 8] = b"SPcompi1";
const ANSWER: &[u8; 8] = b"SPcode_1";
/// Bytes before the content: what it is, the fingerprint or the kind of answer, length, hash.
const REQUEST_HEAD_BYTES: usize = 8 + 32 + 8 + 32;
pub(super) const ANSWER_HEAD_BYTES: usize = 8 + 1 + 8 + 32;
/// Bytes of the compiler's words where it refuses.
pub(super) const REASON_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a request.
pub(super) const REQUEST_BYTES_MAX: usize = REQUEST_HEAD_BYTES + COMPONENT_BYTES_MAX;

/// How the compiler answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Code(Vec<u8>),
    Refused(String),
    OtherBuild,
}

/// Asks for a component's machine code by a compiler with this fingerprint.
pub(super) fn request(fingerprint: &[u8; 32], component: &[u8]) -> Vec<u8> {
    let mut request = Vec::with_capacity(REQUEST_HEAD_BYTES + component.len());
    request.extend_from_slice(REQUEST);
    request.extend_from_slice(fingerprint);
    push_content(&mut request, component);
    request
}

/// The fingerprint and the component of a request.
pub(super) fn read_request(request: &[u8]) -> Option<([u8; 32], &[u8])> {
    let rest = request.strip_prefix(REQUEST)?;
    let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
    Some((*fingerprint, content(rest)?))
}

/// Writes an answer.
pub(super) fn answer(answer: &Answer) -> Vec<u8> {
    let (kind, content): (u8, &[u8]) = match answer {
        Answer::Code(code) => (0, code),
        Answer::Refused(reason) => (1, reason.as_bytes()),
        Answer::OtherBuild => (2, &[]),
    };
    let mut bytes = Vec::with_capacity(ANSWER_HEAD_BYTES + content.len());
    bytes.extend_from_slice(ANSWER);
    bytes.push(kind);
    push_content(&mut bytes, content);
    bytes
}

/// Whether these bytes are a whole answer already; there may be more to come otherwise.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let length = bytes.get(9..17).and_then(|length| length.try_into().ok()).map(u64::from_le_bytes);
    length.is_some_and(|length| {
        let whole = length.saturating_add(ANSWER_HEAD_BYTES as u64);
        bytes.len() as u64 >= whole
    })
}

/// Reads an answer.
pub(super) fn read_answer(bytes: &[u8]) -> Result<Answer, CompileFailure> {
    let garbage = CompileFailure::Garbage;
    let rest = bytes.strip_prefix(ANSWER).ok_or_else(|| garbage("it does not begin as one"))?;
    let (kind, rest) = rest.split_first().ok_or_else(|| garbage("it is cut short"))?;
    let content = content(rest).ok_or_else(|| garbage("its length or its hash is wrong"))?;
    match kind {
        0 if content.len() <= ARTIFACT_BYTES_MAX => Ok(Answer::Code(content.to_owned())),
        1 if content.len() <= REASON_BYTES_MAX => {
            Ok(Answer::Refused(String::from_utf8_lossy(content).into_owned()))
        }
        2 if content.is_empty() => Ok(Answer::OtherBuild),
        _ => Err(garbage("it is of no known kind")),
    }
}

fn push_content(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(content));
    bytes.extend_from_slice(content);
}

/// What follows a length and a hash, where both are right.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (hash, content) = rest.split_first_chunk::<32>()?;
    let is_right = u64::from_le_bytes(*length) == content.len() as u64
        && Sha256::digest(content).as_slice() == hash;
    is_right.then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whole_or_not_at_all() {
        let whole = request(&[7; 32], b"component");
        assert_eq!(read_request(&whole), Some(([7; 32], b"component".as_slice())));
        for cut in 0..whole.len() {
            assert_eq!(read_request(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(read_request(&[&whole[..], b"x"].concat()), None);
    }

    #[test]
    fn an_answer_that_was_touched_is_none() {
        for given in
            [Answer::Code(b"code".to_vec()), Answer::Refused("no".to_owned()), Answer::OtherBuild]
        {
            let whole = answer(&given);
            assert!(is_whole(&whole));
            assert_eq!(read_answer(&whole).unwrap(), given);
            for cut in 0..whole.len() {
                assert!(!is_whole(&whole[..cut]), "{cut}");
                read_answer(&whole[..cut]).unwrap_err();
            }
            for at in 0..whole.len() {
                let mut touched = whole.clone();
                touched[at] ^= 0x10;
                read_answer(&touched).unwrap_err();
            }
        }
    }
}
