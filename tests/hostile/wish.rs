//! Intents as a guest has them in its memory, made by hand: what a compiler of an SDK would never
//! write can be written here.

/// Bytes of an intent in a guest's memory.
pub(crate) const WISH_BYTES: usize = 152;

/// Digits after the point of the prices here.
const PRICE_SCALE: u8 = 1;
/// Where the payload of the variant begins.
const PAYLOAD: usize = 8;

pub(crate) const BUY: u8 = 0;
pub(crate) const SELL: u8 = 1;

/// Places in an intent to place an order, from the start of the intent.
pub(crate) const SIDE_AT: usize = PAYLOAD + 12;
pub(crate) const QUANTITY_AT: usize = PAYLOAD + 16;
pub(crate) const SCALE_AT: usize = PAYLOAD + 24;
pub(crate) const KIND_AT: usize = PAYLOAD + 32;
pub(crate) const KIND_PAYLOAD_AT: usize = PAYLOAD + 40;
pub(crate) const TIME_AT: usize = PAYLOAD + 72;
pub(crate) const POST_ONLY_AT: usize = PAYLOAD + 88;
pub(crate) const REDUCE_ONLY_AT: usize = PAYLOAD + 89;

/// One intent.
#[derive(Clone)]
pub(crate) struct Wish([u8; WISH_BYTES]);

impl Wish {
    fn of(case: u8) -> Self {
        let mut bytes = [0; WISH_BYTES];
        bytes[0] = case;
        Self(bytes)
    }

    /// Its bytes.
    pub(crate) const fn bytes(&self) -> &[u8; WISH_BYTES] {
        &self.0
    }

    fn put<const N: usize>(mut self, at: usize, bytes: [u8; N]) -> Self {
        self.0[at..at + N].copy_from_slice(&bytes);
        self
    }

    /// Another byte anywhere.
    pub(crate) fn byte(self, at: usize, value: u8) -> Self {
        self.put(at, [value])
    }

    /// Another number of 64 bits anywhere.
    pub(crate) fn long(self, at: usize, value: i64) -> Self {
        self.put(at, value.to_le_bytes())
    }

    fn decimal(self, at: usize, mantissa: i64, scale: u8) -> Self {
        self.long(at, mantissa).byte(at + 8, scale)
    }

    /// A market order for whole contracts.
    pub(crate) fn place(tag: u64, instrument: u32, side: u8, quantity: i64) -> Self {
        Self::of(0)
            .put(PAYLOAD, tag.to_le_bytes())
            .put(PAYLOAD + 8, instrument.to_le_bytes())
            .byte(SIDE_AT, side)
            .long(QUANTITY_AT, quantity)
    }

    /// As a limit order at a tenth of this.
    pub(crate) fn limit(self, price: i64) -> Self {
        self.byte(KIND_AT, 1).decimal(KIND_PAYLOAD_AT, price, PRICE_SCALE)
    }

    /// As another kind with a first price.
    pub(crate) fn kind(self, kind: u8, price: i64) -> Self {
        self.byte(KIND_AT, kind).decimal(KIND_PAYLOAD_AT, price, PRICE_SCALE)
    }

    /// As a trailing stop this many hundredths of a percent away.
    pub(crate) fn trailing(self, points: u32) -> Self {
        self.byte(KIND_AT, 5)
            .byte(KIND_PAYLOAD_AT, 1)
            .put(KIND_PAYLOAD_AT + 8, points.to_le_bytes())
    }

    /// With another time in force.
    pub(crate) fn time_in_force(self, case: u8, until: u64) -> Self {
        self.byte(TIME_AT, case).put(TIME_AT + 8, until.to_le_bytes())
    }

    /// As maker only.
    pub(crate) fn post_only(self) -> Self {
        self.byte(POST_ONLY_AT, 1)
    }

    /// Only to shrink a position.
    pub(crate) fn reduce_only(self) -> Self {
        self.byte(REDUCE_ONLY_AT, 1)
    }

    /// Another price of an order.
    pub(crate) fn amend(tag: u64, quantity: Option<i64>, price: Option<i64>) -> Self {
        let mut wish = Self::of(1).put(PAYLOAD, tag.to_le_bytes());
        if let Some(quantity) = quantity {
            wish = wish.byte(PAYLOAD + 8, 1).decimal(PAYLOAD + 16, quantity, 0);
        }
        match price {
            Some(price) => wish.byte(PAYLOAD + 32, 1).decimal(PAYLOAD + 40, price, PRICE_SCALE),
            None => wish,
        }
    }

    /// The end of an order.
    pub(crate) fn cancel(tag: u64) -> Self {
        Self::of(2).put(PAYLOAD, tag.to_le_bytes())
    }

    /// The end of all own orders, or those of one instrument.
    pub(crate) fn cancel_all(instrument: Option<u32>) -> Self {
        match instrument {
            Some(id) => Self::of(3).byte(PAYLOAD, 1).put(PAYLOAD + 4, id.to_le_bytes()),
            None => Self::of(3),
        }
    }

    /// A position.
    pub(crate) fn target(tag: u64, instrument: u32, quantity: i64) -> Self {
        Self::of(4)
            .put(PAYLOAD, tag.to_le_bytes())
            .put(PAYLOAD + 8, instrument.to_le_bytes())
            .long(PAYLOAD + 16, quantity)
    }

    /// An entry that was made by [`Self::place`], with its exits.
    pub(crate) fn bracket(entry: Self, stop: (u64, i64), profit: (u64, i64)) -> Self {
        entry
            .byte(0, 5)
            .put(PAYLOAD + 96, stop.0.to_le_bytes())
            .decimal(PAYLOAD + 104, stop.1, PRICE_SCALE)
            .put(PAYLOAD + 120, profit.0.to_le_bytes())
            .decimal(PAYLOAD + 128, profit.1, PRICE_SCALE)
    }

    /// A wake-up.
    pub(crate) fn timer(id: u32, at: u64, every: Option<u64>) -> Self {
        let wish = Self::of(6).put(PAYLOAD, id.to_le_bytes()).put(PAYLOAD + 8, at.to_le_bytes());
        match every {
            Some(every) => wish.byte(PAYLOAD + 16, 1).put(PAYLOAD + 24, every.to_le_bytes()),
            None => wish,
        }
    }
}
