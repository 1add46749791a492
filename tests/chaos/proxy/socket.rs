//! WebSockets through the proxy: a frame at a time in both directions, or not.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
    time::sleep,
};

use super::{
    End, Line, Own,
    frames::{self, Frame},
    http::{self, Message},
    log::names_in_json,
    plan::{Drawn, Episode, Fault, Kind},
    rest::garble,
};

/// Messages to the client that wait.
const QUEUE_MAX: usize = 4_096;
/// How long an event is held back at most where none comes after it.
const HELD_MAX: Duration = Duration::from_millis(250);

/// What the client gets in the place of an answer.
enum Instead {
    Nothing,
    Text(String),
    Reset,
}

/// What both directions know.
struct Both<'a> {
    own: &'a Own,
    to_client: mpsc::Sender<Vec<u8>>,
    /// By the request's id.
    instead: Mutex<BTreeMap<String, Instead>>,
    frozen: AtomicBool,
    passed: AtomicU64,
}

/// Opens the connection to the exchange and passes frames until it ends.
pub(super) async fn serve(line: Line, upgrade: Message, own: &Own) -> End {
    if own.shared.episode() == Some(Episode::Maintenance) {
        let mut line = line;
        return match own.write(&mut line, &http::page(503).raw()).await {
            Ok(()) => End::Closed,
            Err(end) => end,
        };
    }
    let Some(socket) = own.shared.upstream().await else { return End::Closed };
    let (up_read, mut up_write) = socket.into_split();
    let mut up_read = BufReader::new(up_read);
    // Compressed frames could not be looked into.
    let plain = upgrade.without("sec-websocket-extensions");
    if up_write.write_all(&plain.raw()).await.is_err() {
        return End::Closed;
    }
    let (client_read, mut client_write) = tokio::io::split(line);
    let Ok(Some(answer)) = read_upgrade(&mut up_read).await else { return End::Closed };
    own.earned(answer.status());
    if client_write.write_all(&answer.raw()).await.is_err() || answer.status() != 101 {
        return End::Closed;
    }
    let (to_client, queue) = mpsc::channel(QUEUE_MAX);
    let both = Both {
        own,
        to_client,
        instead: Mutex::default(),
        frozen: AtomicBool::new(false),
        passed: AtomicU64::new(0),
    };
    let (from_exchange, frames) = mpsc::channel(QUEUE_MAX);
    tokio::select! {
        end = write(client_write, queue, own) => end,
        end = pump(up_read, from_exchange) => end,
        end = thaw(&both) => end,
        end = down(frames, &both) => end,
        end = up(client_read, up_write, &both) => end,
    }
}

/// The answer to an upgrade has no body, whatever comes after it.
async fn read_upgrade(reader: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Option<Message>> {
    http::read(reader, false).await
}

async fn write(mut client: WriteHalf<Line>, mut queue: mpsc::Receiver<Vec<u8>>, own: &Own) -> End {
    while let Some(bytes) = queue.recv().await {
        // An empty message is the end, after all before it.
        if bytes.is_empty() {
            let _ = client.shutdown().await;
            return End::Closed;
        }
        if let Err(end) = own.write(&mut client, &bytes).await {
            return end;
        }
    }
    End::Closed
}

impl Both<'_> {
    /// Whether nothing passes any more, because of what was drawn or of what is everywhere.
    fn is_frozen(&self) -> bool {
        if self.own.shared.is_calm() {
            return false;
        }
        let silence = self.own.shared.episode() == Some(Episode::Silence);
        if silence {
            // What was lost meanwhile makes it useless.
            self.frozen.store(true, Ordering::Relaxed);
        }
        self.frozen.load(Ordering::Relaxed)
    }

    /// Counts a message; after so many as were drawn the connection freezes.
    fn pass(&self) {
        let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        let drawn = self.own.shared.fault(self.own.drawn);
        if drawn.is_some_and(|drawn| drawn.fault == Fault::Freezes && passed == drawn.count * 8) {
            self.own.say(Fault::Freezes, &format!("after {passed} messages"));
            self.frozen.store(true, Ordering::Relaxed);
        }
    }

    async fn send(&self, bytes: Vec<u8>) {
        // The writer ends the connection.
        let _ = self.to_client.send(bytes).await;
    }

    fn keep(&self, id: &Value, instead: Instead) {
        let mut kept = self.instead.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(id.to_string(), instead);
    }

    fn instead_of(&self, id: &Value) -> Option<Instead> {
        self.instead.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.to_string())
    }
}

