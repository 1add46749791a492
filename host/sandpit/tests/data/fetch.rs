//! The download against a server on this machine that misbehaves as servers do.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc, time::Duration};

use jiff::civil::date;
use sandpit::data::fetch::{
    DumpKind, FetchError, FetchOptions, FetchSummary, Market, Outcome, fetch,
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use crate::support::Folder;

const NAME: &str = "BTCUSDT-trades-2025-01-01.zip";

/// How one request is answered.
#[derive(Clone, Debug)]
enum Answer {
    /// The content, from where it is asked for.
    Whole,
    /// Only so many bytes of it, then the connection is closed.
    Cut(usize),
    /// The head and so many bytes, then nothing more.
    Stall(usize),
    /// This status.
    Status(u16),
    /// Other content.
    Wrong,
    /// The whole content, whatever part is asked for.
    IgnoreRange,
}

#[derive(Default)]
struct Site {
    content: Vec<u8>,
    /// For the file; [`Answer::Whole`] once there are no more.
    answers: Vec<Answer>,
    checksum: BTreeMap<&'static str, Answer>,
    /// `Range` of each request for the file.
    ranges: Vec<Option<u64>>,
}

/// Serves until the test ends.
async fn serve(site: Site) -> (String, Arc<Mutex<Site>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let site = Arc::new(Mutex::new(site));
    let shared = Arc::clone(&site);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&shared)));
        }
    });
    (url, site)
}

async fn answer(mut stream: TcpStream, site: Arc<Mutex<Site>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let start = head.lines().find_map(|line| {
        line.strip_prefix("range: bytes=")?.trim_end_matches('-').parse::<usize>().ok()
    });
    let (answer, content) = {
        let mut site = site.lock().await;
        if head.contains(".checksum ") {
            let hash: String =
                Sha256::digest(&site.content).iter().map(|b| format!("{b:02x}")).collect();
            let answer = site.checksum.get("checksum").cloned().unwrap_or(Answer::Whole);
            (answer, format!("{hash}  {NAME}\n").into_bytes())
        } else {
            site.ranges.push(start.map(|start| start as u64));
            let answer =
                if site.answers.is_empty() { Answer::Whole } else { site.answers.remove(0) };
            (answer, site.content.clone())
        }
    };
    let total = content.len();
    let (status, from) = match (&answer, start) {
        (Answer::Status(status), _) => (*status, total),
        (Answer::IgnoreRange, _) | (_, None) => (200, 0),
        (_, Some(start)) if start >= total => (416, total),
        (_, Some(start)) => (206, start),
    };
    let mut body = content[from..].to_vec();
    if matches!(answer, Answer::Wrong) {
        body.iter_mut().for_each(|byte| *byte ^= 1);
    }
    let range = if status == 206 {
        format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1)
    } else {
        String::new()
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{range}Connection: close\r\n\r\n",
        body.len()
    );
    let send = match answer {
        Answer::Cut(bytes) | Answer::Stall(bytes) => bytes.min(body.len()),
        _ => body.len(),
    };
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..send]).await.unwrap();
    stream.flush().await.unwrap();
    if matches!(answer, Answer::Stall(_)) {
        // Until the client gives up.
        let _ = stream.read(&mut [0]).await;
    }
}

struct Fetched {
    result: Result<FetchSummary, FetchError>,
    site: Arc<Mutex<Site>>,
    folder: Folder,
    content: Vec<u8>,
}

fn content() -> Vec<u8> {
    (0..100_000u32).map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect()
}

fn options(url: &str, folder: &Folder) -> FetchOptions {
    let day = date(2025, 1, 1);
    let mut options = FetchOptions::new(Market::Spot, DumpKind::Trades, "BTCUSDT", (day, day));
    options.base_url = url.to_owned();
    options.folder = folder.path("dumps");
    options.attempts_max = 4;
    // Only a server that stalls on purpose lets it run out.
    options.read_timeout = Duration::from_secs(1);
    options.backoff_first = Duration::from_millis(1);
    options.backoff_max = Duration::from_millis(2);
    options
}

async fn run(answers: Vec<Answer>, checksum: Option<Answer>) -> Fetched {
    let content = content();
    let checksum = checksum.map(|answer| ("checksum", answer)).into_iter().collect();
    let (url, site) =
        serve(Site { content: content.clone(), answers, checksum, ranges: Vec::new() }).await;
    let folder = Folder::new();
    let result = fetch(&options(&url, &folder), &mut |_| ControlFlow::Continue(())).await;
    Fetched { result, site, folder, content }
}

