//! Before anything begins: what there is to trade, how the account is set, and setting it as the
//! operator wants it. A setting counts once the venue shows it, not once it was asked for.

use std::{cmp::Ordering, collections::BTreeMap};

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::Side,
    num::{Decimal, Price, Rate},
    order::{Order, OrderKind},
};

use super::{
    super::{
        request::{MarginMode, Request},
        response::{
            AccountConfig, Aliases, AssetsMode, Bounds, Brackets, CommissionAnswer, ExchangeInfo,
            PositionMode, SymbolConfig, Whole,
        },
        settings::Settings,
        words::MarginType,
    },
    desk::{Rules, Step, judged},
};
use crate::{
    binance::{
        decimal,
        error_code::{Outcome, Rejection},
        filters::product_cmp,
        gate::{Ended, Wish},
        limits::{Lane, Limit},
        market::Dialect,
        proof,
        request::Request as SpotRequest,
        response::Answer,
    },
    keys::Purpose,
    machine::{CallId, KeyRights},
};

/// Rates that are taken where no key can say them: those of an account without rebates.
///
/// Source: Binance, "USDⓈ-M futures fee structure": 0.02 % for making, 0.05 % for taking.
const FEES: (&str, &str) = ("0.0002", "0.0005");

/// One answer that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Info,
    PositionMode,
    AssetsMode,
    Account,
    Brackets,
    Config,
    Commission(usize),
    /// Which account the key of a purpose is of.
    Alias(Purpose),
    /// What it may do.
    Key(Purpose),
    Set,
    Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Info,
    Account,
    Set,
    Check,
    Done,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Became {
    /// It goes on.
    Waits,
    /// Everything is as it is wanted.
    Opened {
        instruments: Vec<Instrument>,
        key: Option<KeyRights>,
        /// The venue's name for the account.
        account: Option<String>,
    },
    /// It cannot be, and trying again does not help.
    Cannot(String),
}

/// The opening.
#[derive(Debug)]
pub(super) struct Opening {
    stage: Stage,
    calls: BTreeMap<CallId, Part>,
    info: Vec<u8>,
    fees: Vec<(Rate, Rate)>,
    /// Settings that are to be changed.
    changes: Vec<Change>,
    aliases: BTreeMap<Purpose, Option<String>>,
    rights: BTreeMap<Purpose, KeyRights>,
    pub(super) bounds: Vec<Bounds>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Margin(usize),
    Leverage(usize),
}

fn rate(text: &str) -> Option<Rate> {
    decimal(text).ok().and_then(Rate::from_decimal)
}

fn refusal(what: &str, rejection: &Rejection) -> String {
    format!("Binance refuses {what}: {} ({})", rejection.message, rejection.code)
}

const fn wanted(mode: MarginMode) -> MarginType {
    match mode {
        MarginMode::Cross => MarginType::Cross,
        MarginMode::Isolated => MarginType::Isolated,
    }
}