/// What a message of the exchange is.
struct Told {
    /// The request that it answers, and with which status.
    answers: Option<(Value, u16)>,
}

impl Told {
    fn of(kind: Kind, text: &str) -> Self {
        if kind == Kind::Market {
            let is_answer = text.contains("\"result\":") || text.contains("\"error\":");
            return Self { answers: is_answer.then_some((Value::Null, 200)) };
        }
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let status = value["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        Self { answers: status.map(|status| (value["id"].clone(), status)) }
    }
}

/// A connection that has lost what nobody knows of does not go on when it is calm.
async fn thaw(both: &Both<'_>) -> End {
    both.own.shared.is_over().await;
    if both.frozen.load(Ordering::Relaxed) { End::Reset } else { std::future::pending().await }
}

/// Reads what the exchange says, so that nobody stops in the middle of a frame.
async fn pump(mut upstream: BufReader<OwnedReadHalf>, to: mpsc::Sender<Frame>) -> End {
    while let Ok(Some(frame)) = frames::read(&mut upstream).await {
        if to.send(frame).await.is_err() {
            break;
        }
    }
    drop(to);
    // What is on its way to the client comes first; the writer ends it.
    std::future::pending().await
}

/// From the exchange to the client.
async fn down(mut frames: mpsc::Receiver<Frame>, both: &Both<'_>) -> End {
    let own = both.own;
    let mut number = 0;
    let mut held: Option<(Vec<u8>, u64)> = None;
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame,
            () = sleep(HELD_MAX), if held.is_some() => {
                if let Some((late, _)) = held.take() {
                    both.send(late).await;
                }
                continue;
            }
        };
        let Some(frame) = frame else {
            both.send(Vec::new()).await;
            return std::future::pending().await;
        };
        if both.is_frozen() {
            continue;
        }
        if frame.is_control() || !frame.is_text() {
            both.send(frame.raw).await;
            continue;
        }
        both.pass();
        let told = Told::of(own.kind, frame.text());
        if let Some((id, status)) = &told.answers {
            own.earned(*status);
            match both.instead_of(id) {
                Some(Instead::Nothing) => continue,
                Some(Instead::Reset) => return End::Reset,
                Some(Instead::Text(text)) => {
                    both.send(frames::text(&text)).await;
                    continue;
                }
                None => {}
            }
        }
        let drawn = own.shared.fault(own.shared.plan.message(own.kind, own.number, number));
        number += 1;
        if let Err(end) = deliver(frame, &told, drawn, &mut held, both).await {
            return end;
        }
    }
}

/// One message to the client, as it is or as it was drawn.
async fn deliver(
    frame: Frame,
    told: &Told,
    drawn: Option<Drawn>,
    held: &mut Option<(Vec<u8>, u64)>,
    both: &Both<'_>,
) -> Result<(), End> {
    let is_event = told.answers.is_none();
    // TCP keeps the order of all but what the venue itself tells twice or late.
    let may_repeat = is_event && held.is_none();
    let drawn =
        drawn.filter(|drawn| may_repeat || !matches!(drawn.fault, Fault::Twice | Fault::Reordered));
    if let Some(drawn) = drawn {
        let start: String = frame.text().chars().take(80).collect();
        both.own.say(drawn.fault, &start);
    }
    let mut text = frame.payload.clone();
    match drawn.map(|drawn| (drawn.fault, drawn)) {
        Some((Fault::Dropped, _)) => {}
        Some((Fault::Reset, _)) => return Err(End::Reset),
        Some((Fault::Closed, _)) => {
            both.send(frames::close(1_001)).await;
            both.send(Vec::new()).await;
            return Ok(());
        }
        Some((Fault::Reordered, drawn)) => {
            *held = Some((frame.raw, drawn.count.min(3)));
            return Ok(());
        }
        Some((Fault::Twice, _)) => {
            both.send(frame.raw.clone()).await;
            both.send(frame.raw).await;
        }
        Some((Fault::Cut, _)) => {
            text.truncate(text.len() / 2);
            both.send(frames::text(&String::from_utf8_lossy(&text))).await;
        }
        Some((Fault::Garbled, _)) => {
            garble(&mut text);
            both.send(frames::text(&String::from_utf8_lossy(&text))).await;
        }
        Some((Fault::Late, drawn)) => {
            sleep(Duration::from_millis(drawn.delay_ms)).await;
            both.send(frame.raw).await;
        }
        _ => both.send(frame.raw).await,
    }
    if let Some((late, left)) = held.take() {
        if left <= 1 {
            both.send(late).await;
        } else {
            *held = Some((late, left - 1));
        }
    }
    Ok(())
}

