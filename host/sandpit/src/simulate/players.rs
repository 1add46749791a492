//! Plugins that ask for anything: orders of all kinds, changes and cancels that race with fills,
//! numbers that are none, and now and then a fault.

use sandpit_core::{
    ids::{InstrumentId, OrderTag, TimerId},
    instrument::Instrument,
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::Side,
    num::{Decimal, Price},
    plugin::{Fault, FaultCode, PluginEvent},
    time::UnixNanos,
};

use super::chance::Chance;

/// Names of orders that a player uses, over and over.
const TAGS: u64 = 12;
/// Out of ten thousand calls, how many are answered with intents: news of the market, and of own
/// orders. Below one on average, so that answering answers comes to an end.
const ANSWERS_MARKET: u64 = 1_500;
const ANSWERS_OWN: u64 = 2_000;
const INTENTS_MAX: u64 = 3;

/// What a player may look at when it decides.
pub(super) struct Sight<'a> {
    pub(super) now: UnixNanos,
    pub(super) session: &'a [InstrumentId],
    pub(super) rules: &'a [Instrument],
    pub(super) marks: &'a [Option<Price>],
}

/// One plugin.
#[derive(Debug)]
pub(super) struct Player {
    chance: Chance,
}

impl Player {
    pub(super) const fn new(chance: Chance) -> Self {
        Self { chance }
    }

    /// What it asks for when it is told something.
    pub(super) fn answer(
        &mut self,
        event: &PluginEvent,
        sight: &Sight<'_>,
        fault_of_10_000: u64,
        intents: &mut Vec<Intent>,
    ) -> Result<(), Fault> {
        if self.chance.often(fault_of_10_000) {
            return Err(Fault { code: FaultCode::Trap, detail: "by chance".into() });
        }
        let often = match event {
            PluginEvent::Market { .. } | PluginEvent::Depth(_) | PluginEvent::Timer { .. } => {
                ANSWERS_MARKET
            }
            _ => ANSWERS_OWN,
        };
        if !self.chance.often(often) {
            return Ok(());
        }
        for _ in 0..self.chance.between(1, INTENTS_MAX) {
            let intent = self.intent(sight);
            intents.push(intent);
        }
        Ok(())
    }

    fn intent(&mut self, sight: &Sight<'_>) -> Intent {
        match self.chance.below(100) {
            0..45 => Intent::Place(self.place(sight)),
            45..57 => Intent::Cancel(self.tag()),
            57..72 => self.amend(sight),
            72..75 => Intent::CancelAll(if self.chance.flip() {
                None
            } else {
                Some(u32::try_from(self.chance.below(4)).unwrap_or(0))
            }),
            75..85 => self.target(sight),
            85..94 => self.bracket(sight),
            94..98 => Intent::SetTimer {
                id: TimerId(u32::try_from(self.chance.below(4)).unwrap_or(0)),
                at: sight.now.plus(self.chance.pause_ms(0, 20_000)),
                every: self.chance.flip().then(|| self.chance.pause_ms(0, 10_000)),
            },
            _ => Intent::CancelTimer(TimerId(u32::try_from(self.chance.below(4)).unwrap_or(0))),
        }
    }

    fn tag(&mut self) -> OrderTag {
        OrderTag(self.chance.below(TAGS))
    }

    /// Of the session, and sometimes of nobody's.
    fn instrument(&mut self, sight: &Sight<'_>) -> u32 {
        if self.chance.one_in(60) {
            return 77;
        }
        self.chance.pick(sight.session).map_or(0, |id| u32::from(id.0))
    }

    /// A price so many ticks from the market.
    fn price(&mut self, sight: &Sight<'_>, instrument: u32, low: i64, high: i64) -> Decimal {
        let at = usize::try_from(instrument).unwrap_or(usize::MAX);
        let (Some(rules), Some(Some(mark))) = (sight.rules.get(at), sight.marks.get(at)) else {
            return Decimal::new(self.chance.whole(-5, 1_000), 2);
        };
        match self.chance.below(80) {
            0 => Decimal::new(i64::MAX, 0),
            1 => Decimal::new(-mark.0, rules.price_scale()),
            2 => Decimal::new(mark.0, 30),
            3 => Decimal::new(mark.0 * 10 + 3, rules.price_scale() + 1),
            _ => {
                let ticks = self.chance.whole(low, high);
                rules.price_decimal(Price(mark.0 + ticks * rules.price_tick().0))
            }
        }
    }

