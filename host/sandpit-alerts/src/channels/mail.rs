//! E-mail over SMTP: TLS from the first byte, or STARTTLS without which nothing is sent.

use std::{error::Error, path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::{
    ChannelError, MailConfig, MailTls, SendError, Sending,
    error::certificate,
    http::authorities_pem,
    render::{body, chars, headline},
};
use crate::{Name, secret::ChannelSecret};

/// Characters of a mail. No server minds many more; nobody reads them.
const TEXT_CHARS_MAX: usize = 20_000;
/// How long one step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long all of them may take.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
const HELP: &str = "are user, password, sender and receivers right?";

pub(super) struct Mail {
    source: Name,
    from: Mailbox,
    to: Vec<Mailbox>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// An address.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

impl Mail {
    pub(super) fn new(
        source: Name,
        config: &MailConfig,
        password: Option<&ChannelSecret>,
    ) -> Result<Self, ChannelError> {
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = ChannelError::Value { key: "from", problem: "is no address" };
        let from = mailbox(&config.from).ok_or(wrong)?;
        let to = config.to.iter().filter_map(|to| mailbox(to)).collect();
        let parameters = || parameters(&config.host, config.ca.as_deref());
        let (tls, port) = match config.tls {
            MailTls::Implicit => (Tls::Wrapper(parameters()?), 465),
            MailTls::Starttls => (Tls::Required(parameters()?), 587),
            MailTls::Off => (Tls::None, 25),
        };
        // Dangerous by its name because it has no TLS unless it is told; it is.
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
                .port(config.port.unwrap_or(port))
                .tls(tls)
                .timeout(Some(STEP_TIMEOUT));
        if let Some((user, password)) = config.user.as_ref().zip(password) {
            let password = password.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self { source, from, to, transport: builder.build() })
    }

    pub(super) async fn send(&self, sending: Sending<'_>) -> Result<(), SendError> {
        let message = self.message(sending).ok_or(SendError::Message)?;
        let sent = tokio::time::timeout(TOTAL_TIMEOUT, self.transport.send(message)).await;
        match sent {
            Err(_) => Err(SendError::Timeout),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
        }
    }

    fn message(&self, sending: Sending<'_>) -> Option<Message> {
        let text = body(&self.source, sending, TEXT_CHARS_MAX, str::to_owned, chars);
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(headline(&self.source, sending.notice))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(text).ok()
    }
}

/// Says that no person wrote it, so that no machine answers (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn parameters(host: &str, ca: Option<&Path>) -> Result<TlsParameters, ChannelError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca {
        const NONE: ChannelError = ChannelError::Authorities("are no certificates in PEM");
        let pem = authorities_pem(path)?;
        // An empty list would be taken, and nobody trusted.
        if !pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
            return Err(NONE);
        }
        let authorities = Certificate::from_pem(&pem).map_err(|_| NONE)?;
        builder =
            builder.certificate_store(CertificateStore::None).add_root_certificate(authorities);
    }
    builder.build().map_err(|_| ChannelError::Client)
}

fn failure(error: &lettre::transport::smtp::Error) -> SendError {
    let status = || error.status().map_or(0, |code| code.to_string().parse().unwrap_or(0));
    if let Some(error) = certificate(error) {
        error
    } else if error.is_timeout() {
        SendError::Timeout
    } else if error.is_transient() {
        SendError::Broken { status: status() }
    } else if error.is_permanent() {
        SendError::Refused { status: status(), help: HELP }
    } else if error.is_client() {
        SendError::Refused { status: 0, help: "it offers neither the TLS nor the login asked for" }
    } else if error.is_response() {
        SendError::Answer
    } else {
        SendError::Unreachable
    }
}
