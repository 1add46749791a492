//! How a type of the core becomes JSON and comes back. Each has a row type of the same shape that
//! the journal owns; the macros take every field and variant by name, so a type that changes in the
//! core does not compile here until somebody has decided what old rows mean.
//!
//! Numbers are exact: an integer of at most 63 bits is a JSON integer, anything larger a text.

use serde::{Serialize, de::DeserializeOwned};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TimerId, TradeId, VenueOrderId},
    num::{Money, Price, Quantity},
    risk::BasisPoints,
    time::{Nanos, UnixNanos},
};

use crate::journal::Digest;

/// Why a row does not become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) struct Unreadable(pub(in crate::journal) &'static str);

/// A value that rows hold.
pub(in crate::journal) trait Mirror: Sized {
    /// Its form in a row.
    type Row: Serialize + DeserializeOwned;

    fn to_row(&self) -> Self::Row;
    fn from_row(row: Self::Row) -> Result<Self, Unreadable>;

    /// Some value, for tests.
    #[cfg(test)]
    fn sample(random: &mut Random) -> Self;

    /// A value of every variant, for tests: a variant that is added is among them.
    #[cfg(test)]
    fn every(random: &mut Random) -> Vec<Self> {
        vec![Self::sample(random)]
    }
}

impl<T: Mirror> Mirror for Option<T> {
    type Row = Option<T::Row>;

    fn to_row(&self) -> Self::Row {
        self.as_ref().map(T::to_row)
    }

    fn from_row(row: Self::Row) -> Result<Self, Unreadable> {
        row.map(T::from_row).transpose()
    }

    #[cfg(test)]
    fn sample(random: &mut Random) -> Self {
        (random.below(2) == 1).then(|| T::sample(random))
    }
}

impl<T: Mirror> Mirror for Vec<T> {
    type Row = Vec<T::Row>;

    fn to_row(&self) -> Self::Row {
        self.iter().map(T::to_row).collect()
    }

    fn from_row(row: Self::Row) -> Result<Self, Unreadable> {
        row.into_iter().map(T::from_row).collect()
    }

    #[cfg(test)]
    fn sample(random: &mut Random) -> Self {
        (0..random.below(4)).map(|_| T::sample(random)).collect()
    }
}

impl<T: Mirror, const N: usize> Mirror for [T; N] {
    type Row = Vec<T::Row>;

    fn to_row(&self) -> Self::Row {
        self.iter().map(T::to_row).collect()
    }

    fn from_row(row: Self::Row) -> Result<Self, Unreadable> {
        let values: Vec<T> = Mirror::from_row(row)?;
        values.try_into().map_err(|_| Unreadable("a list has not its length"))
    }

    #[cfg(test)]
    fn sample(random: &mut Random) -> Self {
        std::array::from_fn(|_| T::sample(random))
    }
}

macro_rules! as_is {
    ($($type:ty),+) => { $(
        impl Mirror for $type {
            type Row = Self;

            fn to_row(&self) -> Self {
                self.clone()
            }

            fn from_row(row: Self) -> Result<Self, Unreadable> {
                Ok(row)
            }

            #[cfg(test)]
            fn sample(random: &mut Random) -> Self {
                random.value()
            }
        }
    )+ };
}
as_is!(bool, u8, u16, u32, i64, String);

/// Newtypes over something that has a row form.
macro_rules! wrapped {
    ($($type:ident($inner:ty)),+ $(,)?) => { $(
        impl Mirror for $type {
            type Row = <$inner as Mirror>::Row;

            fn to_row(&self) -> Self::Row {
                self.0.to_row()
            }

            fn from_row(row: Self::Row) -> Result<Self, Unreadable> {
                Ok(Self(Mirror::from_row(row)?))
            }

            #[cfg(test)]
            fn sample(random: &mut Random) -> Self {
                Self(Mirror::sample(random))
            }
        }
    )+ };
}
wrapped!(
    InstrumentId(u16),
    PluginId(u16),
    TimerId(u32),
    OrderTag(u64),
    RunId(u64),
    TradeId(u64),
    VenueOrderId(u64),
    UnixNanos(u64),
    Nanos(u64),
    Price(i64),
    Quantity(i64),
    BasisPoints(u32),
);

