//! What a scope holds and what its working orders could add.

use crate::{market::Side, num::Quantity, risk::Scope};

/// What a scope holds in one instrument, and what its working orders could add. Orders that may
/// grow a position and reduce-only ones are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Signed position.
    pub position: Quantity,
    /// Remaining quantity of working buys.
    pub buying: Quantity,
    /// Remaining quantity of working sells.
    pub selling: Quantity,
    /// Remaining quantity of working reduce-only buys; in an account, of each plugin no more than
    /// it has to reduce.
    pub reducing_buys: Quantity,
    /// The same of reduce-only sells.
    pub reducing_sells: Quantity,
    /// Brackets whose exits will be reduce-only buys.
    pub planned_exit_buys: u32,
    /// Brackets whose exits will be reduce-only sells.
    pub planned_exit_sells: u32,
    /// Whether the host keeps a stop for the position; in an account, for how many plugins. It may
    /// close all of the position at any moment, and is no part of `reducing_buys` or
    /// `reducing_sells`: a plugin's own way out is not to wait for it.
    pub protected: u32,
}

impl Exposure {
    /// The position if all working orders of `side` were filled, and none of the other.
    ///
    /// A reduce-only order cannot flip a position, but it can be filled *before* the others of its
    /// side and so make way for them. For a plugin the position then counts as gone. In an account
    /// it moves the sum of all positions by what its plugin has to reduce.
    #[must_use]
    pub fn worst(&self, side: Side, scope: Scope) -> Quantity {
        let (sign, working, reducing, planned) = match side {
            Side::Buy => {
                let planned = self.planned_exit_buys + self.protected;
                (1, self.buying, self.reducing_buys, planned)
            }
            Side::Sell => {
                let planned = self.planned_exit_sells + self.protected;
                (-1, self.selling, self.reducing_sells, planned)
            }
        };
        let toward = self.position.0 * sign;
        let worst = match scope {
            Scope::Account => toward + working.0 + reducing.0,
            Scope::Plugin if reducing.is_zero() && planned == 0 => toward + working.0,
            Scope::Plugin => toward.max(0) + working.0,
        };
        Quantity(worst * sign)
    }

    /// The larger of both worst cases, without its sign.
    #[must_use]
    pub fn worst_abs(&self, scope: Scope) -> Quantity {
        self.worst(Side::Buy, scope).abs().max(self.worst(Side::Sell, scope).abs())
    }

    /// Notes a bracket whose exits are on `side`, or the end of one.
    pub(crate) fn plan_exits(&mut self, side: Side, planned: bool) {
        let count = match side {
            Side::Buy => &mut self.planned_exit_buys,
            Side::Sell => &mut self.planned_exit_sells,
        };
        *count = if planned { *count + 1 } else { *count - 1 };
    }

    /// From now on the host keeps a stop for the position.
    pub(crate) const fn protect(&mut self) {
        self.protected += 1;
    }

    pub(crate) const fn is_protected(&self) -> bool {
        self.protected > 0
    }

    /// Adds `quantity` (negative to take away) to what works on `side`.
    pub(crate) fn work(&mut self, side: Side, reduce_only: bool, quantity: Quantity) {
        *match (side, reduce_only) {
            (Side::Buy, false) => &mut self.buying,
            (Side::Sell, false) => &mut self.selling,
            (Side::Buy, true) => &mut self.reducing_buys,
            (Side::Sell, true) => &mut self.reducing_sells,
        } += quantity;
    }

    /// Follows, as the account's exposure, a change of one plugin's from `before` to `after`.
    pub(crate) fn follow(&mut self, before: &Self, after: &Self) {
        let effective = |of: &Self, side| {
            let (held, reducing) = match side {
                Side::Buy => ((-of.position).max(Quantity::ZERO), of.reducing_buys),
                Side::Sell => (of.position.max(Quantity::ZERO), of.reducing_sells),
            };
            if of.is_protected() { held } else { reducing.min(held) }
        };
        self.position += after.position - before.position;
        self.buying += after.buying - before.buying;
        self.selling += after.selling - before.selling;
        self.reducing_buys += effective(after, Side::Buy) - effective(before, Side::Buy);
        self.reducing_sells += effective(after, Side::Sell) - effective(before, Side::Sell);
        self.planned_exit_buys =
            self.planned_exit_buys + after.planned_exit_buys - before.planned_exit_buys;
        self.planned_exit_sells =
            self.planned_exit_sells + after.planned_exit_sells - before.planned_exit_sells;
        self.protected = self.protected + after.protected - before.protected;
    }

    /// How much of `side` would shrink the position, with what already works to shrink it.
    #[must_use]
    pub fn reducible(&self, side: Side) -> Quantity {
        let (held, pending) = match side {
            Side::Buy => (-self.position, self.buying + self.reducing_buys),
            Side::Sell => (self.position, self.selling + self.reducing_sells),
        };
        Quantity((held - pending).0.max(0))
    }
}
