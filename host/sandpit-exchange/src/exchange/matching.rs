//! Takers meet makers: price first, at one price what is from outside first, then time.

use sandpit_core::market::Side;

use super::{Exchange, entry::may_rest};
use crate::{
    amount::Amount,
    book::Offer,
    order::{AccountId, Event, Fill, Order, OrderId, Prevented, SymbolId, Trade},
    words::{Execution, Expiry, Status, Stp, Tif},
};

/// Of a fee so much is paid where it is paid in BNB.
const BNB_PAYS: (i128, i128) = (3, 4);

impl Exchange {
    /// Matches an order that works; what is left rests or ends.
    pub(super) fn run(&mut self, id: OrderId, now_ms: u64) {
        let Some(order) = self.orders.get(&id) else { return };
        let (side, kind, tif, symbol) =
            (order.new.side, order.new.kind, order.new.tif, order.new.symbol);
        let limit = (!kind.is_market()).then_some(order.new.price);
        self.touched.insert(symbol);
        if tif == Tif::Fok && !kind.is_market() && self.offered(id, limit) < order.remaining() {
            return self.expire(id, Expiry::UnfilledFok, now_ms);
        }
        while let Some(order) = self.orders.get(&id).filter(|order| order.status.is_open()) {
            let remaining = order.remaining();
            let Some(offer) = self.markets[symbol].book.offer(side.opposite(), limit) else {
                break;
            };
            let wanted = remaining.min(self.affordable(order, offer.price));
            if !remaining.is_positive() || !wanted.is_positive() {
                break;
            }
            if !self.meet(id, &offer, wanted, now_ms) {
                break;
            }
        }
        let Some(order) = self.orders.get(&id).filter(|order| order.status.is_open()) else {
            return;
        };
        if may_rest(kind, tif) {
            self.rest(id);
        } else if kind.is_market() {
            let reason = Expiry::InsufficientLiquidity;
            self.expire(id, reason, now_ms);
        } else {
            debug_assert_ne!(order.new.tif, Tif::Gtc);
            self.expire(id, Expiry::UnfilledIoc, now_ms);
        }
    }

    /// How much stands within an order's limit.
    fn offered(&self, id: OrderId, limit: Option<Amount>) -> Amount {
        let Some(order) = self.orders.get(&id) else { return Amount::ZERO };
        let wanted = order.remaining();
        let mut sum = Amount::ZERO;
        let remaining = |id| self.orders.get(&id).map_or(Amount::ZERO, Order::remaining);
        let book = &self.markets[order.new.symbol].book;
        book.walk(order.new.side.opposite(), limit, remaining, |_, offered| {
            sum += offered;
            sum < wanted
        });
        sum
    }

    /// What an order without a lock can still pay; a locked one can pay all that it wants.
    fn affordable(&self, order: &Order, price: Amount) -> Amount {
        if order.locked.is_positive() {
            return order.remaining();
        }
        let symbol = &self.markets[order.new.symbol].symbol;
        let account = &self.accounts[order.account];
        match order.new.side {
            Side::Buy => account.free(symbol.quote).buys(price, symbol.rules.quantity_step),
            Side::Sell => account.free(symbol.base),
        }
    }

    /// One step of a taker. `false` where it has ended.
    fn meet(&mut self, id: OrderId, offer: &Offer, wanted: Amount, now_ms: u64) -> bool {
        let Some(taker) = self.orders.get(&id) else { return false };
        let (side, symbol, mode) = (taker.new.side, taker.new.symbol, taker.stp);
        let Some(maker_id) = offer.order else {
            let quantity = wanted.min(offer.external);
            let rest = offer.external - quantity;
            let market = &mut self.markets[symbol];
            market.book.set_external(side.opposite(), offer.price, rest);
            market.touch(side.opposite(), offer.price);
            let traded = Deal { symbol, taker_side: side, price: offer.price, quantity };
            self.trade(Some(id), None, &traded, now_ms);
            return true;
        };
        let Some(maker) = self.orders.get(&maker_id) else { return false };
        if maker.account == taker.account && mode != Stp::None {
            self.prevent(id, maker_id, mode, offer.price, now_ms);
            return self.orders.get(&id).is_some_and(|order| order.status.is_open());
        }
        let quantity = wanted.min(maker.shown);
        let traded = Deal { symbol, taker_side: side, price: offer.price, quantity };
        self.trade(Some(id), Some(maker_id), &traded, now_ms);
        true
    }

