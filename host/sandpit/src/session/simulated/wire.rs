//! What is on its way between the host and a simulated venue, in the order of its arrival. It is
//! memory of neither: a process that ends loses it, as a network does.

use std::collections::BTreeMap;

use sandpit_core::{
    time::UnixNanos,
    venue::{VenueMessage, VenueRequest},
};

/// One message.
#[derive(Debug)]
pub(super) enum Message {
    Asked(VenueRequest),
    Said(VenueMessage),
}

/// All messages under way. What arrives at one time arrives in the order of its departure.
#[derive(Debug, Default)]
pub(super) struct Wire {
    messages: BTreeMap<(UnixNanos, u64), Message>,
    departures: u64,
}

impl Wire {
    pub(super) fn depart(&mut self, arrives: UnixNanos, message: Message) {
        self.messages.insert((arrives, self.departures), message);
        self.departures += 1;
    }

    /// When the next message arrives.
    #[inline]
    pub(super) fn next_time(&self) -> Option<UnixNanos> {
        self.messages.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn take(&mut self) -> Option<Message> {
        self.messages.pop_first().map(|(_, message)| message)
    }
}
