//! What the venue's filters compare an order with: the last price, the venue's average price, what
//! the account has and has asked for. Where one of them is not known the filter is not asked, and
//! the venue decides.
//!
//! The last price is the market data's, while its connections are up. The average price is asked for
//! now and then, of symbols with a filter that needs it; the venue's own may have moved since. The
//! balance of the base asset is what own events and the books say.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    num::{Decimal, Price, Quantity},
    time::{Nanos, UnixNanos},
};

use super::{Purpose, Trading, Turn};
use crate::binance::{
    Amount, decimal,
    error_code::Outcome,
    filters::{Filter, FilterState, OpenCounts, Reference},
    gate::{Ended, Wish},
    limits::Lane,
    request::Request,
    response::{AccountAnswer, AccountPosition, AveragePrice},
};

/// See the head of this module.
#[derive(Debug, Default)]
pub(super) struct State {
    last: BTreeMap<InstrumentId, Decimal>,
    average: BTreeMap<InstrumentId, (Decimal, UnixNanos)>,
    /// When average prices are asked for again.
    pub(super) ask_at: Option<UnixNanos>,
    /// By asset, free and locked.
    balances: BTreeMap<String, Amount>,
}

/// A number on the instrument's grid as an amount.
pub(super) fn amount(instrument: &Instrument, quantity: Quantity) -> Amount {
    let number = instrument.quantity_decimal(quantity);
    let places = u32::from(Amount::SCALE.saturating_sub(number.scale));
    Amount(i128::from(number.mantissa).saturating_mul(10i128.saturating_pow(places)))
}

fn needs_average(filter: &Filter) -> bool {
    matches!(
        filter,
        Filter::PercentPrice { reference: Reference::Average(_), .. }
            | Filter::PercentPriceBySide { reference: Reference::Average(_), .. }
            | Filter::MinNotional { reference: Reference::Average(_), .. }
            | Filter::Notional { reference: Reference::Average(_), .. }
    )
}

impl Trading {
    /// The market traded at this price.
    pub fn traded_at(&mut self, instrument: InstrumentId, price: Price) {
        if let Some(listed) = self.desk.get(instrument) {
            self.state.last.insert(instrument, listed.instrument.price_decimal(price));
        }
    }

    /// The market is not heard any more: its last price is none.
    pub fn market_lost(&mut self) {
        self.state.last.clear();
    }

    /// Own events are not heard any more: nobody knows what the account has.
    pub(super) fn balances_lost(&mut self) {
        self.state.balances.clear();
    }

    /// The books say what the account has; an asset that they do not name is not there.
    pub(super) fn note_account(&mut self, account: &AccountAnswer<'_>) {
        let bases: Vec<String> =
            self.desk.all().map(|(_, instrument)| instrument.spec().base.clone()).collect();
        for base in bases {
            let found = account.balances.iter().find(|balance| *balance.asset == *base);
            let sum = found.map_or(Some(Amount::ZERO), |one| sum(one.free, one.locked));
            self.note_balance(base, sum);
        }
    }

    /// An own event says what the account has.
    pub(super) fn note_position(&mut self, position: &AccountPosition<'_>) {
        for balance in &position.balances {
            let asset = balance.asset.to_string();
            // Of other assets nothing is compared.
            if self.state.balances.contains_key(&asset) {
                self.note_balance(asset, sum(balance.free, balance.locked));
            }
        }
    }

    fn note_balance(&mut self, asset: String, sum: Option<Amount>) {
        match sum {
            Some(sum) => {
                self.state.balances.insert(asset, sum);
            }
            None => {
                self.state.balances.remove(&asset);
            }
        }
    }

    pub(super) fn filter_state(&self, instrument: InstrumentId, now: UnixNanos) -> FilterState {
        let counts = |of: Option<InstrumentId>| {
            let open = self.orders.open_on(of);
            OpenCounts {
                orders: open.orders,
                algo_orders: open.conditional,
                iceberg_orders: 0,
                lists: open.paired.div_ceil(2),
            }
        };
        let age =
            self.settings.average_every.map_or(Nanos(0), |every| Nanos(every.0.saturating_mul(2)));
        let average = self.state.average.get(&instrument);
        let average_price =
            average.filter(|(_, at)| now.since(*at) <= age).map(|(average, _)| *average);
        let base = self.desk.get(instrument).map(|listed| &listed.instrument.spec().base);
        let has = base.and_then(|base| self.state.balances.get(base));
        let bids = self.orders.open_on(Some(instrument)).bids;
        FilterState {
            last_price: self.state.last.get(&instrument).copied(),
            average_price,
            symbol: counts(Some(instrument)),
            exchange: counts(None),
            position: has.and_then(|has| has.0.checked_add(bids.0)).map(Amount),
        }
    }

    /// Asks for average prices where a filter needs them.
    pub(super) fn averages_due(&mut self, turn: &mut Turn<'_>) {
        let Some(every) = self.settings.average_every else { return };
        if !self.live || self.state.ask_at.is_some_and(|at| at > turn.now) {
            return;
        }
        self.state.ask_at = Some(turn.now.plus(every));
        let needed: Vec<(InstrumentId, String)> = self
            .desk
            .all()
            .filter(|(id, _)| {
                let listed = self.desk.get(*id);
                listed.is_some_and(|one| one.rules.filters.iter().any(needs_average))
            })
            .map(|(id, instrument)| (id, instrument.spec().symbol.clone()))
            .collect();
        for (id, symbol) in needed {
            let asked =
                self.calls.values().any(|one| matches!(one, Purpose::Average(of) if *of == id));
            if let (false, Ok(wish)) = (asked, Wish::spot(&Request::AveragePrice(&symbol))) {
                self.ask(Lane::Data, 0, wish, Purpose::Average(id), turn);
            }
        }
    }

    pub(super) fn average_told(&mut self, id: InstrumentId, ended: &Ended, turn: &Turn<'_>) {
        let Ended::Answered(answered) = ended else { return };
        if let Outcome::Confirmed(answer) = answered.judge::<AveragePrice<'_>>(turn.now)
            && let Ok(average) = decimal(answer.price)
            && average.mantissa > 0
        {
            self.state.average.insert(id, (average, answered.sent));
        }
    }
}

fn sum(free: &str, locked: &str) -> Option<Amount> {
    let (free, locked) = (Amount::parse(free).ok()?, Amount::parse(locked).ok()?);
    free.0.checked_add(locked.0).map(Amount)
}
