//! What own events mean: reports about our orders, closings of positions by the venue, changes of the
//! account's settings by others.

use sandpit_core::{
    ids::ClientOrderId,
    order::ReportKind,
    time::{Nanos, UnixNanos},
    venue::VenueMessage,
};

use super::{
    super::{
        convert::News,
        request::Request,
        response::{AlgoUpdate, OrderUpdate, PremiumIndex, UserEvent},
        words::AlgoStatus,
    },
    CLOSED_BACK, Usdm,
    desk::{Step, judged},
    id_of,
    opening::{HEDGED, worth},
};
use crate::{
    binance::{client_id, error_code::Outcome, gate::Ended, limits::Lane, response::ConvertError},
    machine::Output,
};

/// Events that wait for what a fee is worth; more are lost, and found out by comparing the books.
const WAITING_MAX: usize = 4_096;
/// Pause between two questions for what an asset is worth.
const WORTH_EVERY: Nanos = Nanos(5 * Nanos::SECOND.0);

impl Usdm {
    /// Something that the account's stream says.
    pub(super) fn event(&mut self, bytes: &[u8], now: UnixNanos, out: &mut Vec<Output>) {
        self.events += 1;
        self.event_at = Some(now);
        // What was told first is taken first.
        if !self.waiting.is_empty() {
            return self.wait(bytes, now, out);
        }
        let Ok(event) = UserEvent::parse(bytes) else {
            self.events_bad += 1;
            // It may have been about an order: what is so has to be found out.
            let mut step = Step { now, gate: &mut self.gate, out };
            step.alert("an own event of Binance cannot be read".to_owned());
            let change = self.own.drop_lines(&mut step);
            return self.own_changed(change, now, out);
        };
        match &event {
            UserEvent::Order(update) => self.order_event(update, bytes, now, out),
            UserEvent::Algo(update) => self.algo_event(update, now, out),
            UserEvent::ListenKeyExpired => {
                let mut step = Step { now, gate: &mut self.gate, out };
                let change = self.own.drop_lines(&mut step);
                self.own_changed(change, now, out);
            }
            other => self.account_event(other, now, out),
        }
    }

    fn account_event(&mut self, event: &UserEvent<'_>, now: UnixNanos, out: &mut Vec<Output>) {
        let mut step = Step { now, gate: &mut self.gate, out };
        match event {
            UserEvent::MarginCall(call) => {
                let symbols: Vec<&str> =
                    call.positions.iter().map(|one| one.symbol.as_str()).take(8).collect();
                step.alert(format!(
                    "margin call: the position in {} is close to being liquidated",
                    symbols.join(", ")
                ));
            }
            UserEvent::Config(config) => {
                let ours =
                    |symbol: &str| self.settings.symbols.iter().find(|one| one.symbol == symbol);
                if let Some(update) = &config.leverage
                    && let Some(one) = ours(&update.symbol)
                    && one.leverage != update.leverage
                {
                    step.alert(format!(
                        "the leverage of {} was changed to {} by somebody else",
                        one.symbol, update.leverage
                    ));
                }
                if config.assets.is_some_and(|assets| assets.multi_assets) {
                    step.alert("the account was switched to multi-assets mode".to_owned());
                }
            }
            UserEvent::TriggerRejected(refused) => step.alert(format!(
                "a conditional order on {} was refused when it was triggered: {}",
                refused.symbol, refused.reason
            )),
            UserEvent::Account(update) => {
                let hedged = update.positions.iter().any(|position| {
                    position.position_side != super::super::words::PositionSide::Both
                        && !crate::binance::response::is_zero(Some(position.amount))
                        && id_of(&self.rules, &position.symbol).is_some()
                });
                self.see_hedge(hedged, now, out);
            }
            _ => {}
        }
    }

    fn see_hedge(&mut self, hedged: bool, now: UnixNanos, out: &mut Vec<Output>) {
        if hedged && !std::mem::replace(&mut self.hedged, true) {
            let mut step = Step { now, gate: &mut self.gate, out };
            step.alert(format!("no more orders are sent: {HEDGED}"));
        }
    }

    /// Whose order an update is about.
    fn whose(&self, update: &OrderUpdate<'_>) -> Option<ClientOrderId> {
        client_id::parse(&update.client_order_id)
            .or_else(|| self.orders.by_number(&update.symbol, update.order_id).flatten())
    }

    fn order_event(
        &mut self,
        update: &OrderUpdate<'_>,
        bytes: &[u8],
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) {
        if id_of(&self.rules, &update.symbol).is_none() {
            return;
        }
        self.see_hedge(update.is_hedged(), now, out);
        if update.closes_by_the_venue() {
            return self.closed_by_venue(update, now, out);
        }
        let whose = self.whose(update);
        self.orders.number(&update.symbol, update.order_id, whose);
        let Some(order) = whose else { return };
        let conditional = self.orders.get(order).is_some_and(super::orders::Known::is_conditional);
        match update.to_news(order, conditional, &self.rules) {
            Ok(news) => self.say(news, out),
            Err(ConvertError::FeeRate { asset, quote }) => {
                self.wait(bytes, now, out);
                self.want_worth(asset, quote, now, out);
            }
            Err(error) => self.cannot_use(&error, now, out),
        }
    }

