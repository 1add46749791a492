//! One thing that is asked, in a form that can wait: where it goes, what it costs, and its own
//! parameters. Time, key and signature come when it is sent.

use sandpit_core::{ids::ClientOrderId, num::Decimal};

use crate::binance::{
    request::{Cost, Endpoint, Request, RequestError},
    sign::{Params, Value},
};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Word(&'static str),
    Text(String),
    Texts(Vec<String>),
    Id(ClientOrderId),
    Decimal(Decimal),
    Number(u64),
    Flag(bool),
}

impl Owned {
    fn of(value: &Value<'_>) -> Self {
        match *value {
            Value::Word(word) => Self::Word(word),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Texts(texts) => {
                Self::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
            }
            Value::Id(id) => Self::Id(id),
            Value::Decimal(number) => Self::Decimal(number),
            Value::Number(number) => Self::Number(number),
            Value::Flag(flag) => Self::Flag(flag),
        }
    }
}

/// What is asked, whatever the dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    endpoint: &'static Endpoint,
    cost: Cost,
    params: Vec<(&'static str, Owned)>,
}

impl Wish {
    /// Of the parts that any dialect has.
    #[must_use]
    pub fn new(endpoint: &'static Endpoint, cost: Cost, params: &Params<'_>) -> Self {
        let params = params.iter().map(|(name, value)| (*name, Owned::of(value))).collect();
        Self { endpoint, cost, params }
    }

    /// Of a request to Spot.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn spot(request: &Request<'_>) -> Result<Self, RequestError> {
        Ok(Self::new(request.endpoint(), request.cost(), &request.params()?))
    }

    /// Where it goes.
    #[must_use]
    pub const fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// What it costs.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Hands its parameters to whoever writes them.
    pub(super) fn with_params<T>(&self, write: impl FnOnce(Params<'_>) -> T) -> T {
        let lists: Vec<Vec<&str>> = self
            .params
            .iter()
            .filter_map(|(_, value)| match value {
                Owned::Texts(texts) => Some(texts.iter().map(String::as_str).collect()),
                _ => None,
            })
            .collect();
        let mut lists = lists.iter();
        let mut params = Params::default();
        for (name, value) in &self.params {
            let value = match value {
                Owned::Word(word) => Value::Word(word),
                Owned::Text(text) => Value::Text(text),
                Owned::Texts(_) => Value::Texts(lists.next().map_or(&[], Vec::as_slice)),
                Owned::Id(id) => Value::Id(*id),
                Owned::Decimal(number) => Value::Decimal(*number),
                Owned::Number(number) => Value::Number(*number),
                Owned::Flag(flag) => Value::Flag(*flag),
            };
            params.push(name, value);
        }
        write(params)
    }
}