    /// A trade: with a taker, a maker, or both of ours.
    pub(super) fn trade(
        &mut self,
        taker: Option<OrderId>,
        maker: Option<OrderId>,
        deal: &Deal,
        now_ms: u64,
    ) {
        let number = self.print(deal, now_ms);
        for (id, is_maker) in [(taker, false), (maker, true)] {
            if let Some(id) = id {
                self.settle(id, number, is_maker, deal, now_ms);
            }
        }
    }

    /// Makes a trade public; gives its number.
    pub(super) fn print(&mut self, deal: &Deal, now_ms: u64) -> u64 {
        let market = &mut self.markets[deal.symbol];
        let id = market.next_trade;
        market.next_trade += 1;
        let trade = Trade {
            id,
            price: deal.price,
            quantity: deal.quantity,
            time_ms: now_ms,
            buyer_is_maker: deal.taker_side == Side::Sell,
        };
        let complete = market.print(trade);
        let symbol = deal.symbol;
        if let Some(aggregate) = complete {
            self.events.push(Event::Aggregate { symbol, aggregate });
        }
        self.events.push(Event::Trade { symbol, trade });
        self.moved.insert(symbol);
        self.touched.insert(symbol);
        id
    }

    /// One side of a trade: quantities, money, book, report.
    fn settle(&mut self, id: OrderId, number: u64, maker: bool, deal: &Deal, now_ms: u64) {
        self.list_works(id, now_ms);
        let Some(order) = self.orders.get_mut(&id) else { return };
        let symbol = &self.markets[deal.symbol].symbol;
        let (base, quote, rules) = (symbol.base, symbol.quote, &symbol.rules);
        let rate = if maker { rules.maker_fee } else { rules.taker_fee };
        let worth = deal.price.times(deal.quantity);
        order.executed += deal.quantity;
        order.quote_executed += worth;
        let filled = order.remaining().is_zero();
        order.status = if filled { Status::Filled } else { Status::PartiallyFilled };
        let lock = if order.locked.is_zero() { Amount::ZERO } else { order.lock() };
        let freed = order.locked - lock;
        order.locked = lock;
        let (account, side, list) = (order.account, order.new.side, order.list);
        let (got, got_asset, paid, paid_asset) = match side {
            Side::Buy => (deal.quantity, base, worth, quote),
            Side::Sell => (worth, quote, deal.quantity, base),
        };
        let own = &mut self.accounts[account];
        own.lock(paid_asset, -freed);
        own.transfer(paid_asset, -paid);
        own.transfer(got_asset, got);
        let usual = (got.times(rate), got_asset);
        let fee = self.commission(account, deal.symbol, worth.times(rate), usual);
        let (commission, commission_asset) = fee;
        self.accounts[account].transfer(commission_asset, -commission);
        let fill = Fill {
            trade: number,
            order: id,
            list,
            symbol: deal.symbol,
            price: deal.price,
            quantity: deal.quantity,
            commission,
            commission_asset,
            buyer: side == Side::Buy,
            maker,
            time_ms: now_ms,
        };
        self.keep_fill(account, fill.clone());
        if maker {
            self.show_less(id, deal.quantity);
        }
        if filled {
            // Open until here, so that it is taken out everywhere.
            if let Some(order) = self.orders.get_mut(&id) {
                order.status = Status::PartiallyFilled;
            }
            self.close(id, Status::Filled);
        }
        self.report(id, Execution::Trade, now_ms, |report| report.fill = Some(fill));
        if filled {
            self.list_filled(id, now_ms);
        }
    }

    /// What a fill costs, and in which asset: of what was got, unless the account pays in BNB and
    /// has enough of it.
    fn commission(
        &self,
        account: AccountId,
        symbol: SymbolId,
        in_quote: Amount,
        usual: (Amount, usize),
    ) -> (Amount, usize) {
        let own = &self.accounts[account];
        let price = self.bnb_price(self.markets[symbol].symbol.quote);
        let Some((bnb, price)) = price.filter(|_| own.fees_in_bnb) else { return usual };
        let discounted = Amount(in_quote.0 * BNB_PAYS.0 / BNB_PAYS.1);
        let fee = discounted.buys(price, Amount(1));
        if fee.is_positive() && fee <= own.free(bnb) { (fee, bnb) } else { usual }
    }

