//! What a strategy says of itself before it has a session.

use core::time::Duration;

use crate::{Parameters, time::nanos, wire};

/// Market data that a strategy wants, for every instrument of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Every trade.
    Trades,
    /// Every change of the best bid or ask.
    Quotes,
    /// Completed bars of this interval: 1 s to 7 d.
    Bars(Duration),
    /// This many levels a side, on every change of the book: 1 to 50.
    Depth(u16),
}

impl From<Data> for wire::DataKind {
    fn from(data: Data) -> Self {
        match data {
            Data::Trades => Self::Trades,
            Data::Quotes => Self::Quotes,
            Data::Bars(interval) => Self::Bars(nanos(interval)),
            Data::Depth(levels) => Self::Depth(levels),
        }
    }
}

/// Name, version, summary, wanted data. Begun by [`crate::description!`], which takes the first
/// three from `Cargo.toml`; the parameters are added by the SDK.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    name: String,
    version: String,
    summary: String,
    subscriptions: Vec<Data>,
    warm_up: Vec<(Data, u32)>,
    state_schema: u32,
}

impl Description {
    /// With `name` of `a-z`, `0-9` and `-`, a semantic version, and what the strategy does and
    /// when it loses.
    #[must_use]
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            subscriptions: Vec::new(),
            warm_up: Vec::new(),
            state_schema: 0,
        }
    }

    /// Another summary: what the strategy does and when it loses, at most 1,024 bytes.
    #[must_use]
    pub fn summary(mut self, summary: &str) -> Self {
        summary.clone_into(&mut self.summary);
        self
    }

    /// Wants this data. What is not asked for is never told.
    #[must_use]
    pub fn subscribe(mut self, data: Data) -> Self {
        self.subscriptions.push(data);
        self
    }

    /// Wants this data, and the last `count` events of it from before the session: at most
    /// 10,000. Depth has no history.
    #[must_use]
    pub fn subscribe_with_history(mut self, data: Data, count: u32) -> Self {
        self.warm_up.push((data, count));
        self.subscribe(data)
    }

    /// The number of the layout of what `save` returns.
    #[must_use]
    pub const fn state_schema(mut self, schema: u32) -> Self {
        self.state_schema = schema;
        self
    }

    /// As the contract carries it, with the parameters of `P`.
    #[must_use]
    pub fn into_wire<P: Parameters>(self) -> wire::Description {
        wire::Description {
            name: self.name,
            version: self.version,
            summary: self.summary,
            parameters: P::describe(),
            subscriptions: self.subscriptions.into_iter().map(Into::into).collect(),
            warm_up: self
                .warm_up
                .into_iter()
                .map(|(data, count)| wire::WarmUp { kind: data.into(), count })
                .collect(),
            state_schema: self.state_schema,
        }
    }
}

/// A [`Description`] with name, version and summary of the crate's `Cargo.toml`.
#[macro_export]
macro_rules! description {
    () => {
        $crate::Description::new(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
            ::core::env!("CARGO_PKG_DESCRIPTION"),
        )
    };
}
