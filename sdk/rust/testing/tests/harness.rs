//! The harness itself: what a strategy is told, in which order, and what the test sees of it.

use sandpit_sdk::prelude::*;
use sandpit_testing::{Builder, Harness, instruments};

#[derive(Parameters)]
struct Params {
    /// Quantity of an order.
    #[param(default = 2, min = 1, max = 10)]
    quantity: Decimal,
}

/// Buys at its first trade and writes down everything that it hears.
struct Diary {
    quantity: Decimal,
    ordered: bool,
}

const TIMER: TimerId = TimerId(7);

impl Strategy for Diary {
    type Params = Params;

    fn describe() -> Description {
        description!()
            .subscribe(Data::Trades)
            .subscribe(Data::Quotes)
            .subscribe(Data::Bars(Duration::from_secs(60)))
            .subscribe(Data::Depth(2))
            .state_schema(3)
    }

    fn start(
        ctx: &mut Context,
        params: Params,
        restored: Option<SavedState>,
    ) -> Result<Self, String> {
        if let Some(state) = restored {
            info!("restored {:?} of schema {}", state.data, state.schema);
        }
        ctx.set_timer(TIMER, Duration::from_secs(5));
        Ok(Self { quantity: params.quantity, ordered: false })
    }

    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
        info!("trade {} {:?}", trade.price, trade.aggressor);
        if !std::mem::replace(&mut self.ordered, true) {
            ctx.buy(trade.instrument, self.quantity);
        }
    }

    fn on_quote(&mut self, _: &mut Context, quote: &Quote) {
        info!("quote {:?}", quote.mid());
    }

    fn on_bar(&mut self, _: &mut Context, bar: &Bar) {
        info!("bar {} {:?}", bar.close, bar.interval);
    }

    fn on_depth(&mut self, _: &mut Context, depth: &Depth) {
        info!("depth {} {}", depth.bids().len(), depth.asks().len());
    }

    fn on_order(&mut self, ctx: &mut Context, update: &OrderUpdate) {
        let event = match &update.event {
            OrderEvent::Accepted => "accepted",
            OrderEvent::Filled(_) => "filled",
            OrderEvent::Denied(_) => "denied",
            _ => "other",
        };
        let held = ctx.position(update.instrument).quantity;
        info!("order {} {event}, holding {held}", update.tag.0);
    }

    fn on_position(&mut self, _: &mut Context, position: &Position) {
        info!("position {} at {}", position.quantity, position.entry_price);
    }

    fn on_budget(&mut self, ctx: &mut Context, budget: &Budget) {
        info!("balance {} {}", budget.balance.normalized(), ctx.currency());
    }

    fn on_timer(&mut self, _: &mut Context, id: TimerId) {
        info!("timer {}", id.0);
    }

    fn on_trading_state(&mut self, _: &mut Context, state: TradingState) {
        info!("{state:?}");
    }

    fn on_parameters(&mut self, _: &mut Context, params: Params) -> Result<(), String> {
        self.quantity = params.quantity;
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        vec![u8::from(self.ordered)]
    }

    fn stop(&mut self, reason: StopReason) {
        info!("stop {reason:?}");
    }
}

fn diary() -> Builder<Diary> {
    Harness::new::<Diary>().budget(1_000).fees("0", "0.001")
}

fn lines(harness: &Harness<Diary>) -> Vec<&str> {
    harness.logs().iter().map(|(_, line)| line.as_str()).collect()
}

#[test]
fn a_strategy_hears_of_its_order_in_this_order() {
    let mut harness = diary().start();
    harness.trade_by(Aggressor::Seller, 100, 5);
    assert_eq!(
        lines(&harness),
        [
            "trade 100.00 Aggressor::Seller",
            "order 1 accepted, holding 0.000",
            "order 1 filled, holding 2.000",
            "position 2.000 at 100",
            "balance 999.8 USD",
        ]
    );
    assert_eq!(harness.fees_paid(), dec!(0.2));
}

#[test]
fn all_kinds_of_data_arrive_and_timers_fire() {
    let mut harness = diary().start();
    harness
        .quote(("99.5", 1), (100, 1))
        .depth(&[("99.5", "1"), ("99", "1"), ("98", "1")], &[("100", "1")])
        .bar(Duration::from_secs(60), [100, 101, 99, 100], 10)
        .set_trading_state(TradingState::Halted)
        .stop(StopReason::Finished);
    assert_eq!(
        lines(&harness),
        [
            "quote Some(99.750)",
            "depth 2 1",
            "timer 7",
            "bar 100.00 60s",
            "TradingState::Halted",
            "stop StopReason::Finished"
        ]
    );
}

#[test]
fn latency_is_between_the_decision_and_the_fill() {
    let ms = Duration::from_millis;
    let mut harness = diary().latency(ms(10), ms(5)).start();
    harness.trade(100, 5).trade(101, 5);
    assert_eq!((harness.orders().len(), harness.fills().len()), (1, 0));
    let sent = harness.orders()[0].time;
    harness.advance(ms(20));
    let fill = &harness.fills()[0];
    assert_eq!((fill.price, fill.time.since(sent)), (dec!(101), ms(15)));
}

#[test]
fn a_denial_is_seen_by_both() {
    let mut harness = diary().order_notional_max(150).start();
    harness.trade(100, 5);
    assert_eq!(harness.denials(), ["order-notional-above-max"]);
    assert_eq!(lines(&harness)[1], "order 1 denied, holding 0.000");
    assert!(harness.orders().is_empty());
}

#[test]
fn parameters_are_read_as_an_operator_writes_them() {
    let mut harness = diary().set("quantity", "1.5").start();
    assert!(harness.set("quantity", "11").unwrap_err().contains("from 1 to 10, not 11"));
    harness.trade(100, 5);
    assert_eq!(harness.position(), dec!(1.5));
    harness.set("quantity", "3").unwrap();
    assert_eq!(harness.strategy().quantity, dec!(3));
    for (name, value, reason) in [
        ("quantity", "much", "must be a decimal number"),
        ("quantiy", "1", "there is no parameter `quantiy`"),
        ("quantity", "0", "must be from 1 to 10, not 0"),
    ] {
        assert!(diary().set(name, value).try_start().unwrap_err().contains(reason));
    }
}

#[test]
fn what_is_saved_is_restored() {
    let mut first = diary().start();
    first.trade(100, 5);
    let second = diary().restored(first.save()).start();
    assert_eq!(lines(&second), ["restored [1] of schema 3"]);
}

#[test]
fn history_is_told_and_nothing_comes_of_it() {
    let mut harness = diary().start();
    harness.history_trade(100, 5);
    assert_eq!(lines(&harness), ["trade 100.00 Aggressor::Unknown"]);
    assert!(harness.orders().is_empty());
}

#[test]
fn instruments_are_apart() {
    let mut harness =
        diary().instrument(instruments::plain("A")).instrument(instruments::plain("B")).start();
    harness.select("B").trade(50, 5);
    assert_eq!(harness.position(), dec!(2));
    assert_eq!(harness.select("A").position(), dec!(0));
    assert_eq!(harness.fills()[0].symbol, "B");
}

#[test]
fn presets_hold() {
    for spec in [instruments::btc_usdt(), instruments::btc_usdt_perpetual()] {
        let symbol = spec.symbol.clone();
        let mut harness = Harness::new::<Diary>().instrument(spec).start();
        harness.trade(60_000, 5);
        assert_eq!(
            (harness.fills().len(), harness.fills()[0].symbol.as_str()),
            (1, symbol.as_str())
        );
        assert!(harness.fees_paid().is_positive());
    }
}
