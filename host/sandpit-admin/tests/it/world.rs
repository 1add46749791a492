//! A server with a session, a token of each role, and ways to ask.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use sandpit_admin::{HttpOptions, HttpServer, Role, Tokens};
use tempfile::TempDir;

use crate::{
    client::{Reply, raw, request},
    fake::FakeSession,
};

/// A server that runs.
pub struct Served {
    pub server: HttpServer,
    pub session: FakeSession,
    pub viewer: String,
    pub operator: String,
    pub tokens: PathBuf,
    pub folder: TempDir,
}

impl Served {
    pub fn begin() -> Self {
        Self::moving(Duration::from_secs(3_600))
    }

    /// With a session that moves once every so often.
    pub fn moving(every: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let mut tokens = Tokens::default();
        let viewer = tokens.add("grafana", Role::Viewer, 0, None).unwrap().show().to_owned();
        let operator = tokens.add("ada", Role::Operator, 0, None).unwrap().show().to_owned();
        tokens.write(&path).unwrap();
        let session = FakeSession::begin(every);
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = HttpOptions { listen, tls: None, tokens: path.clone(), hosts: Vec::new() };
        let server = HttpServer::open(&options, session.queue.clone(), session.records()).unwrap();
        Self { server, session, viewer, operator, tokens: path, folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// Asks with a token.
    pub fn ask(&self, token: &str, method: &str, target: &str, body: Option<&str>) -> Reply {
        let bearer = format!("Bearer {token}");
        self.say(method, target, &[("Authorization", &bearer)], body)
    }

    /// Asks with the headers that a plain client sends, and further ones.
    pub fn say(
        &self,
        method: &str,
        target: &str,
        further: &[(&str, &str)],
        body: Option<&str>,
    ) -> Reply {
        let host = self.host();
        let mut headers = vec![("Host", host.as_str())];
        if body.is_some() && !further.iter().any(|(name, _)| *name == "Content-Type") {
            headers.push(("Content-Type", "application/json"));
        }
        headers.extend(further);
        raw(self.address(), &request(method, target, &headers, body)).expect("an answer")
    }
}