    fn algo_event(&mut self, update: &AlgoUpdate<'_>, now: UnixNanos, out: &mut Vec<Output>) {
        let Some(order) = client_id::parse(&update.client_algo_id) else { return };
        if id_of(&self.rules, &update.symbol).is_none() {
            return;
        }
        if let Some(number) = update.engine_id() {
            self.orders.number(&update.symbol, number, Some(order));
        }
        if update.status == AlgoStatus::Rejected {
            let mut step = Step { now, gate: &mut self.gate, out };
            let why = update.reason.as_deref().unwrap_or("no reason is given");
            step.alert(format!(
                "the conditional order {order} on {} was refused when it was triggered: {why}",
                update.symbol
            ));
        }
        match update.to_news(order) {
            Ok(news) => self.say(news, out),
            Err(error) => self.cannot_use(&error, now, out),
        }
    }

    fn say(&mut self, news: News, out: &mut Vec<Output>) {
        for report in news.reports {
            if let ReportKind::Amended { quantity, kind } = report.kind {
                self.orders.amended(report.order, quantity, kind);
            }
            out.push(Output::Say(VenueMessage::Report(report)));
        }
        for fee in news.fees_paid {
            out.push(Output::Say(VenueMessage::FeePaid(fee)));
        }
    }

    /// The venue has closed a position, or a part of it. Whose part, it does not say.
    fn closed_by_venue(&mut self, update: &OrderUpdate<'_>, now: UnixNanos, out: &mut Vec<Output>) {
        self.orders.number(&update.symbol, update.order_id, None);
        if crate::binance::response::is_zero(Some(update.last_quantity)) {
            return;
        }
        self.closed_by_the_venue += 1;
        let mut step = Step { now, gate: &mut self.gate, out };
        step.alert(format!(
            "Binance has closed {} of the account's position in {} at {} by itself ({}); it belongs to no plugin",
            update.last_quantity, update.symbol, update.last_price, update.client_order_id
        ));
        let since = UnixNanos(step.venue_now().0.saturating_sub(CLOSED_BACK.0));
        self.books.want(since, &mut step);
    }

    fn cannot_use(&mut self, error: &ConvertError, now: UnixNanos, out: &mut Vec<Output>) {
        self.events_bad += 1;
        let mut step = Step { now, gate: &mut self.gate, out };
        step.alert(format!("an own event of Binance cannot be used: {error}"));
        let since = UnixNanos(step.venue_now().0.saturating_sub(CLOSED_BACK.0));
        self.books.want(since, &mut step);
    }

    fn wait(&mut self, bytes: &[u8], now: UnixNanos, out: &mut Vec<Output>) {
        if self.waiting.len() < WAITING_MAX {
            return self.waiting.push_back(bytes.to_vec());
        }
        self.events_bad += 1;
        let mut step = Step { now, gate: &mut self.gate, out };
        step.alert("too many own events wait for what a fee is worth".to_owned());
    }

    fn want_worth(&mut self, asset: String, quote: String, now: UnixNanos, out: &mut Vec<Output>) {
        if self.worth.is_none() {
            let symbol = [asset.as_str(), &quote].concat();
            let mut step = Step { now, gate: &mut self.gate, out };
            let request = Request::PremiumIndex(Some(&symbol));
            self.worth =
                step.ask(Lane::Reconcile, 0, &request).ok().map(|call| (call, asset, quote));
            self.worth_at = None;
        }
    }

    pub(super) fn worth_ended(&mut self, ended: &Ended, now: UnixNanos, out: &mut Vec<Output>) {
        let Some((_, asset, quote)) = self.worth.take() else { return };
        let found = match ended {
            Ended::Answered(answered) => match judged::<PremiumIndex<'_>>(answered, now) {
                Outcome::Confirmed(index) => worth(index.mark_price),
                _ => None,
            },
            Ended::Lost(_) | Ended::NeverSent(_) => None,
        };
        let Some(rate) = found else {
            let mut step = Step { now, gate: &mut self.gate, out };
            step.alert(format!("what a fee in {asset} is worth in {quote} is not known"));
            self.worth_at = Some(now.plus(WORTH_EVERY));
            return;
        };
        self.rules.rates.insert((asset, quote), rate);
        for bytes in std::mem::take(&mut self.waiting) {
            self.events -= 1;
            self.event(&bytes, now, out);
        }
    }

    /// Asks again for what the first event that waits needs.
    pub(super) fn ask_worth(&mut self, now: UnixNanos, out: &mut Vec<Output>) {
        if self.worth_at.is_none_or(|at| at > now) {
            return;
        }
        self.worth_at = None;
        let Some(bytes) = self.waiting.pop_front() else { return };
        let others = std::mem::take(&mut self.waiting);
        self.events -= 1;
        self.event(&bytes, now, out);
        self.waiting.extend(others);
    }
}
