//! Who has presented too many wrong tokens is not heard for a while. The bound holds for each
//! address and for all together, and so does the memory of it.
//!
//! Guessing 256 bits leads nowhere; this keeps the log short and a fault of a client visible. So it
//! is never in the way of the kill switch: whoever has an operator's token can pull it meanwhile.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Wrong tokens from one address within [`WINDOW`], after which it is not heard.
pub(super) const FAILURES_MAX: u32 = 10;
/// Wrong tokens from all addresses within [`WINDOW`], after which only addresses are heard that have
/// presented a right one.
pub(super) const ALL_FAILURES_MAX: u32 = 200;
/// How long a wrong token counts.
const WINDOW: Duration = Duration::from_secs(60);
/// How long an address is not heard.
pub(super) const LOCKED: Duration = Duration::from_secs(60);
/// Addresses that are remembered. Beyond, the one that was heard of longest ago is forgotten,
/// and those that have presented a right token last.
const ADDRESSES_MAX: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Instant,
    since: Instant,
    failures: u32,
    locked_until: Option<Instant>,
    /// Whether a right token came from there.
    is_known: bool,
}

/// What is remembered of addresses.
#[derive(Debug)]
pub(super) struct Lockout {
    addresses: BTreeMap<IpAddr, Heard>,
    all_since: Instant,
    all: u32,
}

impl Lockout {
    pub(super) const fn new(now: Instant) -> Self {
        Self { addresses: BTreeMap::new(), all_since: now, all: 0 }
    }

    /// How long an address is still not heard, if it is not.
    pub(super) fn locked(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let heard = self.addresses.get(&network(address));
        let own = heard.and_then(|heard| heard.locked_until).filter(|until| *until > now);
        if let Some(until) = own {
            return Some(until - now);
        }
        let is_known = heard.is_some_and(|heard| heard.is_known);
        let all_end = self.all_since + WINDOW;
        (self.all >= ALL_FAILURES_MAX && now < all_end && !is_known).then(|| all_end - now)
    }

    /// A wrong token came from an address.
    pub(super) fn fail(&mut self, address: IpAddr, now: Instant) {
        if now >= self.all_since + WINDOW {
            (self.all_since, self.all) = (now, 0);
        }
        self.all = self.all.saturating_add(1);
        let heard = self.heard(address, now);
        if now >= heard.since + WINDOW {
            (heard.since, heard.failures) = (now, 0);
        }
        heard.last = now;
        heard.failures = heard.failures.saturating_add(1);
        if heard.failures >= FAILURES_MAX {
            heard.locked_until = Some(now + LOCKED);
            (heard.since, heard.failures) = (now, 0);
        }
    }

    /// A right one came.
    pub(super) fn succeed(&mut self, address: IpAddr, now: Instant) {
        let heard = self.heard(address, now);
        heard.last = now;
        heard.is_known = true;
    }

    fn heard(&mut self, address: IpAddr, now: Instant) -> &mut Heard {
        let address = network(address);
        if !self.addresses.contains_key(&address) && self.addresses.len() >= ADDRESSES_MAX {
            let oldest =
                self.addresses.iter().min_by_key(|(_, heard)| (heard.is_known, heard.last));
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.addresses.remove(&oldest);
            }
        }
        self.addresses.entry(address).or_insert(Heard {
            last: now,
            since: now,
            failures: 0,
            locked_until: None,
            is_known: false,
        })
    }
}

/// An IPv6 caller has 2^64 addresses of its own and counts as one; an IPv4 address in an IPv6
/// socket's form is what it is.
const fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(std::net::Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn too_many_wrong_tokens_lock_one_address_for_a_while() {
        let begin = Instant::now();
        let mut lockout = Lockout::new(begin);
        for _ in 1..FAILURES_MAX {
            lockout.fail(address(1), begin);
        }
        assert_eq!(lockout.locked(address(1), begin), None);
        lockout.fail(address(1), begin);
        assert_eq!(lockout.locked(address(1), begin), Some(LOCKED));
        assert_eq!(lockout.locked(address(2), begin), None);
        assert_eq!(lockout.locked(address(1), begin + LOCKED), None);
        // Seldom enough, and nothing happens.
        for minute in 2..40 {
            lockout.fail(address(3), begin + minute * WINDOW);
            assert_eq!(lockout.locked(address(3), begin + minute * WINDOW), None);
        }
    }

    #[test]
    fn many_addresses_lock_all_but_the_known_ones_and_memory_has_a_bound() {
        let begin = Instant::now();
        let mut lockout = Lockout::new(begin);
        lockout.succeed(address(7), begin);
        for number in 0..ALL_FAILURES_MAX {
            lockout.fail(address(100 + number), begin);
        }
        assert_eq!(lockout.locked(address(7), begin), None);
        assert_eq!(lockout.locked(address(8), begin), Some(WINDOW));
        assert_eq!(lockout.locked(address(8), begin + WINDOW), None);
        for number in 0..5_000 {
            lockout.fail(address(1_000 + number), begin + Duration::from_secs(1));
        }
        assert_eq!(lockout.addresses.len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_caller_with_a_network_of_its_own_is_one_caller() {
        let begin = Instant::now();
        let mut lockout = Lockout::new(begin);
        for host in 0..FAILURES_MAX {
            lockout.fail(format!("2001:db8::{host:x}").parse().unwrap(), begin);
        }
        let locked = |text: &str| lockout.locked(text.parse().unwrap(), begin).is_some();
        assert!(locked("2001:db8::ffff"));
        assert!(!locked("2001:db8:0:1::1") && !locked("::ffff:10.0.0.1"));
    }
}