impl Fetched {
    /// The file is whole under its name, and was asked for from these bytes on.
    async fn whole(&self, ranges: &[Option<u64>]) {
        let summary = self.result.as_ref().unwrap();
        assert_eq!(summary.count(Outcome::Fetched), 1);
        assert_eq!(std::fs::read(self.folder.path("dumps").join(NAME)).unwrap(), self.content);
        assert_eq!(self.site.lock().await.ranges, ranges);
        assert_eq!(std::fs::read_dir(self.folder.path("dumps")).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn a_file_is_loaded_once() {
    let it = run(vec![], None).await;
    it.whole(&[None]).await;
    let url = it.result.as_ref().unwrap().files[0].url.clone();
    let base = url.split("/data/").next().unwrap();
    let again =
        fetch(&options(base, &it.folder), &mut |_| ControlFlow::Continue(())).await.unwrap();
    assert_eq!(again.count(Outcome::Present), 1);
    assert_eq!(it.site.lock().await.ranges.len(), 1);
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_was() {
    let it = run(vec![Answer::Cut(30_000), Answer::Cut(20_000)], None).await;
    it.whole(&[None, Some(30_000), Some(50_000)]).await;
}

#[tokio::test]
async fn a_server_without_ranges_begins_anew() {
    let it = run(vec![Answer::Cut(30_000), Answer::IgnoreRange], None).await;
    it.whole(&[None, Some(30_000)]).await;
}

#[tokio::test]
async fn a_stalled_server_is_given_up_and_tried_again() {
    let it = run(vec![Answer::Stall(10_000)], None).await;
    it.whole(&[None, Some(10_000)]).await;
}

#[tokio::test]
async fn a_server_that_is_down_for_a_while_is_tried_again() {
    let it = run(vec![Answer::Status(503), Answer::Status(429)], None).await;
    it.whole(&[None, None, None]).await;
}

#[tokio::test]
async fn wrong_content_is_loaded_anew_and_refused_in_the_end() {
    let it = run(vec![Answer::Wrong], None).await;
    it.whole(&[None, None]).await;
    let it = run(vec![Answer::Wrong; 4], None).await;
    assert!(matches!(it.result, Err(FetchError::Checksum { attempts: 4, .. })), "{:?}", it.result);
    assert_eq!(std::fs::read_dir(it.folder.path("dumps")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_the_server_has_not_is_in_the_summary() {
    let missing = || Some(Answer::Status(404));
    let it = run(vec![Answer::Status(404)], missing()).await;
    let summary = it.result.unwrap();
    assert_eq!(summary.count(Outcome::Missing), 1);
    let it = run(vec![], missing()).await;
    assert!(matches!(it.result, Err(FetchError::NoChecksum { .. })), "{:?}", it.result);
}

#[tokio::test]
async fn a_server_that_says_no_is_an_error() {
    let it = run(vec![Answer::Status(403)], None).await;
    assert!(matches!(it.result, Err(FetchError::Status { status: 403, .. })), "{:?}", it.result);
    let it = run(vec![Answer::Status(500); 9], None).await;
    assert!(
        matches!(it.result, Err(FetchError::Status { status: 500, attempts: 4, .. })),
        "{:?}",
        it.result
    );
    assert_eq!(it.site.lock().await.ranges.len(), 4);
}

#[tokio::test]
async fn the_caller_can_stop_and_the_next_fetch_goes_on() {
    let (url, site) = serve(Site { content: content(), ..Site::default() }).await;
    let folder = Folder::new();
    let stopped = fetch(&options(&url, &folder), &mut |progress| {
        assert_eq!(progress.bytes_total, Some(100_000));
        ControlFlow::Break(())
    })
    .await;
    assert!(matches!(stopped, Err(FetchError::Interrupted)));
    let part = folder.path("dumps").join(format!("{NAME}.part"));
    let have = std::fs::metadata(&part).unwrap().len();
    let summary = fetch(&options(&url, &folder), &mut |_| ControlFlow::Continue(())).await.unwrap();
    assert_eq!(summary.files[0].resumed_bytes, have);
    // A piece may have been the whole file; then the server says that nothing is left.
    assert_eq!(site.lock().await.ranges[1], Some(have));
    assert_eq!(std::fs::read(folder.path("dumps").join(NAME)).unwrap(), content());
}

#[tokio::test]
async fn no_server_is_an_error_that_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = Folder::new();
    let result = fetch(&options(&url, &folder), &mut |_| ControlFlow::Continue(())).await;
    let Err(FetchError::Request { url: named, attempts: 4, .. }) = result else {
        panic!("{result:?}");
    };
    assert!(named.starts_with(&url));
}
