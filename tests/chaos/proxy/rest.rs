//! REST through the proxy: a request at a time, to the exchange and back, or not.

use std::time::Duration;

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    time::sleep,
};

use super::{
    End, Line, Own,
    http::{self, Message},
    log::names_in_form,
    plan::{Drawn, Episode, Fault, Kind},
};

/// What tells that the venue is maintained.
const SYSTEM_STATUS: &str = "/sapi/v1/system/status";
const JSON: &str = "application/json;charset=UTF-8";

/// Serves a connection from its first request on.
pub(super) async fn serve(line: &mut Line, first: Message, own: &Own) -> End {
    let mut upstream = None;
    let mut next = Some(first);
    let mut number = 0;
    loop {
        let request = match next.take() {
            Some(request) => request,
            None => match http::read(line, false).await {
                Ok(Some(request)) => request,
                _ => return End::Closed,
            },
        };
        if let Err(end) = one(line, &request, number, &mut upstream, own).await {
            return end;
        }
        if request.is_last() {
            // Where it fails the other side has gone already.
            let _ = line.shutdown().await;
            return End::Closed;
        }
        number += 1;
    }
}

/// One request. An error is how the connection ends.
async fn one(
    line: &mut Line,
    request: &Message,
    number: u64,
    upstream: &mut Option<BufReader<TcpStream>>,
    own: &Own,
) -> Result<(), End> {
    let (shared, target) = (&own.shared, format!("{} {}", request.method(), request.path()));
    let drawn = shared.fault(shared.plan.request(Kind::Rest, own.number, number));
    let instead = before(request, drawn, own);
    let names = names_in_form(&request.form());
    shared.log.placed(&target, &names, instead.is_none());
    shared.log.count("requests");
    if let Some(drawn) = drawn {
        own.say(drawn.fault, &format!("request {number}, {target}"));
    }
    match instead {
        Some(Instead::Answer(answer)) => return own.write(line, &answer.raw()).await,
        Some(Instead::Reset) => return Err(End::Reset),
        Some(Instead::Silence) => return Err(own.silent(line).await),
        None => {}
    }
    if let Some(Drawn { fault: Fault::Late, delay_ms, .. }) = drawn {
        sleep(Duration::from_millis(delay_ms)).await;
    }
    let answer = ask(request, upstream, own).await.ok_or(End::Closed)?;
    own.earned(answer.status());
    match drawn {
        Some(Drawn { fault: Fault::ResetAfter, .. }) => return Err(End::Reset),
        Some(Drawn { fault: Fault::Swallowed, .. }) => return Err(own.silent(line).await),
        Some(Drawn { fault: Fault::FailAfter, status, .. }) => {
            return own.write(line, &failed(status, -1007).raw()).await;
        }
        _ => {}
    }
    let bad = shared.fault(shared.plan.message(Kind::Rest, own.number, number));
    if let Some(drawn) = bad {
        own.say(drawn.fault, &format!("answer {number} to {target}"));
    }
    match bad.map(|drawn| drawn.fault) {
        Some(Fault::Cut) => {
            let half = answer.body.len() / 2;
            let cut = Message { head: answer.head, body: answer.body[..half].to_vec() };
            own.write(line, &cut.raw()).await?;
            Err(End::Closed)
        }
        Some(Fault::Garbled) => {
            let mut answer = answer;
            garble(&mut answer.body);
            own.write(line, &answer.raw()).await
        }
        _ => own.write(line, &answer.raw()).await,
    }
}

enum Instead {
    Answer(Message),
    Reset,
    Silence,
}

/// What happens to a request that never arrives; `None` where it does.
fn before(request: &Message, drawn: Option<Drawn>, own: &Own) -> Option<Instead> {
    match own.shared.episode() {
        Some(Episode::Maintenance) if request.path() == SYSTEM_STATUS => {
            let body = r#"{"status":1,"msg":"system maintenance"}"#;
            return Some(Instead::Answer(http::answer(200, None, JSON, body)));
        }
        Some(Episode::Maintenance) => return Some(Instead::Answer(http::page(503))),
        Some(Episode::Outage) => return Some(Instead::Reset),
        Some(Episode::Silence) => return Some(Instead::Silence),
        Some(Episode::WrongCertificate) | None => {}
    }
    let drawn = drawn?;
    match drawn.fault {
        Fault::ResetBefore => Some(Instead::Reset),
        Fault::Lost => Some(Instead::Silence),
        Fault::FailBefore => Some(Instead::Answer(failed(drawn.status, -1001))),
        Fault::Throttled | Fault::Banned => {
            let body = r#"{"code":-1003,"msg":"Too much request weight used; this answer is the proxy's."}"#;
            Some(Instead::Answer(http::answer(drawn.status, drawn.retry_after_s, JSON, body)))
        }
        _ => None,
    }
}

/// A 5xx: what stands in front of the venue answers with pages, the venue itself with JSON.
fn failed(status: u16, code: i32) -> Message {
    if matches!(status, 502 | 503) {
        return http::page(status);
    }
    let body = format!(r#"{{"code":{code},"msg":"Nobody knows; this answer is the proxy's."}}"#);
    http::answer(status, None, JSON, &body)
}

/// Makes a text that is no JSON, of the same length.
pub(super) fn garble(text: &mut [u8]) {
    let third = text.len() / 3;
    for byte in text.iter_mut().skip(third).take(4) {
        *byte = b'<';
    }
    if let Some(first) = text.first_mut() {
        *first = b'}';
    }
}

/// Asks the exchange; `None` where it is not there.
async fn ask(
    request: &Message,
    upstream: &mut Option<BufReader<TcpStream>>,
    own: &Own,
) -> Option<Message> {
    if upstream.is_none() {
        *upstream = Some(BufReader::new(own.shared.upstream().await?));
    }
    let socket = upstream.as_mut()?;
    socket.write_all(&request.raw()).await.ok()?;
    let answer = http::read(socket, true).await.ok()??;
    if answer.is_last() {
        *upstream = None;
    }
    Some(answer)
}
