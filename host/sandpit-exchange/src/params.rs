//! Parameters of a request, from a query, a form or JSON, and how they are read.

use serde_json::Value;

use crate::{
    amount::{Amount, AmountError},
    refusal::Refusal,
};

/// Parameters of a request at most.
const PARAMS_MAX: usize = 64;
/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 8_192;

/// Names and values in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

fn decode(text: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
                let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                bytes.push(value.ok_or_else(Refusal::bad_signature)?);
                rest = &rest[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::bad_signature())
}

impl Params {
    /// Reads `a=b&c=d`; several texts may be joined with `&`.
    pub(crate) fn from_query(text: &str) -> Result<Self, Refusal> {
        let mut params = Self::default();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            params.push(decode(name)?, decode(value)?)?;
        }
        Ok(params)
    }

    /// Reads the members of a JSON object; numbers, booleans and lists as they are written.
    pub(crate) fn from_json(value: &Value) -> Result<Self, Refusal> {
        let mut params = Self::default();
        let Value::Object(members) = value else {
            return if value.is_null() { Ok(params) } else { Err(Refusal::bad_json()) };
        };
        for (name, value) in members {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => continue,
                other => other.to_string(),
            };
            params.push(name.clone(), text)?;
        }
        Ok(params)
    }

    fn push(&mut self, name: String, value: String) -> Result<(), Refusal> {
        if self.get(&name).is_some() {
            return Err(Refusal::duplicate_parameter());
        }
        if self.0.len() >= PARAMS_MAX || value.len() > VALUE_BYTES_MAX {
            return Err(Refusal::too_many_parameters());
        }
        self.0.push((name, value));
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What a WebSocket request signs: all but the signature, by name.
    pub(crate) fn signed_text(&self) -> String {
        let mut pairs: Vec<_> = self.0.iter().filter(|(name, _)| name != "signature").collect();
        pairs.sort();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    /// Refuses what is not in either list.
    pub(crate) fn only(&self, known: &[&str], common: &[&str]) -> Result<(), Refusal> {
        let is_known = |name: &str| known.contains(&name) || common.contains(&name);
        let read = self.0.iter().filter(|(name, _)| is_known(name)).count();
        if read == self.0.len() { Ok(()) } else { Err(Refusal::unread(read, self.0.len())) }
    }

    /// A text that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).filter(|text| !text.is_empty()).ok_or_else(|| Refusal::mandatory(name))
    }

    /// A text that is not empty where it is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            Some("") => Err(Refusal::empty(name)),
            other => Ok(other),
        }
    }

    /// A number of the exchange, greater than zero where it is there.
    pub(crate) fn amount(&self, name: &str) -> Result<Option<Amount>, Refusal> {
        const RANGE: &str = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";
        let Some(text) = self.text(name)? else { return Ok(None) };
        match Amount::parse(text) {
            Ok(amount) if amount.is_zero() => Err(Refusal::mandatory(name)),
            Ok(amount) => Ok(Some(amount)),
            Err(AmountError::TooPrecise) => Err(Refusal::precision(name)),
            Err(AmountError::Malformed) => Err(Refusal::illegal(name, RANGE)),
            Err(AmountError::TooLarge) => Err(Refusal::mandatory(name)),
        }
    }

    /// A whole number.
    pub(crate) fn whole(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Refusal::illegal(name, "^[0-9]{1,20}$")),
        }
    }

    /// A count of rows: at most `max`, `default` where it is not said.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, Refusal> {
        let asked = self.whole("limit")?.map(|limit| usize::try_from(limit).unwrap_or(max));
        match asked {
            None => Ok(default),
            Some(0) => Err(Refusal::mandatory("limit")),
            Some(limit) => Ok(limit.min(max)),
        }
    }

    /// A client order id, or nothing.
    pub(crate) fn client_id(&self, name: &str) -> Result<Option<String>, Refusal> {
        const RANGE: &str = "^[a-zA-Z0-9-_]{1,36}$";
        let Some(text) = self.text(name)? else { return Ok(None) };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.len() > 36 || !text.bytes().all(plain) {
            return Err(Refusal::illegal(name, RANGE));
        }
        Ok(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn queries_and_json_are_read_alike() {
        let query = Params::from_query("symbol=BTCUSDT&&ids=%5B1%2C2%5D&on=true").unwrap();
        let json = Params::from_json(&json!({"symbol": "BTCUSDT", "ids": [1, 2], "on": true}));
        let of = |params: &Params| {
            ["symbol", "ids", "on"].map(|name| params.get(name).unwrap().to_owned())
        };
        assert_eq!(of(&query), of(&json.unwrap()));
        assert_eq!(query.get("none"), None);
        assert_eq!(Params::from_query("a=1&a=2"), Err(Refusal::duplicate_parameter()));
        assert!(Params::from_query("a=%zz").is_err());
        assert!(Params::from_query("a=%4").is_err());
        assert!(Params::from_query("a=%FF").is_err());
        assert!(Params::from_json(&json!([1])).is_err());
    }

    #[test]
    fn the_venues_example_signs_in_order_of_names() {
        let params = Params::from_json(&json!({
            "symbol": "BTCUSDT", "apiKey": "K", "timestamp": 5, "signature": "x"
        }));
        assert_eq!(params.unwrap().signed_text(), "apiKey=K&symbol=BTCUSDT&timestamp=5");
    }

    #[test]
    fn what_is_read_is_checked() {
        let params = Params::from_query("a=1.123456789&b=x&c=0&d=&e=-1&n=a%20b").unwrap();
        let codes = ["a", "b", "c", "d", "e"].map(|name| params.amount(name).unwrap_err().code);
        assert_eq!(codes, [-1111, -1100, -1102, -1105, -1100]);
        assert_eq!(params.client_id("n").unwrap_err().code, -1100);
        assert_eq!(params.amount("z"), Ok(None));
        assert_eq!(params.only(&["a"], &["b"]).unwrap_err().code, -1104);
    }
}