/// Whatever is exact as a text.
macro_rules! as_text {
    ($($type:ident by $parse:expr, $why:literal);+ $(;)?) => { $(
        impl Mirror for $type {
            type Row = String;

            fn to_row(&self) -> String {
                self.to_string()
            }

            fn from_row(row: String) -> Result<Self, Unreadable> {
                $parse(&row).ok_or(Unreadable($why))
            }

            #[cfg(test)]
            fn sample(random: &mut Random) -> Self {
                random.value()
            }
        }
    )+ };
}
as_text! {
    u64 by |text: &str| text.parse().ok(), "a number is malformed";
    Digest by |text: &str| text.parse().ok(), "a hash is malformed";
    Money by money, "an amount of money is malformed";
    ClientOrderId by order_id, "a client order id is malformed";
}

/// `-1.50`, with at most as many digits as [`Money`] has.
pub(in crate::journal) fn money(text: &str) -> Option<Money> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = u8::try_from(fraction.len()).ok()?;
    Money::from_scaled(format!("{whole}{fraction}").parse().ok()?, scale)
}

/// `sp-<run>-<plugin>-<sequence>`, each in hexadecimal.
pub(in crate::journal) fn order_id(text: &str) -> Option<ClientOrderId> {
    let mut parts = text.strip_prefix("sp-")?.split('-');
    let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
    let id = ClientOrderId {
        run: RunId(number()?),
        plugin: PluginId(u16::try_from(number()?).ok()?),
        sequence: number()?,
    };
    parts.next().is_none().then_some(id)
}

/// A struct of the core and its row.
macro_rules! mirror_struct {
    ($core:ident as $row:ident { $($field:ident : $type:ty),+ $(,)? }) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::journal) struct $row {
            $($field: <$type as Mirror>::Row),+
        }

        impl Mirror for $core {
            type Row = $row;

            fn to_row(&self) -> $row {
                let Self { $($field),+ } = self;
                $row { $($field: $field.to_row()),+ }
            }

            fn from_row(row: $row) -> Result<Self, Unreadable> {
                Ok(Self { $($field: Mirror::from_row(row.$field)?),+ })
            }

            #[cfg(test)]
            fn sample(random: &mut super::mirror::Random) -> Self {
                Self { $($field: Mirror::sample(random)),+ }
            }
        }
    };
}

/// An enum of the core and its row. A variant without parts is a text, one with parts an object with
/// one key. The parts of a tuple variant get names (`(name: Type)`), but for a part that has names
/// of its own (`[name: Type]`), which stands for the whole.
macro_rules! mirror_enum {
    ($core:ident as $row:ident { $(
        $variant:ident
        $( ( $($part:ident : $part_type:ty),+ $(,)? ) )?
        $( { $($field:ident : $type:ty),+ $(,)? } )?
        $( [ $whole:ident : $whole_type:ty ] )?
    ),+ $(,)? }) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(in crate::journal) enum $row { $(
            $variant
            $( { $($part: <$part_type as Mirror>::Row),+ } )?
            $( { $($field: <$type as Mirror>::Row),+ } )?
            $( (<$whole_type as Mirror>::Row) )?
        ),+ }

        impl Mirror for $core {
            type Row = $row;

            fn to_row(&self) -> $row {
                match self { $(
                    Self::$variant $( ( $($part),+ ) )? $( { $($field),+ } )? $( ($whole) )? =>
                        $row::$variant
                            $( { $($part: $part.to_row()),+ } )?
                            $( { $($field: $field.to_row()),+ } )?
                            $( ($whole.to_row()) )?
                ),+ }
            }

            fn from_row(row: $row) -> Result<Self, Unreadable> {
                Ok(match row { $(
                    $row::$variant $( { $($part),+ } )? $( { $($field),+ } )? $( ($whole) )? =>
                        Self::$variant
                            $( ( $(<$part_type as Mirror>::from_row($part)?),+ ) )?
                            $( { $($field: <$type as Mirror>::from_row($field)?),+ } )?
                            $( (<$whole_type as Mirror>::from_row($whole)?) )?
                ),+ })
            }

            #[cfg(test)]
            fn sample(random: &mut super::mirror::Random) -> Self {
                let mut every = Self::every(random);
                let at = random.below(every.len());
                every.swap_remove(at)
            }

            #[cfg(test)]
            fn every(random: &mut super::mirror::Random) -> Vec<Self> {
                let _ = &random;
                vec![$(
                    Self::$variant
                        $( ( $(<$part_type as Mirror>::sample(random)),+ ) )?
                        $( { $($field: <$type as Mirror>::sample(random)),+ } )?
                        $( (<$whole_type as Mirror>::sample(random)) )?
                ),+]
            }
        }
    };
}