    fn quantity(&mut self, sight: &Sight<'_>, instrument: u32) -> Decimal {
        let at = usize::try_from(instrument).unwrap_or(usize::MAX);
        let Some(rules) = sight.rules.get(at) else {
            return Decimal::new(1, 0);
        };
        let step = rules.quantity_step().0;
        match self.chance.below(80) {
            0 => Decimal::new(i64::MAX, 0),
            1 => Decimal::ZERO,
            2 => Decimal::new(-step, rules.quantity_scale()),
            3 => Decimal::new(step * 10 + 1, rules.quantity_scale() + 1),
            _ => Decimal::new(step * self.chance.whole(1, 12), rules.quantity_scale()),
        }
    }

    fn place(&mut self, sight: &Sight<'_>) -> Place {
        let instrument = self.instrument(sight);
        let side = if self.chance.flip() { Side::Buy } else { Side::Sell };
        let ahead = if side == Side::Buy { 1 } else { -1 };
        let toward = |low: i64, high: i64| if ahead > 0 { (low, high) } else { (-high, -low) };
        let kind = match self.chance.below(20) {
            0..4 => PlaceKind::Market,
            4..13 => PlaceKind::Limit(self.price(sight, instrument, -6, 6)),
            13..15 => {
                let (low, high) = toward(0, 8);
                PlaceKind::Stop(self.price(sight, instrument, low, high))
            }
            15..17 => {
                let (low, high) = toward(0, 8);
                let trigger = self.price(sight, instrument, low, high);
                PlaceKind::StopLimit { trigger, limit: self.price(sight, instrument, -2, 10) }
            }
            17..19 => {
                let (low, high) = toward(-8, 0);
                PlaceKind::TakeProfit(self.price(sight, instrument, low, high))
            }
            _ => PlaceKind::TrailingStop(self.offset(sight, instrument)),
        };
        let time_in_force = match self.chance.below(12) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            2 => TimeInForce::Gtd(sight.now.plus(self.chance.pause_ms(0, 30_000))),
            _ => TimeInForce::Gtc,
        };
        Place {
            tag: self.tag(),
            instrument,
            side,
            quantity: self.quantity(sight, instrument),
            kind,
            time_in_force,
            post_only: self.chance.one_in(10),
            reduce_only: self.chance.one_in(5),
        }
    }

    fn offset(&mut self, sight: &Sight<'_>, instrument: u32) -> WishedOffset {
        let at = usize::try_from(instrument).unwrap_or(usize::MAX);
        match sight.rules.get(at) {
            Some(rules) if self.chance.flip() => {
                let distance = Price(self.chance.whole(0, 10) * rules.price_tick().0);
                WishedOffset::Price(rules.price_decimal(distance))
            }
            _ => WishedOffset::BasisPoints(u32::try_from(self.chance.below(150)).unwrap_or(1)),
        }
    }

    fn amend(&mut self, sight: &Sight<'_>) -> Intent {
        let instrument = self.instrument(sight);
        let quantity = self.chance.flip().then(|| self.quantity(sight, instrument));
        let price = (quantity.is_none() || self.chance.one_in(3))
            .then(|| self.price(sight, instrument, -8, 8));
        Intent::Amend(Amend { tag: self.tag(), quantity, price })
    }

    fn target(&mut self, sight: &Sight<'_>) -> Intent {
        let instrument = self.instrument(sight);
        let mut quantity = self.quantity(sight, instrument);
        if self.chance.flip() {
            quantity.mantissa = quantity.mantissa.saturating_neg();
        }
        let limit = self.chance.flip().then(|| self.price(sight, instrument, -4, 4));
        Intent::TargetPosition(TargetPosition { tag: self.tag(), instrument, quantity, limit })
    }

    fn bracket(&mut self, sight: &Sight<'_>) -> Intent {
        let entry = Place { reduce_only: false, ..self.place(sight) };
        let (below, above) = ((-20, -5), (5, 20));
        let (stop, profit) = if entry.side == Side::Buy { (below, above) } else { (above, below) };
        Intent::Bracket(Bracket {
            entry,
            stop_loss_tag: self.tag(),
            stop_loss: self.price(sight, entry.instrument, stop.0, stop.1),
            take_profit_tag: self.tag(),
            take_profit: self.price(sight, entry.instrument, profit.0, profit.1),
        })
    }
}