/// From the client to the exchange.
async fn up(mut client: ReadHalf<Line>, mut upstream: OwnedWriteHalf, both: &Both<'_>) -> End {
    let own = both.own;
    let mut number = 0;
    loop {
        let Ok(Some(frame)) = frames::read(&mut client).await else { return End::Closed };
        if both.is_frozen() {
            continue;
        }
        if frame.is_text() && own.kind == Kind::Api {
            match ask(&frame, number, both).await {
                Ok(true) => {}
                Ok(false) => {
                    number += 1;
                    continue;
                }
                Err(end) => return end,
            }
            number += 1;
        }
        if upstream.write_all(&frame.raw).await.is_err() {
            // What the exchange said last is still on its way.
            let _ = client.read(&mut [0; 1]).await;
            return End::Closed;
        }
    }
}

/// What becomes of a request; whether it is passed on.
async fn ask(frame: &Frame, number: u64, both: &Both<'_>) -> Result<bool, End> {
    let own = both.own;
    let request: Value = serde_json::from_str(frame.text()).unwrap_or_default();
    let (id, method) = (&request["id"], request["method"].as_str().unwrap_or_default());
    let drawn = own.shared.fault(own.shared.plan.request(own.kind, own.number, number));
    let stays = drawn.is_some_and(|drawn| {
        use Fault as F;
        matches!(drawn.fault, F::ResetBefore | F::FailBefore | F::Lost | F::Throttled | F::Banned)
    });
    own.shared.log.placed(method, &names_in_json(&request["params"]), !stays);
    own.shared.log.count("requests");
    let Some(drawn) = drawn else { return Ok(true) };
    own.say(drawn.fault, &format!("request {number}, {method}"));
    match drawn.fault {
        Fault::Late => sleep(Duration::from_millis(drawn.delay_ms)).await,
        Fault::ResetBefore => return Err(End::Reset),
        Fault::ResetAfter => both.keep(id, Instead::Reset),
        Fault::Swallowed => both.keep(id, Instead::Nothing),
        Fault::FailAfter => both.keep(id, Instead::Text(failed(id, drawn.status))),
        Fault::FailBefore => both.send(frames::text(&failed(id, drawn.status))).await,
        Fault::Throttled | Fault::Banned => {
            let after = drawn.retry_after_s.map(|seconds| own.shared.now_ms() + seconds * 1_000);
            both.send(frames::text(&refused(id, drawn.status, after))).await;
        }
        _ => {}
    }
    Ok(!stays)
}

fn failed(id: &Value, status: u16) -> String {
    let code = match status {
        504 => -1007,
        503 => -1006,
        _ => -1000,
    };
    let error = json!({"code": code, "msg": "Nobody knows; this answer is the proxy's."});
    json!({"id": id, "status": status, "error": error}).to_string()
}

fn refused(id: &Value, status: u16, retry_after_ms: Option<u64>) -> String {
    let mut error = json!({"code": -1003, "msg": "Too many requests; this answer is the proxy's."});
    if let Some(at) = retry_after_ms {
        error["data"] = json!({"retryAfter": at});
    }
    json!({"id": id, "status": status, "error": error}).to_string()
}
