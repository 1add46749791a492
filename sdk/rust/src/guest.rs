//! The component's side: the exports of the contract over one [`Instance`] in a static. Exists
//! for the guest target alone.

use core::{cell::UnsafeCell, marker::PhantomData};

use crate::{
    Strategy, TimerId, Timestamp, bindings::exports::sandpit::strategy::handlers::Guest, log,
    runtime::Instance, wire,
};

/// Where a component keeps its one instance.
pub struct Slot<S>(UnsafeCell<Option<Instance<S>>>);

#[expect(
    unsafe_code,
    reason = "a component has one thread: there is nobody to share the slot with"
)]
// SAFETY: this module exists for wasm32 without threads only.
unsafe impl<S> Sync for Slot<S> {}

impl<S: Strategy> Slot<S> {
    /// Empty until a session begins.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "made by `export!` alone, in a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    #[expect(
        unsafe_code,
        reason = "a `RefCell` would be a check per event of what the host ensures"
    )]
    #[expect(clippy::mut_from_ref, reason = "the slot is a cell; see below")]
    fn get(&self) -> &mut Option<Instance<S>> {
        // SAFETY: the host runs one call at a time and a component cannot be entered again while
        // it is in its only import, `log`; each export below takes the reference once and drops
        // it before it returns. So no two of them ever live at the same time.
        unsafe { &mut *self.0.get() }
    }

    fn instance(&self) -> &mut Instance<S> {
        match self.get() {
            Some(instance) => instance,
            None => panic!("an event came before the session began"),
        }
    }
}

/// A strategy that has a slot; made by [`crate::export!`].
pub trait Exported: Strategy + 'static {
    /// The slot.
    fn slot() -> &'static Slot<Self>;
}

/// What stands behind the exports of a component.
pub struct Glue<S>(PhantomData<S>);

/// A panic would trap without a word; this way its text and place are in the strategy's log.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, format_args!("{panic}"))));
}

impl<S: Exported> Guest for Glue<S> {
    fn describe() -> wire::Description {
        log_panics();
        Instance::<S>::describe()
    }

    fn start(session: wire::Session) -> Result<bool, String> {
        log_panics();
        let instance = Instance::start(session)?;
        let waiting = instance.has_intents();
        *S::slot().get() = Some(instance);
        Ok(waiting)
    }

    #[inline]
    fn on_trade(trade: wire::Trade) -> bool {
        S::slot().instance().on_trade(&trade.into())
    }

    #[inline]
    fn on_quote(quote: wire::Quote) -> bool {
        S::slot().instance().on_quote(&quote.into())
    }

    #[inline]
    fn on_bar(bar: wire::Bar) -> bool {
        S::slot().instance().on_bar(&bar.into())
    }

    #[inline]
    fn on_depth(depth: wire::Depth) -> bool {
        S::slot().instance().on_depth(&depth.into())
    }

    fn on_order(update: wire::OrderUpdate) -> bool {
        S::slot().instance().on_order(&update.into())
    }

    fn on_position(position: wire::Position) -> bool {
        S::slot().instance().on_position(position.into())
    }

    fn on_budget(budget: wire::Budget) -> bool {
        S::slot().instance().on_budget(budget.into())
    }

    fn on_timer(id: u32, time: u64) -> bool {
        S::slot().instance().on_timer(TimerId(id), Timestamp(time))
    }

    fn on_trading_state(state: wire::TradingState, time: u64) -> bool {
        S::slot().instance().on_trading_state(state, Timestamp(time))
    }

    fn on_parameters(arguments: Vec<wire::Argument>) -> Result<bool, String> {
        S::slot().instance().on_parameters(arguments)
    }

    fn take_intents() -> Vec<wire::Intent> {
        S::slot().instance().take_intents()
    }

    fn save() -> Vec<u8> {
        S::slot().instance().save()
    }

    fn stop(reason: wire::StopReason) {
        S::slot().instance().stop(reason);
    }
}