    /// BNB's number as an asset, and its last price in another one.
    pub(crate) fn bnb_price(&self, quote: usize) -> Option<(usize, Amount)> {
        let bnb = self.assets.iter().position(|name| name == "BNB")?;
        let mut markets = self.markets.iter();
        let market = markets.find(|m| m.symbol.base == bnb && m.symbol.quote == quote)?;
        Some((bnb, market.last?))
    }

    /// A maker shows less after a fill; an iceberg shows its next part, last in the queue.
    fn show_less(&mut self, id: OrderId, by: Amount) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let (side, price, symbol) = (order.new.side, order.new.price, order.new.symbol);
        let remaining = order.remaining();
        let market = &mut self.markets[symbol];
        order.shown -= by;
        market.book.show(side, price, -by);
        if order.shown.is_zero() && remaining.is_positive() {
            order.shown = order.new.iceberg.map_or(remaining, |part| part.min(remaining));
            market.book.show(side, price, order.shown);
            market.book.requeue(side, price, id);
        } else if order.shown.is_zero() {
            market.book.remove(side, price, id, Amount::ZERO);
        }
        market.touch(side, price);
        self.touched.insert(symbol);
    }

    /// Puts what is left into the book.
    fn rest(&mut self, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let (side, price) = (order.new.side, order.new.price);
        let remaining = order.remaining();
        order.shown = order.new.iceberg.map_or(remaining, |part| part.min(remaining));
        let market = &mut self.markets[order.new.symbol];
        order.ahead = market.book.external(side, price);
        market.book.add(side, price, id, order.shown);
        market.touch(side, price);
        self.touched.insert(order.new.symbol);
    }

    /// Ends an order that nobody canceled.
    pub(super) fn expire(&mut self, id: OrderId, reason: Expiry, now_ms: u64) {
        self.close(id, Status::Expired);
        self.report(id, Execution::Expired, now_ms, |report| report.expiry = Some(reason));
        self.list_ended(id, None, now_ms);
    }

    /// Two orders of one account would trade.
    fn prevent(&mut self, taker: OrderId, maker: OrderId, mode: Stp, price: Amount, now_ms: u64) {
        let remaining = |id| self.orders.get(&id).map_or(Amount::ZERO, Order::remaining);
        let (of_taker, of_maker) = (remaining(taker), remaining(maker));
        let both = of_taker.min(of_maker);
        let (from_taker, from_maker) = match mode {
            Stp::ExpireTaker => (Some(of_taker), None),
            Stp::ExpireMaker => (None, Some(of_maker)),
            Stp::ExpireBoth => (Some(of_taker), Some(of_maker)),
            Stp::Decrement | Stp::None => (Some(both), Some(both)),
        };
        let Some(order) = self.orders.get(&taker) else { return };
        let symbol = order.new.symbol;
        let market = &mut self.markets[symbol];
        let id = market.next_prevented;
        market.next_prevented += 1;
        market.prevent(Prevented {
            id,
            symbol,
            taker,
            maker,
            mode,
            price,
            taker_quantity: from_taker,
            maker_quantity: from_maker,
            time_ms: now_ms,
        });
        for (own, other, quantity) in [(maker, taker, from_maker), (taker, maker, from_taker)] {
            if let Some(quantity) = quantity {
                self.prevent_one(own, other, id, quantity, now_ms);
            }
        }
    }

    fn prevent_one(
        &mut self,
        id: OrderId,
        other: OrderId,
        number: u64,
        quantity: Amount,
        now_ms: u64,
    ) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.prevented += quantity;
        order.prevented_match = Some(number);
        let stands = order.shown.is_positive();
        let ended = order.remaining().is_zero();
        if !ended {
            let lock = order.lock();
            if order.locked.is_positive() {
                self.set_lock(id, lock);
            }
            if stands {
                self.prevented_shows(id);
            }
        } else {
            self.close(id, Status::ExpiredInMatch);
        }
        self.report(id, Execution::TradePrevention, now_ms, |report| {
            report.prevented = Some((quantity, other));
        });
        if ended {
            self.list_ended(id, None, now_ms);
        }
    }

    /// What a maker shows after a part of it was prevented.
    fn prevented_shows(&mut self, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let shown = order.shown.min(order.remaining());
        let less = shown - order.shown;
        order.shown = shown;
        let market = &mut self.markets[order.new.symbol];
        market.book.show(order.new.side, order.new.price, less);
        market.touch(order.new.side, order.new.price);
    }
}

/// What is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deal {
    pub(super) symbol: SymbolId,
    pub(super) taker_side: Side,
    pub(super) price: Amount,
    pub(super) quantity: Amount,
}
