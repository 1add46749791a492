//! One file: its checksum, its content, again where it broke off.
//!
//! While it is loaded it is called `<name>.part`. It gets its name when its checksum is right, so a
//! file with the name of a dump is whole.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    io,
    ops::ControlFlow,
    path::Path,
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_RANGE, HeaderMap, RANGE, RETRY_AFTER},
    redirect::Policy,
};
use sha2::{Digest, Sha256};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt, AsyncWriteExt},
};

use super::{FILE_BYTES_MAX, FetchError, FetchOptions, FetchedFile, Outcome};
use crate::data::show_hash;

/// Bytes of a checksum file: a hash, two spaces and a name.
const CHECKSUM_BYTES_MAX: usize = 4_096;
const REDIRECTS_MAX: usize = 3;
const BUFFER_BYTES: usize = 256 * 1024;

type Tell<'a> = &'a mut (dyn FnMut(u64, Option<u64>) -> ControlFlow<()> + Send);

pub(super) struct Downloader<'a> {
    options: &'a FetchOptions,
    client: Client,
}

/// Why one try failed.
enum Failure {
    /// Try again, after this long where the server says so.
    Again(Option<Duration>, Reason),
    /// There is no such file.
    Missing,
    /// Trying again does not help.
    Final(FetchError),
}

enum Reason {
    Request(reqwest::Error),
    Status(StatusCode),
    Checksum { expected: String, found: String },
}

