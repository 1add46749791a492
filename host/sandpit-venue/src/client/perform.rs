//! What a machine wants, done: queues, connections, calls. What may not be done is answered as if it
//! had failed, and a person is told.

use std::{task::Context, time::Instant};

use super::{
    address::{AddressError, Kind},
    counts::one,
    driver::{Driver, End, Own},
    link::Link,
    queue::Waiting,
    rest::CALLS_MAX,
};
use crate::machine::{Call, CallId, LinkId, NoReply, Notice, Output};

/// WebSockets at once. One more is not opened.
pub const LINKS_MAX: usize = 64;

impl Driver {
    pub(super) fn perform(&mut self, output: Output, cx: &mut Context<'_>) {
        let shared = &self.shared;
        match output {
            Output::Say(message) => shared.messages.push(message),
            Output::Market(event) => shared.market.push(event),
            Output::History(event) => shared.history.push(event),
            Output::Notice(notice) => shared.notices.push(notice),
            Output::Open { link, url } => return self.open(link, &url),
            Output::Close(link) => return self.close(link, cx),
            Output::Send { link, text } => {
                let now = Instant::now();
                let sent = self.links.get_mut(&link).is_some_and(|link| link.send(text, cx, now));
                if !sent {
                    one(&shared.counters.sends_dropped);
                }
                return;
            }
            Output::Call(call) => return self.call(&call),
        }
        shared.wake.raise();
    }

    fn open(&mut self, link: LinkId, url: &str) {
        if self.links.contains_key(&link) {
            // The end of the one that is there will be told by its number, which is enough.
            return self.alert(format!("connection {} is open already", link.0));
        }
        if self.end == End::Closing {
            return self.own.push_back(Own::Closed(link, "all is being closed".to_owned()));
        }
        let (server, uri) = match self.hosts.allow(url, Kind::Socket) {
            Ok(allowed) => allowed,
            Err(error) => {
                self.refuse(&error);
                return self.own.push_back(Own::Closed(link, error.to_string()));
            }
        };
        if self.links.len() >= LINKS_MAX {
            let why = format!("{LINKS_MAX} connections are open already");
            return self.own.push_back(Own::Closed(link, why));
        }
        let links = &self.links;
        let is_open = |number| links.contains_key(&LinkId(number));
        let traffic = self.shared.counters.traffic(link.0, is_open);
        let times = (self.settings.upgrade_timeout, self.settings.write_timeout);
        self.links.insert(link, Link::open(self.dialer.clone(), server, uri, traffic, times));
    }

    fn close(&mut self, link: LinkId, cx: &mut Context<'_>) {
        if let Some(link) = self.links.get_mut(&link) {
            link.close(cx, Instant::now(), self.settings.close_timeout);
        }
    }

    fn call(&mut self, call: &Call) {
        one(&self.shared.counters.calls);
        let server = match self.hosts.allow(&call.base, Kind::Rest) {
            Ok((server, uri)) if uri.query().is_none() && matches!(uri.path(), "" | "/") => server,
            Ok(_) => return self.not_sent(call.id, "its base is more than a server"),
            Err(error) => {
                self.refuse(&error);
                return self.not_sent(call.id, "its server is none of the venue's");
            }
        };
        if self.calls.len() >= CALLS_MAX {
            return self.not_sent(call.id, "too many calls are under way");
        }
        match self.rest.call(call, server) {
            Ok(calling) => self.calls.push(calling),
            Err(why) => self.not_sent(call.id, why),
        }
    }

    fn not_sent(&mut self, call: CallId, why: &str) {
        tracing::warn!(call = call.0, why, "a call is not made");
        one(&self.shared.counters.calls_never_sent);
        self.own.push_back(Own::NoReply(call, NoReply::NeverSent));
    }

    fn refuse(&self, error: &AddressError) {
        one(&self.shared.counters.refused);
        self.alert(format!("not connected: {error}"));
    }

    /// Something that a person must look at. Where too much waits already it is counted only.
    fn alert(&self, text: String) {
        tracing::warn!("{text}");
        let shared = &self.shared;
        match shared.notices.push_below(shared.notices.max(), Notice::Alert(text)) {
            Ok(()) => shared.wake.raise(),
            Err(_) => one(&shared.counters.notices_dropped),
        }
    }
}
