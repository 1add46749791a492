//! Guests that know what they were told: they count, and hand the count over as their state. And
//! guests that do what no plugin may.

use sandpit_core::{
    ids::{InstrumentId, OrderTag},
    market::Side,
    num::Quantity,
    plugin::{OrderUpdate, OrderUpdateKind, PluginEvent},
    time::UnixNanos,
};

use crate::support::Guest;

/// The price of a trade that does to [`trips`] what it was made for.
pub(crate) const WIRE: i64 = 1_000_000_007;

/// A step of the sum over everything that was told, in its order.
const PRIME: u64 = 1_099_511_628_211;

/// Where a guest keeps what it knows, and how much that is.
const STATE_AT: u32 = 12_288;
const STATE_BYTES: u32 = 48;
/// Where a session says whether it comes with a saved state, and where that is.
const RESTORED_AT: u32 = 124;
const DATA_AT: u32 = 140;

/// What a counter saved. Trades are numbered by their prices, order reports by their tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Trades.
    pub(crate) trades: u64,
    /// Number of the last one.
    pub(crate) last: u64,
    /// Trades whose number was not the one after the last.
    pub(crate) gaps: u64,
    /// Over all numbers in their order.
    pub(crate) sum: u64,
    /// Order reports, and the same over them.
    pub(crate) orders: u64,
    pub(crate) orders_sum: u64,
}

impl Count {
    pub(crate) fn read(state: &[u8]) -> Self {
        let words: Vec<u64> =
            state.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
        let [trades, last, gaps, sum, orders, orders_sum] = words[..] else {
            panic!("{} bytes are no count", state.len())
        };
        Self { trades, last, gaps, sum, orders, orders_sum }
    }

    /// As the guest counts a trade.
    pub(crate) fn trade(&mut self, number: u64) {
        self.trades += 1;
        self.gaps += u64::from(number != self.last + 1);
        self.last = number;
        self.sum = (self.sum ^ number).wrapping_mul(PRIME);
    }

    /// As the guest counts an order report.
    pub(crate) fn order(&mut self, tag: u64) {
        self.orders += 1;
        self.orders_sum = (self.orders_sum ^ tag).wrapping_mul(PRIME);
    }
}

/// Adds to the sum at `sum` and to the count at `count`.
fn summed(count: u32, sum: u32, number: &str) -> String {
    format!(
        "(i64.store (i32.const {count}) (i64.add (i64.load (i32.const {count})) (i64.const 1)))
         (i64.store (i32.const {sum})
           (i64.mul (i64.xor (i64.load (i32.const {sum})) {number}) (i64.const {PRIME})))"
    )
}

/// Counts, keeps its count over restarts and swaps, and asks for an order with the number of the
/// trade as its tag in every `every`th trade.
pub(crate) fn counter(every: u64) -> Guest {
    counter_that("", every)
}

/// The same, and does `first` before all else in every trade.
fn counter_that(first: &str, every: u64) -> Guest {
    let (last, gaps) = (STATE_AT + 8, STATE_AT + 16);
    let trades = summed(STATE_AT, STATE_AT + 24, "(local.get 2)");
    let orders =
        summed(STATE_AT + 32, STATE_AT + 40, "(i64.load (i32.add (local.get 0) (i32.const 8)))");
    Guest::idle()
        .named("counter")
        .pages(16)
        .intents(1)
        .body(
            "start",
            &format!(
                "(if (i32.load8_u (i32.add (local.get 0) (i32.const {RESTORED_AT})))
                   (then (memory.copy (i32.const {STATE_AT})
                     (i32.load (i32.add (local.get 0) (i32.const {DATA_AT})))
                     (i32.const {STATE_BYTES}))))
                 i32.const 16"
            ),
        )
        .body(
            "on-trade",
            &format!(
                "{first}
                 {trades}
                 (if (i64.ne (local.get 2) (i64.add (i64.load (i32.const {last})) (i64.const 1)))
                   (then (i64.store (i32.const {gaps})
                     (i64.add (i64.load (i32.const {gaps})) (i64.const 1)))))
                 (i64.store (i32.const {last}) (local.get 2))
                 (i64.store (i32.const 8200) (local.get 2))
                 (i64.eqz (i64.rem_u (local.get 2) (i64.const {every})))"
            ),
        )
        .body("on-order", &format!("{orders} i32.const 0"))
        .body(
            "save",
            &format!(
                "(i32.store (i32.const 136) (i32.const {STATE_AT}))
                 (i32.store (i32.const 140) (i32.const {STATE_BYTES}))
                 i32.const 136"
            ),
        )
}

/// Counts, and does this in a trade at [`WIRE`].
pub(crate) fn trips(over: &str) -> Guest {
    counter_that(
        &format!("(if (i64.eq (local.get 2) (i64.const {WIRE})) (then {over}))"),
        1_000_000,
    )
}

/// Never comes back by itself.
pub(crate) const SPIN: &str = "(loop $on (br $on))";

/// Spins in every trade.
pub(crate) fn spinner() -> Guest {
    Guest::idle().named("spinner").body("on-trade", &format!("{SPIN} i32.const 0"))
}

/// Traps in every trade.
pub(crate) fn trapper() -> Guest {
    Guest::idle().named("trapper").body("on-trade", "unreachable")
}

/// Asks in every trade for as much as one call may ask for.
pub(crate) fn flooder() -> Guest {
    Guest::idle().named("flooder").intents(64)
}

/// Counts in circles so often in every `every`th trade, and asks for nothing.
pub(crate) fn grinder(every: u64, rounds: u64) -> Guest {
    let body = format!(
        "(if (i64.eqz (i64.rem_u (local.get 2) (i64.const {every}))) (then
           (local.set $i (i32.const {rounds}))
           (loop $on
             (local.set $i (i32.sub (local.get $i) (i32.const 1)))
             (br_if $on (local.get $i)))))
         i32.const 0"
    );
    Guest::idle().named("grinder").body("on-trade", &body)
}

/// Refuses to start.
pub(crate) fn refuser() -> Guest {
    let body = "(i32.store8 (i32.const 16) (i32.const 1))
         (i32.store (i32.const 20) (i32.const 1024))
         (i32.store (i32.const 24) (i32.const 7))
         i32.const 16";
    Guest::idle().named("refuser").body("start", body)
}

/// What became of an order.
pub(crate) fn order(time: UnixNanos, tag: u64) -> PluginEvent {
    PluginEvent::Order(OrderUpdate {
        time,
        tag: OrderTag(tag),
        instrument: InstrumentId(0),
        side: Side::Buy,
        kind: OrderUpdateKind::Accepted,
        quantity: Quantity(1),
        filled: Quantity(0),
        closed: false,
    })
}
