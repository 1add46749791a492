//! Servers of one connection after the other, each with a thread that does what a test says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread::JoinHandle,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use super::probe::PATIENCE;

/// A server.
pub(crate) struct Server {
    /// `127.0.0.1:port`.
    pub(crate) place: String,
    thread: JoinHandle<()>,
}

impl Server {
    /// Gives each connection to `serve`, as many as `connections`, one after the other.
    pub(crate) fn new(
        connections: usize,
        mut serve: impl FnMut(TcpStream) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            for _ in 0..connections {
                let stream = listener.accept().unwrap().0;
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                serve(stream);
            }
        });
        Self { place, thread }
    }

    /// One that opens WebSockets.
    pub(crate) fn sockets(
        connections: usize,
        mut serve: impl FnMut(WebSocket<TcpStream>) + Send + 'static,
    ) -> Self {
        Self::new(connections, move |stream| serve(accept(stream).unwrap()))
    }

    /// One that says everything back.
    pub(crate) fn echo() -> Self {
        Self::sockets(1, echo)
    }

    /// Has it end, and fail where it failed.
    pub(crate) fn join(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.place.rsplit_once(':').unwrap().1.parse().unwrap()
    }
}

/// Says texts back until the other side says goodbye.
pub(crate) fn echo<S: Read + Write>(mut socket: WebSocket<S>) {
    while let Ok(message) = socket.read() {
        if message.is_text() {
            socket.send(message).unwrap();
        }
    }
}

/// Reads until the other side says goodbye or is gone.
pub(crate) fn texts<S: Read + Write>(socket: &mut WebSocket<S>) -> Vec<String> {
    let mut texts = Vec::new();
    while let Ok(message) = socket.read() {
        if let Message::Text(text) = message {
            texts.push(text.as_str().to_owned());
        }
    }
    texts
}

/// Reads one request over HTTP: its lines in lower case but the first, and its body.
pub(crate) fn request<S: Read>(stream: &mut BufReader<S>) -> Option<(String, Vec<String>, String)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let first = lines.remove(0);
    let length = lines.iter().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((first, lines, String::from_utf8(body).unwrap()))
}

/// An answer over HTTP.
pub(crate) fn answer(stream: &mut impl Write, head: &str, body: &str) {
    let length = body.len();
    write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    stream.flush().unwrap();
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An authority of these tests.
pub(crate) struct Authority(Issuer);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "of these tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// As a file has it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's side of TLS for these names, which ended long ago where `is_expired`.
    pub(crate) fn server(&self, names: &[&str], is_expired: bool) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if is_expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

/// TLS over a connection; its handshake happens with the first bytes.
pub(crate) fn tls(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream)
}

/// Answers one request and echoes the next connection, both over TLS: what a client with a REST
/// call and a WebSocket meets.
pub(crate) fn serve_tls(config: &Arc<ServerConfig>, stream: TcpStream) {
    let mut stream = BufReader::new(tls(config, stream));
    // Where the handshake fails there is nothing to read.
    let Ok(begin) = stream.fill_buf() else { return };
    if begin.starts_with(b"GET /rest") {
        request(&mut stream).unwrap();
        answer(stream.get_mut(), "200 OK", "over TLS");
    } else if !begin.is_empty() {
        let begin = begin.to_vec();
        let stream = Begun { begin, at: 0, stream: stream.into_inner() };
        echo(accept(stream).unwrap());
    }
}

/// A stream whose first bytes have been looked at.
struct Begun<S> {
    begin: Vec<u8>,
    at: usize,
    stream: S,
}

impl<S: Read> Read for Begun<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.begin.len() {
            return self.stream.read(buffer);
        }
        let read = (&self.begin[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

impl<S: Write> Write for Begun<S> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
