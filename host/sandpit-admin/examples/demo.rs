//! The page over a session written by hand, to look at it: `cargo run --example demo`. It listens on
//! 127.0.0.1:8930 and makes a token in a folder of its own.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a demonstration")]
#![expect(dead_code, unreachable_pub, reason = "the fake session is shared with the tests")]

#[path = "../tests/it/fake.rs"]
mod fake;

use std::time::Duration;

use sandpit_admin::{HttpOptions, HttpServer, Role, Tokens};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let mut tokens = Tokens::default();
    let token = tokens.add("demo", Role::Operator, 0, None).unwrap();
    tokens.write(&path).unwrap();
    let session = fake::FakeSession::begin(Duration::from_secs(1));
    let listen = "127.0.0.1:8930".parse().unwrap();
    let options = HttpOptions { listen, tls: None, tokens: path, hosts: Vec::new() };
    let server = HttpServer::open(&options, session.queue.clone(), session.records()).unwrap();
    println!("http://{}\n{}", server.address(), token.show());
    loop {
        std::thread::park();
    }
}
