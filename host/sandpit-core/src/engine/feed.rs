//! Market events on their way to plugins: who wants what, bars made of trades where the source has
//! none, and the marking of open positions.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use crate::{
    engine::{Alert, Effect, Engine, EngineConfig, Flaws, PluginConfig, Record},
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    market::{BarBuilder, DataKind, Funding, MarketData, MarketEvent},
    plugin::{DepthView, PluginEvent, Subscriptions},
    time::{Nanos, UnixNanos},
};

/// Who wants bars of one interval of one instrument, and how they come about.
#[derive(Clone, Debug)]
struct BarFeed {
    plugins: Vec<PluginId>,
    /// `None` once the source has shown bars of this interval itself.
    builder: Option<BarBuilder>,
    /// End of the last bar told, so that none is told twice.
    told: UnixNanos,
}

#[derive(Clone, Debug, Default)]
struct InstrumentFeed {
    trades: Vec<PluginId>,
    quotes: Vec<PluginId>,
    depth: Vec<(PluginId, u16)>,
    bars: BTreeMap<Nanos, BarFeed>,
}

#[derive(Clone, Debug)]
pub(super) struct Feed {
    instruments: Vec<InstrumentFeed>,
    /// End of the next bar that is being built from trades.
    next_bar_end: Option<UnixNanos>,
}

impl Feed {
    pub(super) fn new(config: &EngineConfig) -> Self {
        let instruments = alloc::vec![InstrumentFeed::default(); config.instruments.len()];
        let mut feed = Self { instruments, next_bar_end: None };
        for (index, plugin) in (0u16..).zip(&config.plugins) {
            feed.subscribe(PluginId(index), plugin);
        }
        feed
    }

    /// From now on a plugin is told what it wants to be told.
    pub(super) fn subscribe(&mut self, id: PluginId, plugin: &PluginConfig) {
        for instrument in &plugin.instruments {
            let feed = &mut self.instruments[usize::from(instrument.0)];
            for kind in &plugin.subscriptions.kinds {
                feed.subscribe(id, *kind);
            }
        }
    }

    /// Nothing more is told to a plugin. Bars that it wanted are built on: others may want them.
    fn unsubscribe(&mut self, id: PluginId) {
        for feed in &mut self.instruments {
            feed.trades.retain(|plugin| *plugin != id);
            feed.quotes.retain(|plugin| *plugin != id);
            feed.depth.retain(|(plugin, _)| *plugin != id);
            for bars in feed.bars.values_mut() {
                bars.plugins.retain(|plugin| *plugin != id);
            }
        }
    }

    /// A plugin will come that wants bars: they are built from now on, for nobody yet.
    pub(super) fn expect(&mut self, plugin: &PluginConfig) {
        for instrument in &plugin.instruments {
            let feed = &mut self.instruments[usize::from(instrument.0)];
            for kind in &plugin.subscriptions.kinds {
                if let DataKind::Bars(interval) = kind {
                    feed.bars(*interval);
                }
            }
        }
    }

    pub(super) const fn next_bar_end(&self) -> Option<UnixNanos> {
        self.next_bar_end
    }

    /// Tells of bars that have ended, in the order of their ends.
    pub(super) fn end_bars(
        &mut self,
        now: UnixNanos,
        instruments: &[Instrument],
        effects: &mut Vec<Effect>,
    ) {
        while self.next_bar_end.is_some_and(|end| end <= now) {
            let due = self.next_bar_end.take().unwrap_or(now);
            for (index, _) in (0u16..).zip(instruments) {
                let feed = &mut self.instruments[usize::from(index)];
                for bars in feed.bars.values_mut() {
                    let ended = bars.builder.as_mut().and_then(|builder| builder.take_ended(due));
                    let Some((end, bar)) = ended else { continue };
                    bars.told = end;
                    let event = MarketEvent {
                        instrument: InstrumentId(index),
                        time: end,
                        venue_time: end,
                        data: MarketData::Bar(bar),
                    };
                    tell(&bars.plugins, &event, false, effects);
                }
            }
            self.next_bar_end = self.earliest_bar_end();
        }
    }

    fn earliest_bar_end(&self) -> Option<UnixNanos> {
        let builders = self.instruments.iter().flat_map(|feed| feed.bars.values());
        builders.filter_map(|bars| bars.builder.as_ref()?.due()).min()
    }

    /// Tells those who want it of an event that is no depth.
    fn publish(&mut self, event: &MarketEvent, history: bool, effects: &mut Vec<Effect>) {
        let feed = &mut self.instruments[usize::from(event.instrument.0)];
        match &event.data {
            MarketData::Trade(trade) => {
                for builder in feed.bars.values_mut().filter_map(|bars| bars.builder.as_mut()) {
                    builder.trade(event.time, trade);
                    if let Some(due) = builder.due() {
                        self.next_bar_end = Some(self.next_bar_end.map_or(due, |end| end.min(due)));
                    }
                }
                tell(&feed.trades, event, history, effects);
            }
            MarketData::Quote(_) => tell(&feed.quotes, event, history, effects),
            MarketData::Bar(bar) => {
                let Some(bars) = feed.bars.get_mut(&bar.interval) else {
                    return;
                };
                bars.builder = None;
                if event.time > bars.told {
                    bars.told = event.time;
                    tell(&bars.plugins, event, history, effects);
                }
            }
            // Plugins of this contract are told of neither; depth they are told as a view.
            MarketData::Depth(_) | MarketData::Mark(_) | MarketData::Funding(_) => {}
        }
    }
}