impl<'a> Downloader<'a> {
    pub(super) fn new(options: &'a FetchOptions) -> Result<Self, FetchError> {
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("sandpit/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .redirect(Policy::limited(REDIRECTS_MAX))
            .build()
            .map_err(FetchError::Client)?;
        Ok(Self { options, client })
    }

    pub(super) async fn file(
        &mut self,
        name: &str,
        url: &str,
        tell: Tell<'_>,
    ) -> Result<FetchedFile, FetchError> {
        let path = self.options.folder.join(name);
        let part = self.options.folder.join(format!("{name}.part"));
        let mut file = FetchedFile {
            path: path.clone(),
            url: url.to_owned(),
            outcome: Outcome::Missing,
            bytes: 0,
            resumed_bytes: 0,
            attempts: 0,
        };
        let Some(expected) = self.checksum(url, &mut file.attempts).await? else {
            return Ok(file);
        };
        if let Some(bytes) = length(&path).await?
            && hash(&path).await? == expected
        {
            file.outcome = Outcome::Present;
            file.bytes = bytes;
            return Ok(file);
        }
        file.resumed_bytes = length(&part).await?.unwrap_or(0);
        let mut attempts = 0;
        loop {
            attempts += 1;
            file.attempts += 1;
            let failure = match self.content(url, &part, &expected, tell).await {
                Ok(bytes) => {
                    file.bytes = bytes;
                    break;
                }
                Err(failure) => failure,
            };
            self.wait(url, attempts, failure).await?;
        }
        fs::rename(&part, &path).await.map_err(|source| io_error("rename", &part, source))?;
        file.outcome = Outcome::Fetched;
        Ok(file)
    }

    /// Waits for the next try, or says why there is none.
    async fn wait(&self, url: &str, attempts: u32, failure: Failure) -> Result<(), FetchError> {
        let url = url.to_owned();
        let (asked, reason) = match failure {
            Failure::Again(asked, reason) => (asked, reason),
            Failure::Missing => {
                return Err(FetchError::Status { url, status: 404, attempts });
            }
            Failure::Final(error) => return Err(error),
        };
        if attempts >= self.options.attempts_max {
            return Err(match reason {
                Reason::Request(source) => FetchError::Request { url, attempts, source },
                Reason::Status(status) => {
                    FetchError::Status { url, status: status.as_u16(), attempts }
                }
                Reason::Checksum { expected, found } => {
                    FetchError::Checksum { url, expected, found, attempts }
                }
            });
        }
        tokio::time::sleep(self.backoff(attempts, asked)).await;
        Ok(())
    }

    /// Exponential with full jitter, so that many clients do not come back at once; not less than
    /// the server asks for, and never more than the bound.
    fn backoff(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
        let longest =
            self.options.backoff_first.saturating_mul(doubled).min(self.options.backoff_max);
        // A hasher's random keys are as good a die as is needed here.
        let die =
            u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
        let jittered = longest.mul_f64(f64::from(die) / f64::from(u32::MAX));
        asked.map_or(jittered, |asked| asked.max(jittered)).min(self.options.backoff_max)
    }

    /// The checksum that the venue says; `None` where the server has no such file.
    async fn checksum(
        &self,
        file_url: &str,
        attempts: &mut u32,
    ) -> Result<Option<String>, FetchError> {
        let url = format!("{file_url}.CHECKSUM");
        let mut tries = 0;
        loop {
            tries += 1;
            *attempts += 1;
            let failure = match self.small(&url).await {
                Ok(text) => return parse_checksum(&url, &text).map(Some),
                Err(Failure::Missing) => return self.missing(file_url).await,
                Err(failure) => failure,
            };
            self.wait(&url, tries, failure).await?;
        }
    }

    /// No checksum: is there no file either?
    async fn missing(&self, url: &str) -> Result<Option<String>, FetchError> {
        let head = self.client.head(url).send().await;
        match head.map(|response| response.status()) {
            Ok(status) if status.is_success() => {
                Err(FetchError::NoChecksum { url: url.to_owned() })
            }
            _ => Ok(None),
        }
    }

    async fn small(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let response = self.client.get(url).send().await.map_err(again)?;
        let mut response = accept(response)?;
        let mut text = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(again)? {
            text.extend_from_slice(&piece);
            if text.len() > CHECKSUM_BYTES_MAX {
                let problem = "it is too long for a checksum";
                return Err(Failure::Final(FetchError::Answer { url: url.to_owned(), problem }));
            }
        }
        Ok(text)
    }

    /// Loads what is missing of the content. Returns its bytes once its checksum is right.
    async fn content(
        &self,
        url: &str,
        part: &Path,
        expected: &str,
        tell: Tell<'_>,
    ) -> Result<u64, Failure> {
        let have = length(part).await.map_err(Failure::Final)?.unwrap_or(0);
        let mut request = self.client.get(url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(again)?;
        let status = response.status();
        // What is there may be all of it, or not of this file at all; the checksum tells.
        if status == StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
            return self.verify(part, expected).await;
        }
        let response = accept(response)?;
        let resumes = status == StatusCode::PARTIAL_CONTENT;
        if resumes && range_start(response.headers()) != Some(have) {
            let problem = "it begins at another byte than was asked for";
            return Err(Failure::Final(FetchError::Answer { url: url.to_owned(), problem }));
        }
        self.save(url, response, part, if resumes { have } else { 0 }, tell).await?;
        self.verify(part, expected).await
    }

    async fn save(
        &self,
        url: &str,
        mut response: Response,
        part: &Path,
        from: u64,
        tell: Tell<'_>,
    ) -> Result<(), Failure> {
        let fail = |action| {
            let part = part.to_owned();
            move |source| Failure::Final(FetchError::Io { action, path: part, source })
        };
        let total = response.content_length().map(|rest| from.saturating_add(rest));
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(from > 0)
            .truncate(from == 0)
            .open(part)
            .await
            .map_err(fail("create"))?;
        let mut bytes = from;
        let outcome = loop {
            match response.chunk().await {
                Ok(Some(piece)) => {
                    bytes = bytes.saturating_add(piece.len() as u64);
                    if bytes > FILE_BYTES_MAX {
                        let problem = "it is larger than any dump";
                        break Err(Failure::Final(FetchError::Answer {
                            url: url.to_owned(),
                            problem,
                        }));
                    }
                    file.write_all(&piece).await.map_err(fail("write"))?;
                    if tell(bytes, total).is_break() {
                        break Err(Failure::Final(FetchError::Interrupted));
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(again(error)),
            }
        };
        // Also what came before a failure is kept, to go on from there.
        file.flush().await.map_err(fail("write"))?;
        file.sync_data().await.map_err(fail("sync"))?;
        outcome
    }

    async fn verify(&self, part: &Path, expected: &str) -> Result<u64, Failure> {
        let found = hash(part).await.map_err(Failure::Final)?;
        if found == expected {
            let bytes = length(part).await.map_err(Failure::Final)?;
            return Ok(bytes.unwrap_or(0));
        }
        // The pieces may be of two versions of the file; the next try begins anew.
        fs::remove_file(part)
            .await
            .map_err(|source| Failure::Final(io_error("remove", part, source)))?;
        Err(Failure::Again(None, Reason::Checksum { expected: expected.to_owned(), found }))
    }
}

fn again(error: reqwest::Error) -> Failure {
    Failure::Again(None, Reason::Request(error))
}

/// Success, or what the status asks for.
fn accept(response: Response) -> Result<Response, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    match status {
        StatusCode::NOT_FOUND => Err(Failure::Missing),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(Failure::Again(retry_after(response.headers()), Reason::Status(status)))
        }
        status if status.is_server_error() => {
            Err(Failure::Again(retry_after(response.headers()), Reason::Status(status)))
        }
        status => Err(Failure::Final(FetchError::Status {
            url: response.url().to_string(),
            status: status.as_u16(),
            attempts: 1,
        })),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// `bytes 100-199/200`
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn parse_checksum(url: &str, text: &[u8]) -> Result<String, FetchError> {
    let text = String::from_utf8_lossy(text);
    let hash = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(hash);
    }
    Err(FetchError::Answer { url: url.to_owned(), problem: "it is no SHA-256 checksum" })
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> FetchError {
    FetchError::Io { action, path: path.to_owned(), source }
}

/// Bytes of a file, `None` where there is none.
async fn length(path: &Path) -> Result<Option<u64>, FetchError> {
    match fs::metadata(path).await {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io_error("read", path, source)),
    }
}

async fn hash(path: &Path) -> Result<String, FetchError> {
    let fail = |source| io_error("read", path, source);
    let mut file = File::open(path).await.map_err(fail)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer).await.map_err(fail)? {
            0 => return Ok(show_hash(&hash.finalize())),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}
