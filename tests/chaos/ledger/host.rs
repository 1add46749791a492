//! The host's own books, as its journal tells them: every order that it sent, every fill that it
//! booked, and what follows from them. Read from the rows alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    str::FromStr,
};

use rust_decimal::Decimal;
use sandpit_core::{
    engine::{News, Record},
    ids::InstrumentId,
    instrument::Instrument,
    market::Side,
    order::{Fill, Order, OrderState},
};
use sandpit_journal::journal::{Entry, JournalReader, Tables, journals_in, segment_path};

/// One order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostOrder {
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) state: OrderState,
    pub(crate) quantity: Decimal,
    pub(crate) executed: Decimal,
    /// Whether it was sent; the host keeps orders that only wait for a trigger.
    pub(crate) sent: bool,
}

/// One execution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostFill {
    /// Name of the order; nobody's where the venue liquidated.
    pub(crate) order: String,
    pub(crate) side: Side,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    /// In the quote asset.
    pub(crate) fee: Decimal,
    pub(crate) maker: bool,
}

/// What the host says that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HostBooks {
    /// By client order id.
    pub(crate) orders: BTreeMap<String, HostOrder>,
    /// By symbol and trade id.
    pub(crate) fills: BTreeMap<(String, u64), HostFill>,
    /// Signed quantity by symbol; those that are flat are absent.
    pub(crate) positions: BTreeMap<String, Decimal>,
    /// What trading has brought and cost, fees off, in the quote asset.
    pub(crate) cash: Decimal,
    /// What cannot be: a trade that was booked twice, a row that names nothing.
    pub(crate) problems: Vec<String>,
}

pub(super) fn exact(text: &impl ToString) -> Decimal {
    let text = text.to_string();
    Decimal::from_str_exact(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl HostBooks {
    /// Reads the one journal of a folder, its archived segments first. The chain of rows is checked
    /// as it goes.
    pub(crate) fn from_journal(folder: &Path) -> Self {
        let journals = journals_in(folder).unwrap();
        let [journal] = journals.as_slice() else { panic!("one journal: {journals:?}") };
        let mut books = Self::default();
        for (at, path) in segments(journal).iter().enumerate() {
            let reader = JournalReader::open(path).unwrap();
            let tables = reader.tables().clone();
            for row in reader.entries() {
                let row = row.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                if let Entry::Core(record) = row.entry {
                    books.take(&record, &tables, at == 0);
                }
            }
        }
        books.positions.retain(|_, quantity| !quantity.is_zero());
        books
    }

    fn take(&mut self, record: &Record, tables: &Tables, is_first: bool) {
        match record {
            Record::Submitted { order, .. } => self.placed(order, tables, true),
            Record::Held { order, .. } => self.placed(order, tables, false),
            Record::Released { order, quantity, .. } => {
                let Some(own) = self.orders.get_mut(&order.to_string()) else {
                    return self.problems.push(format!("{order} was released and never held"));
                };
                own.sent = true;
                let rules = rules_of(&own.symbol, tables);
                own.quantity = exact(&rules.quantity_decimal(*quantity));
            }
            Record::Moved { order, to, news, .. } => {
                let Some(own) = self.orders.get_mut(&order.to_string()) else {
                    return self.problems.push(format!("{order} moved and was never placed"));
                };
                own.state = *to;
                if let News::Became { quantity, .. } = news {
                    let rules = rules_of(&own.symbol, tables);
                    own.quantity = exact(&rules.quantity_decimal(*quantity));
                }
            }
            Record::Filled { order, fill, .. } => {
                self.filled(order.instrument, order.side, &order.id.to_string(), fill, tables);
            }
            Record::Liquidated { instrument, side, fill, .. } => {
                self.filled(*instrument, *side, "", fill, tables);
            }
            Record::Closed { order, state, .. } => {
                if let Some(own) = self.orders.get_mut(&order.id.to_string()) {
                    own.state = *state;
                }
            }
            Record::Funded { amount, .. } => self.cash -= exact(amount),
            // A later segment repeats what is open; the rows before have said it.
            Record::Carried(_) | Record::CarriedPosition { .. } if is_first => {
                self.problems.push("the first segment goes on from another".to_owned());
            }
            _ => {}
        }
    }

    fn placed(&mut self, order: &Order, tables: &Tables, sent: bool) {
        let rules = instrument(order.instrument, tables);
        let own = HostOrder {
            symbol: rules.spec().symbol.clone(),
            side: order.side,
            state: if sent { OrderState::Submitted } else { OrderState::Emulated },
            quantity: exact(&rules.quantity_decimal(order.quantity)),
            executed: Decimal::ZERO,
            sent,
        };
        if self.orders.insert(order.id.to_string(), own).is_some() {
            self.problems.push(format!("{} was placed twice", order.id));
        }
    }

    fn filled(&mut self, of: InstrumentId, side: Side, order: &str, fill: &Fill, tables: &Tables) {
        let rules = instrument(of, tables);
        let symbol = rules.spec().symbol.clone();
        let booked = HostFill {
            order: order.to_owned(),
            side,
            price: exact(&rules.price_decimal(fill.price)),
            quantity: exact(&rules.quantity_decimal(fill.quantity)),
            fee: exact(&fill.fee),
            maker: fill.maker,
        };
        let signed = if side == Side::Buy { booked.quantity } else { -booked.quantity };
        *self.positions.entry(symbol.clone()).or_default() += signed;
        self.cash -= signed * booked.price + booked.fee;
        if let Some(own) = self.orders.get_mut(order) {
            own.executed += booked.quantity;
            if own.executed >= own.quantity {
                own.state = OrderState::Filled;
            }
        }
        if let Some(before) = self.fills.insert((symbol, fill.trade_id.0), booked) {
            self.problems.push(format!("trade {} was booked twice: {before:?}", fill.trade_id.0));
        }
    }

    /// Symbols that it knows of.
    pub(crate) fn symbols(&self) -> BTreeSet<String> {
        self.orders.values().map(|order| order.symbol.clone()).collect()
    }
}

fn instrument(id: InstrumentId, tables: &Tables) -> &Instrument {
    tables.instruments.get(usize::from(id.0)).unwrap_or_else(|| panic!("no instrument {id:?}"))
}

fn rules_of<'t>(symbol: &str, tables: &'t Tables) -> &'t Instrument {
    let mut instruments = tables.instruments.iter();
    instruments.find(|rules| rules.spec().symbol == symbol).unwrap()
}

/// The files of a chain, oldest first.
fn segments(journal: &Path) -> Vec<PathBuf> {
    let archived = (1..).map(|number| segment_path(journal, number));
    let archived = archived.take_while(|path| path.exists());
    archived.chain([journal.to_owned()]).collect()
}

/// A decimal from a text that an exchange wrote.
pub(super) fn number(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