pub(super) use {mirror_enum, mirror_struct};

#[cfg(test)]
pub(in crate::journal) use tests::Random;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values from a seed, the extremes of their types among them.
    #[derive(Debug)]
    pub(in crate::journal) struct Random(pub(in crate::journal) u64);

    impl Random {
        pub(in crate::journal) fn next(&mut self) -> u64 {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        pub(in crate::journal) fn below(&mut self, bound: usize) -> usize {
            usize::try_from(self.next() % bound as u64).unwrap()
        }

        /// Eight bytes: small, at either end, or anything.
        fn bytes(&mut self) -> [u8; 8] {
            match self.below(4) {
                0 => self.next() % 4,
                1 => u64::MAX,
                2 => u64::MAX / 2 + self.next() % 2,
                _ => self.next(),
            }
            .to_le_bytes()
        }

        pub(in crate::journal) fn value<T: Value>(&mut self) -> T {
            T::value(self)
        }
    }

    pub(in crate::journal) trait Value {
        fn value(random: &mut Random) -> Self;
    }

    macro_rules! values {
        ($($type:ty: $random:ident => $value:expr;)+) => { $(
            impl Value for $type {
                fn value($random: &mut Random) -> Self {
                    $value
                }
            }
        )+ };
    }
    values! {
        bool: random => random.below(2) == 1;
        u8: random => random.bytes()[0];
        u16: random => u16::from_le_bytes([random.bytes()[0], random.bytes()[7]]);
        u32: random => u32::from_le_bytes(random.bytes()[..4].try_into().unwrap());
        u64: random => u64::from_le_bytes(random.bytes());
        i64: random => i64::from_le_bytes(random.bytes());
        String: random => {
            let characters = ['a', '"', '\\', '\n', '\0', '=', '{', 'ä', '\u{1f980}', '\u{2028}'];
            (0..random.below(12)).map(|_| characters[random.below(characters.len())]).collect()
        };
        Digest: random => Digest::of(&random.bytes());
        Money: random => Money(
            (i128::from(random.value::<i64>()) << 64) | i128::from(random.value::<u64>())
        );
        ClientOrderId: random => ClientOrderId {
            sequence: random.value(),
            plugin: PluginId(random.value()),
            run: RunId(random.value()),
        };
    }

    proptest! {
        #[test]
        fn money_is_its_text(raw in any::<i128>()) {
            prop_assert_eq!(money(&Money(raw).to_string()), Some(Money(raw)));
        }

        #[test]
        fn a_client_order_id_is_its_text(run: u64, plugin: u16, sequence: u64) {
            let id = ClientOrderId { sequence, plugin: PluginId(plugin), run: RunId(run) };
            prop_assert_eq!(order_id(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn what_is_no_money_is_refused() {
        for text in ["", ".", "1", "1.0000000000000000000", "1e5.00", "+1.00", "--1.00", "-.50"] {
            assert_eq!(money(text), None, "{text:?}");
        }
        assert_eq!(money(&Money(i128::MIN).to_string()), Some(Money(i128::MIN)));
    }

    #[test]
    fn what_is_no_client_order_id_is_refused() {
        for text in ["", "sp-", "sp-1-2", "sp-1-2-3-4", "sp-1-10000-3", "xx-1-2-3", "sp-g-1-1"] {
            assert_eq!(order_id(text), None, "{text:?}");
        }
    }
}
