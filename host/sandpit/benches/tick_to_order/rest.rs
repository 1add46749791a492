//! The REST side: one thread for each connection, answers from memory.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::Value;

use super::answers::{Books, method_of};

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Serves until the process ends.
pub(crate) fn serve(books: &Arc<Mutex<Books>>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let books = Arc::clone(books);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let books = Arc::clone(&books);
            // A connection that breaks is its client's to open again.
            thread::spawn(move || drop(connection(stream, &books)));
        }
    });
    Ok(address)
}

fn connection(stream: TcpStream, books: &Mutex<Books>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let mut body = vec![0; body_length(&mut reader)?];
        reader.read_exact(&mut body)?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let params = params(&[query, &String::from_utf8_lossy(&body)].join("&"));
        let answered = {
            let books = books.lock().unwrap_or_else(PoisonError::into_inner);
            books.answer(method_of(&verb, path), &params)
        };
        let (status, body) = match answered {
            Ok(body) => ("200 OK", body),
            Err(body) => ("400 Bad Request", body),
        };
        let body = body.to_string();
        write!(
            writer,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-mbx-used-weight-1m: 1\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

/// Reads the headers, and says how long the body is.
fn body_length(reader: &mut BufReader<TcpStream>) -> io::Result<usize> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            return Ok(length.min(BODY_BYTES_MAX));
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
}

/// Names and texts of a query. Nothing that is asked for here is written with percent signs.
fn params(query: &str) -> Value {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}