impl Opening {
    pub(super) fn new(settings: &Settings) -> Self {
        let fees = (rate(FEES.0).unwrap_or(Rate(0)), rate(FEES.1).unwrap_or(Rate(0)));
        Self {
            stage: Stage::Idle,
            calls: BTreeMap::new(),
            info: Vec::new(),
            fees: vec![fees; settings.symbols.len()],
            changes: Vec::new(),
            aliases: BTreeMap::new(),
            rights: BTreeMap::new(),
            bounds: Vec::new(),
        }
    }

    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// What it waits for, in words.
    pub(super) const fn waiting(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Idle | Stage::Done => None,
            Stage::Info => Some("waiting for the list of symbols"),
            Stage::Account => Some("waiting for the account's settings"),
            Stage::Set => Some("setting leverage and margin mode"),
            Stage::Check => Some("checking leverage and margin mode"),
        }
    }

    fn ask(&mut self, part: Part, request: &Request<'_>, step: &mut Step<'_>) {
        if let Ok(call) = step.ask(Lane::Reconcile, 0, request) {
            self.calls.insert(call, part);
        }
    }

    pub(super) fn begin(&mut self, step: &mut Step<'_>) {
        if self.stage == Stage::Idle {
            self.stage = Stage::Info;
            self.ask(Part::Info, &Request::ExchangeInfo, step);
        }
    }

    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        settings: &Settings,
        has_key: bool,
        step: &mut Step<'_>,
    ) -> Became {
        let Some(part) = self.calls.remove(&call) else { return Became::Waits };
        if let Err(why) = self.take(&part, ended, settings, step) {
            self.calls.clear();
            self.stage = Stage::Done;
            return Became::Cannot(why);
        }
        if !self.calls.is_empty() {
            return Became::Waits;
        }
        match self.go_on(settings, has_key, step) {
            Ok(became) => became,
            Err(why) => {
                self.stage = Stage::Done;
                Became::Cannot(why)
            }
        }
    }

    /// Everything that was asked is there.
    fn go_on(
        &mut self,
        settings: &Settings,
        has_key: bool,
        step: &mut Step<'_>,
    ) -> Result<Became, String> {
        match self.stage {
            Stage::Info if has_key => {
                self.stage = Stage::Account;
                self.ask_account(settings, step);
            }
            Stage::Info | Stage::Check => {
                self.stage = Stage::Done;
                let instruments = self.instruments(settings)?;
                let of = |purpose| self.rights.get(&purpose).copied();
                let (trade, read) = (of(Purpose::Trade), of(Purpose::Read));
                let key = trade.map(|trade| read.map_or(trade, |read| proof::both(trade, read)));
                let account = self.aliases.remove(&Purpose::Trade).flatten();
                return Ok(Became::Opened { instruments, key, account });
            }
            Stage::Account | Stage::Set => self.set_next(settings, step),
            Stage::Idle | Stage::Done => {}
        }
        Ok(Became::Waits)
    }

    fn ask_account(&mut self, settings: &Settings, step: &mut Step<'_>) {
        self.ask(Part::PositionMode, &Request::PositionMode, step);
        self.ask(Part::AssetsMode, &Request::AssetsMode, step);
        self.ask(Part::Account, &Request::AccountConfig, step);
        self.ask(Part::Brackets, &Request::Brackets(None), step);
        self.ask(Part::Config, &Request::SymbolConfig(None), step);
        for (at, one) in settings.symbols.iter().enumerate() {
            self.ask(Part::Commission(at), &Request::Commission(&one.symbol), step);
        }
        self.ask_of_key(Purpose::Trade, settings, step);
        if step.gate.has_two_keys() {
            self.ask_of_key(Purpose::Read, settings, step);
        }
    }

    /// Whose a key is, and what it may do.
    fn ask_of_key(&mut self, purpose: Purpose, settings: &Settings, step: &mut Step<'_>) {
        let Some(signer) = step.gate.key(purpose).cloned() else { return };
        let rights = settings
            .hosts
            .wallet
            .as_ref()
            .map(|_| (Part::Key(purpose), Wish::spot(&SpotRequest::ApiRestrictions)));
        let alias = (Part::Alias(purpose), Request::Balances.wish());
        for (part, wish) in [alias].into_iter().chain(rights) {
            let Ok(wish) = wish else { continue };
            let call = step.gate.ask_with(&signer, wish, step.now, step.out);
            self.calls.insert(call, part);
        }
    }

    /// One after the other: the margin mode of a symbol before its leverage.
    fn set_next(&mut self, settings: &Settings, step: &mut Step<'_>) {
        self.stage = Stage::Set;
        let Some(change) = self.changes.pop() else {
            self.stage = Stage::Check;
            return self.ask(Part::Check, &Request::SymbolConfig(None), step);
        };
        let (Change::Margin(at) | Change::Leverage(at)) = change;
        let Some(one) = settings.symbols.get(at) else { return };
        let request = match change {
            Change::Margin(_) => Request::SetMarginType(&one.symbol, one.margin),
            Change::Leverage(_) => Request::SetLeverage(&one.symbol, one.leverage),
        };
        self.ask(Part::Set, &request, step);
    }

    fn take(
        &mut self,
        part: &Part,
        ended: &Ended,
        settings: &Settings,
        step: &mut Step<'_>,
    ) -> Result<(), String> {
        let answered = match ended {
            Ended::Answered(answered) => answered,
            // Whether it was done shows when it is looked at.
            Ended::Lost(_) if *part == Part::Set => return Ok(()),
            Ended::Lost(cause) => return Err(cause.to_string()),
            Ended::NeverSent(why) => return Err(why.clone()),
        };
        let now = step.now;
        match part {
            Part::Info => {
                let info: ExchangeInfo<'_> =
                    confirmed("the list of symbols", judged(answered, now))?;
                self.take_info(&info, settings, step)?;
                self.info.clone_from(&answered.body);
            }
            Part::PositionMode => {
                let mode: PositionMode = confirmed("the position mode", judged(answered, now))?;
                if mode.dual_side_position {
                    return Err(HEDGED.to_owned());
                }
            }
            Part::AssetsMode => {
                let mode: AssetsMode = confirmed("the assets mode", judged(answered, now))?;
                if mode.multi_assets_margin {
                    return Err("the account is in multi-assets mode, where a loss in one asset takes from all; switch it to single-asset mode".to_owned());
                }
            }
            Part::Account => {
                let config: AccountConfig =
                    confirmed("the account's settings", judged(answered, now))?;
                if !config.can_trade {
                    return Err("the account may not trade".to_owned());
                }
                if config.dual_side_position {
                    return Err(HEDGED.to_owned());
                }
            }
            Part::Brackets => {
                let all: Vec<Brackets<'_>> = confirmed("leverage brackets", judged(answered, now))?;
                check_leverage(&all, settings)?;
            }
            Part::Config => {
                let all: Vec<SymbolConfig<'_>> =
                    confirmed("settings of symbols", judged(answered, now))?;
                self.find_changes(&all, settings)?;
            }
            Part::Check => {
                let all: Vec<SymbolConfig<'_>> =
                    confirmed("settings of symbols", judged(answered, now))?;
                self.find_changes(&all, settings)?;
                if let Some(Change::Margin(at) | Change::Leverage(at)) = self.changes.first() {
                    let symbol = settings.symbols.get(*at).map_or("", |one| &one.symbol);
                    return Err(format!("leverage and margin mode of {symbol} could not be set"));
                }
            }
            Part::Commission(at) => {
                self.take_rates(*at, &confirmed("rates of fees", judged(answered, now))?)?;
            }
            Part::Alias(purpose) => {
                let aliases: Aliases = confirmed("balances", judged(answered, now))?;
                self.take_alias(*purpose, aliases.account)?;
            }
            Part::Key(purpose) => {
                let told = confirmed("the key's rights", judged(answered, now))?;
                self.rights.insert(*purpose, proof::rights(Dialect::Usdm, &told));
            }
            Part::Set => match judged::<Whole>(answered, now) {
                // That nothing is to be changed shows when it is looked at.
                Outcome::Rejected(rejection) if ![-4046, -4028].contains(&rejection.code) => {
                    return Err(refusal("leverage or margin mode", &rejection));
                }
                _ => {}
            },
        }
        Ok(())
    }

    /// Two keys have to be of one account.
    fn take_alias(&mut self, purpose: Purpose, account: Option<String>) -> Result<(), String> {
        if let Some(other) = self.aliases.values().next() {
            if other.is_none() || account.is_none() {
                let text = "Binance does not say whether both keys are of one account";
                return Err(text.to_owned());
            }
            if *other != account {
                return Err("the two keys are of different accounts".to_owned());
            }
        }
        self.aliases.insert(purpose, account);
        Ok(())
    }

    fn take_rates(&mut self, at: usize, rates: &CommissionAnswer<'_>) -> Result<(), String> {
        let pair = (rate(rates.maker_commission_rate), rate(rates.taker_commission_rate));
        let (Some(maker), Some(taker)) = pair else {
            return Err(format!("the rates of fees of {} are no numbers", rates.symbol));
        };
        if let Some(fees) = self.fees.get_mut(at) {
            *fees = (maker, taker);
        }
        Ok(())
    }

    fn take_info(
        &mut self,
        info: &ExchangeInfo<'_>,
        settings: &Settings,
        step: &mut Step<'_>,
    ) -> Result<(), String> {
        let limits: Vec<Limit> = info.rate_limits.iter().filter_map(Limit::from_entry).collect();
        step.gate.set_limits(&limits, step.now);
        self.bounds.clear();
        for one in &settings.symbols {
            let symbol = &one.symbol;
            let found = info.symbols.iter().find(|info| info.symbol.as_str() == symbol);
            let found = found.ok_or_else(|| format!("there is no symbol {symbol}"))?;
            if !found.is_trading() {
                return Err(format!("{symbol} is not trading: {}", found.status));
            }
            self.bounds.push(found.bounds());
        }
        Ok(())
    }

    /// Why a limit order is too far from the mark price (`PERCENT_PRICE`), where that is known.
    pub(super) fn too_far(
        &self,
        order: &Order,
        rules: &Rules,
        marks: &BTreeMap<InstrumentId, Price>,
    ) -> Option<&'static str> {
        let OrderKind::Limit(limit) = order.kind else { return None };
        let bounds = self.bounds.get(usize::from(order.instrument.0))?;
        let (mark, instrument) = (marks.get(&order.instrument)?, rules.get(order.instrument)?);
        let (mark, limit) = (instrument.price_decimal(*mark), instrument.price_decimal(limit));
        let (multiplier, wrong, why) = match order.side {
            Side::Buy => (
                bounds.multiplier_up?,
                Ordering::Less,
                "Filter failure: PERCENT_PRICE: too far above the mark price",
            ),
            Side::Sell => (
                bounds.multiplier_down?,
                Ordering::Greater,
                "Filter failure: PERCENT_PRICE: too far below the mark price",
            ),
        };
        (product_cmp(mark, multiplier, limit) == wrong).then_some(why)
    }

    fn find_changes(
        &mut self,
        all: &[SymbolConfig<'_>],
        settings: &Settings,
    ) -> Result<(), String> {
        self.changes.clear();
        for (at, one) in settings.symbols.iter().enumerate() {
            let found = all.iter().find(|config| config.symbol.as_str() == one.symbol);
            let found =
                found.ok_or_else(|| format!("Binance does not say how {} is set", one.symbol))?;
            // Popped from the end: the margin mode comes first.
            if found.leverage != one.leverage {
                self.changes.push(Change::Leverage(at));
            }
            if found.margin_type != wanted(one.margin) {
                self.changes.push(Change::Margin(at));
            }
        }
        Ok(())
    }

    fn instruments(&self, settings: &Settings) -> Result<Vec<Instrument>, String> {
        let info = ExchangeInfo::decode(&self.info).map_err(|error| error.to_string())?;
        let mut instruments = Vec::with_capacity(settings.symbols.len());
        for (one, fees) in settings.symbols.iter().zip(&self.fees) {
            let found = info.symbols.iter().find(|info| info.symbol.as_str() == one.symbol);
            let made = found.map(|found| found.to_instrument(&settings.venue, *fees));
            let made = made.ok_or_else(|| format!("there is no symbol {}", one.symbol))?;
            instruments.push(made.map_err(|error| error.to_string())?);
        }
        Ok(instruments)
    }
}

