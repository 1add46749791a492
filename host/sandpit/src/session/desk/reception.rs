//! Who asks before the venue is open: the socket and the HTTP interface are there from the session's first moment, says what
//! is waited for, and takes no command, since there is nothing yet that could do it.

use std::path::PathBuf;

use sandpit_plugin::Mode;

use crate::{
    admin::{
        Answer, Asked, Command, HttpServer, LineView, Refusal, RefusalCode, Server, StatusView,
        socket_path,
    },
    config::RunConfig,
    session::{
        Clock as _, Options, SessionError, SystemClock, course::moment, look,
        records::JournalRecords,
    },
};

/// In place of a trading state, which only a session has that is open.
const OPENING: &str = "opening";
/// What is waited for until the line says something else.
const VENUE: &str = "waiting for the venue to open";

/// The doors of a session that is being opened.
pub(in crate::session) struct Reception {
    /// Before the socket, so that it ends first.
    http: Option<HttpServer>,
    server: Server,
    mode: Mode,
    run: u64,
    waiting: String,
}

impl Reception {
    /// Begins to listen.
    pub(in crate::session) fn open(
        config: &RunConfig,
        options: &Options,
        mode: Mode,
        journal: PathBuf,
    ) -> Result<Self, SessionError> {
        let server = Server::open(&socket_path(&options.state))?;
        let http = config.admin.as_ref().map(|http| {
            let records = Box::new(JournalRecords::new(journal));
            HttpServer::open(http, server.queue().clone(), records)
        });
        Ok(Self {
            http: http.transpose()?,
            server,
            mode,
            run: options.run.0,
            waiting: VENUE.to_owned(),
        })
    }

    /// Answers everybody who has asked. From now on it waits for this, where it is for something else.
    pub(in crate::session) fn meanwhile(&mut self, waiting: Option<&str>) {
        if let Some(what) = waiting {
            what.clone_into(&mut self.waiting);
        }
        while let Some(asked) = self.server.take() {
            self.answer(asked);
        }
    }

    fn answer(&self, asked: Asked) {
        let answer = match asked.command {
            Command::Status => Ok(Answer::Status(Box::new(self.status()))),
            _ => {
                let message = format!("the session is not open yet: {}", self.waiting);
                Err(Refusal::new(RefusalCode::NotNow, message)
                    .help("nothing is sent to a venue before; Ctrl-C or a signal ends the session"))
            }
        };
        asked.answer(answer);
    }

    fn status(&self) -> StatusView {
        StatusView {
            mode: look::mode_name(self.mode).to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            run: self.run,
            now: moment(SystemClock::new().date()),
            trading_state: OPENING.to_owned(),
            line: Some(LineView { waiting: Some(self.waiting.clone()), ..LineView::default() }),
            ..StatusView::default()
        }
    }

    /// The doors, for the desk of the session. Who asks meanwhile waits.
    pub(super) fn into_servers(self) -> (Server, Option<HttpServer>) {
        (self.server, self.http)
    }
}