impl InstrumentFeed {
    fn subscribe(&mut self, plugin: PluginId, kind: DataKind) {
        match kind {
            DataKind::Trades => put(&mut self.trades, plugin),
            DataKind::Quotes => put(&mut self.quotes, plugin),
            DataKind::Depth(levels) => put(&mut self.depth, (plugin, levels)),
            DataKind::Bars(interval) => put(&mut self.bars(interval).plugins, plugin),
        }
    }

    fn bars(&mut self, interval: Nanos) -> &mut BarFeed {
        self.bars.entry(interval).or_insert_with(|| BarFeed {
            plugins: Vec::new(),
            builder: Some(BarBuilder::new(interval)),
            told: UnixNanos(0),
        })
    }
}

/// Plugins are told in the order of their numbers, whenever they came.
fn put<T: Ord>(list: &mut Vec<T>, item: T) {
    list.push(item);
    list.sort();
}

fn tell(plugins: &[PluginId], event: &MarketEvent, history: bool, effects: &mut Vec<Effect>) {
    for plugin in plugins {
        let event = PluginEvent::Market { event: event.clone(), history };
        effects.push(Effect::CallPlugin { plugin: *plugin, event });
    }
}

impl<F: Flaws> Engine<F> {
    /// Changes what a plugin is told of the market, from the next event on: another component of
    /// it may want other data. No record says so: after a restart it is what the component wants
    /// that runs then.
    pub fn subscribe(&mut self, id: PluginId, subscriptions: &Subscriptions) {
        let Some(plugin) = self.config.plugins.get_mut(usize::from(id.0)) else { return };
        if plugin.subscriptions == *subscriptions {
            return;
        }
        plugin.subscriptions = subscriptions.clone();
        self.feed.unsubscribe(id);
        self.feed.subscribe(id, plugin);
    }

    pub(super) fn market(&mut self, event: &MarketEvent, history: bool, effects: &mut Vec<Effect>) {
        let id = event.instrument;
        // A bar of the source's own ends builders of its interval before they would tell of it.
        if matches!(event.data, MarketData::Bar(_)) {
            self.feed.publish(event, history, effects);
        }
        self.now = self.now.max(event.time);
        if !history {
            self.watch_time(effects);
        }
        self.feed.end_bars(self.now, &self.config.instruments, effects);
        let market = &mut self.markets[usize::from(id.0)];
        let before = market.mark();
        let followed = market.apply(event);
        let marked = market.mark() != before;
        if let Err(lost) = followed {
            self.commit(Record::Alert(Alert::BookLost(id, lost)), effects);
        }
        if marked {
            self.mark(id, effects);
            self.watch_holders(id, effects);
        }
        match &event.data {
            MarketData::Funding(funding) if !history => self.fund_holders(id, funding, effects),
            MarketData::Bar(_) | MarketData::Mark(_) | MarketData::Funding(_) => {}
            MarketData::Depth(_) => self.publish_depth(id, event.time, effects),
            MarketData::Trade(_) | MarketData::Quote(_) => {
                self.feed.publish(event, history, effects)
            }
        }
    }

    /// Lets holders pay or get funding, as the venue does.
    fn fund_holders(&mut self, id: InstrumentId, funding: &Funding, effects: &mut Vec<Effect>) {
        for plugin in self.holders[usize::from(id.0)].clone() {
            let quantity = self.account.sub_account(plugin).position(id).quantity;
            let Some(amount) = self.instrument(id).funding(quantity, funding) else {
                return self.halt_instrument(id, Alert::NumberOverflow(id), effects);
            };
            self.commit(Record::Funded { plugin, instrument: id, amount }, effects);
            self.tell_position(plugin, id, effects);
        }
    }

    fn publish_depth(&self, id: InstrumentId, time: UnixNanos, effects: &mut Vec<Effect>) {
        let book = self.market_state(id).book();
        if !book.is_live() {
            return;
        }
        for (plugin, levels) in &self.feed.instruments[usize::from(id.0)].depth {
            let (bids, asks) = book.top(*levels);
            let view = Box::new(DepthView { instrument: id, time, bids, asks });
            effects.push(Effect::CallPlugin { plugin: *plugin, event: PluginEvent::Depth(view) });
        }
    }

    /// Values all open positions of an instrument at its mark, and sends what has waited for it.
    pub(super) fn mark(&mut self, id: InstrumentId, effects: &mut Vec<Effect>) {
        let at = usize::from(id.0);
        let Some(price) = self.markets[at].mark() else {
            return;
        };
        for plugin in &self.holders[at] {
            let quantity = self.account.sub_account(*plugin).position(id).quantity;
            let Some(value) = self.config.instruments[at].notional(price, quantity) else {
                return self.halt_instrument(id, Alert::NumberOverflow(id), effects);
            };
            self.account.mark(*plugin, id, value);
        }
        if !self.held.is_empty() && self.reconciled {
            self.trigger_held(id, price, effects);
        }
    }
}