/// Why nothing is traded in hedge mode.
pub(super) const HEDGED: &str =
    "the account is in hedge mode, where each symbol has two positions; switch it to one-way mode";

fn confirmed<T>(what: &str, outcome: Outcome<T>) -> Result<T, String> {
    match outcome {
        Outcome::Confirmed(answer) => Ok(answer),
        Outcome::Rejected(rejection) => Err(refusal(what, &rejection)),
        Outcome::Unknown(cause) => Err(format!("{what}: {cause}")),
        Outcome::RateLimited { .. } | Outcome::Banned { .. } => {
            Err(format!("{what}: too much is asked"))
        }
    }
}

/// What one unit of an asset is worth, by its mark price.
pub(super) fn worth(mark_price: &str) -> Option<Decimal> {
    /// Digits after the point that a rate keeps.
    const DIGITS: usize = 8;
    let (whole, part) = mark_price.split_once('.').unwrap_or((mark_price, ""));
    let part = part.get(..part.len().min(DIGITS))?;
    let text = if part.is_empty() { whole.to_owned() } else { [whole, ".", part].concat() };
    decimal(&text).ok().filter(|rate| rate.mantissa > 0)
}

fn check_leverage(all: &[Brackets<'_>], settings: &Settings) -> Result<(), String> {
    for one in &settings.symbols {
        let brackets = all.iter().find(|all| all.symbol.as_str() == one.symbol);
        let most = brackets.map_or(0, Brackets::leverage_max);
        if one.leverage > most {
            let (symbol, leverage) = (&one.symbol, one.leverage);
            return Err(format!("{symbol} has no leverage of {leverage}, at most {most}"));
        }
    }
    Ok(())
}
