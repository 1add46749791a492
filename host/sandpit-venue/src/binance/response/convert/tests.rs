//! Messages in, reports out, as text.

use sandpit_core::{
    engine::VenueOrderState,
    ids::{ClientOrderId, PluginId, RunId},
    instrument::{InstrumentKind, InstrumentSpec},
    num::Rate,
    order::{Report, ReportKind},
};

use super::*;
use crate::binance::response::{
    AccountAnswer, AmendAnswer, Answer, Kline, OrderAnswer, OrderRecord, TradeRecord, UserEvent,
};

struct Bench(Instrument);

impl Desk for Bench {
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)> {
        (symbol == self.0.spec().symbol).then_some((InstrumentId(3), &self.0))
    }

    fn fee_rate(&self, asset: &str, quote: &str) -> Option<Decimal> {
        (asset == "BNB" && quote == "USDT").then(|| Decimal::new(60_012, 2))
    }
}

fn instrument(symbol: &str) -> Instrument {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "ETH".to_owned(),
        quote: symbol.strip_prefix("ETH").unwrap().to_owned(),
        price_tick: number("0.01"),
        quantity_step: number("0.0001"),
        min_quantity: number("0.0001"),
        max_quantity: number("9000"),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

fn bench() -> Bench {
    Bench(instrument("ETHUSDT"))
}

fn show_report(report: &Report) -> String {
    let what = match &report.kind {
        ReportKind::Accepted(id) => format!("accepted {}", id.0),
        ReportKind::Filled(fill) => format!(
            "fill t{} {}@{} fee {}{}",
            fill.trade_id.0,
            fill.quantity.0,
            fill.price.0,
            fill.fee,
            if fill.maker { " maker" } else { "" }
        ),
        other => format!("{other:?}"),
    };
    format!("{} {what}", report.order)
}

fn show(news: Result<Option<News>, ConvertError>) -> String {
    match news {
        Ok(Some(news)) => {
            let mut lines: Vec<_> = news.reports.iter().map(show_report).collect();
            lines.extend(
                news.fees_paid.iter().map(|fee| format!("paid {} {}", fee.amount, fee.asset)),
            );
            lines.join("; ")
        }
        Ok(None) => "not ours".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

const REPORT: &str = r#"{"e":"executionReport","E":1700000000001,"s":"ETHUSDT","c":"sp-1-2-3","S":"BUY","o":"LIMIT","f":"GTC","q":"1.00000000","p":"2500.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":77,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1700000000000,"t":-1,"I":1,"w":true,"m":false,"M":false,"O":1700000000000,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1700000000000,"V":"NONE"}"#;

/// What a report says with some of its fields changed.
fn check(changes: &[(&str, &str)], expected: &str) {
    let mut text = REPORT.to_owned();
    for (field, value) in changes {
        let at = text.find(&format!("\"{field}\":")).unwrap() + field.len() + 3;
        let end = at + text[at..].find([',', '}']).unwrap();
        text.replace_range(at..end, value);
    }
    let UserEvent::ExecutionReport(report) = UserEvent::parse(text.as_bytes()).unwrap() else {
        panic!("{text}");
    };
    assert_eq!(show(report.to_news(&bench())), expected, "{changes:?}");
}

#[test]
fn a_life_of_an_order() {
    check(&[], "sp-1-2-3 accepted 77");
    let filled = |asset: &'static str, fee: &'static str| {
        vec![
            ("x", r#""TRADE""#),
            ("X", r#""PARTIALLY_FILLED""#),
            ("l", r#""0.50000000""#),
            ("L", r#""2499.50000000""#),
            ("t", "9"),
            ("m", "true"),
            ("n", fee),
            ("N", asset),
        ]
    };
    check(
        &filled(r#""USDT""#, r#""1.24975000""#),
        "sp-1-2-3 fill t9 5000@249950 fee 1.24975 maker; paid 1.24975 USDT",
    );
    // In the base asset: worth its amount at the fill's price.
    check(
        &filled(r#""ETH""#, r#""0.00050000""#),
        "sp-1-2-3 fill t9 5000@249950 fee 1.24975 maker; paid 0.0005 ETH",
    );
    // In the venue's own asset: at the rate that is given.
    check(
        &filled(r#""BNB""#, r#""0.00100000""#),
        "sp-1-2-3 fill t9 5000@249950 fee 0.60012 maker; paid 0.001 BNB",
    );
    check(
        &filled(r#""DOGE""#, r#""1""#),
        "error: a fee was paid in DOGE, and its worth in USDT is not known",
    );
    check(&filled(r#""DOGE""#, r#""0""#), "sp-1-2-3 fill t9 5000@249950 fee 0.00 maker");
    check(&filled("null", r#""1""#), "error: the message contradicts itself: a fee is in no asset");
}

#[test]
fn how_orders_end() {
    let own_cancel = [
        ("c", r#""cancel-77""#),
        ("C", r#""sp-1-2-3""#),
        ("x", r#""CANCELED""#),
        ("X", r#""CANCELED""#),
    ];
    check(&own_cancel, "sp-1-2-3 Canceled");
    check(&[("x", r#""CANCELED""#), ("X", r#""CANCELED""#)], "sp-1-2-3 Canceled");
    check(&[("x", r#""EXPIRED""#), ("X", r#""EXPIRED""#)], "sp-1-2-3 Canceled");
    check(
        &[("x", r#""REJECTED""#), ("X", r#""REJECTED""#), ("r", r#""INSUFFICIENT_BALANCES""#)],
        r#"sp-1-2-3 Rejected("INSUFFICIENT_BALANCES")"#,
    );
    check(&[("x", r#""TRADE_PREVENTION""#), ("X", r#""EXPIRED_IN_MATCH""#)], "sp-1-2-3 Canceled");
    check(&[("x", r#""TRADE""#), ("X", r#""EXPIRED""#)], "sp-1-2-3 Canceled");
    check(&[("x", r#""TRADE""#), ("X", r#""NEW""#)], "");
    check(
        &[("x", r#""REPLACED""#), ("q", r#""0.4""#), ("C", r#""sp-1-2-3""#)],
        "sp-1-2-3 Amended { quantity: Quantity(4000), kind: Limit(Price(250000)) }",
    );
}

#[test]
fn triggers() {
    let stop = |working| vec![("o", r#""STOP_LOSS_LIMIT""#), ("P", r#""2600.00""#), ("w", working)];
    check(&stop("false"), "sp-1-2-3 accepted 77");
    check(&stop("true"), "sp-1-2-3 accepted 77; sp-1-2-3 Triggered");
}

#[test]
fn what_is_not_ours_and_what_is_wrong() {
    check(&[("c", r#""web_123""#)], "not ours");
    check(&[("c", r#""""#)], "not ours");
    check(&[("s", r#""XRPUSDT""#)], "error: `XRPUSDT` is no instrument of this run");
    check(
        &[("x", r#""CALCULATED""#)],
        "error: `CALCULATED` is no execution type that is known here",
    );
    check(&[("T", "-1")], "error: the stamp -1 is no time");
    let fill = [("x", r#""TRADE""#), ("X", r#""FILLED""#), ("l", r#""1""#), ("t", "5")];
    check(&fill, "error: `0.00000000` is no price of a fill");
    let unnamed = [("x", r#""TRADE""#), ("l", r#""1""#), ("L", r#""2500""#)];
    check(&unnamed, "error: the message contradicts itself: a fill has no number");
    check(
        &[("x", r#""REPLACED""#), ("o", r#""TAKE_PROFIT_LIMIT""#)],
        "error: the core has no orders of type TAKE_PROFIT_LIMIT",
    );
    check(&[("x", r#""TRADE""#), ("l", r#""1e5""#)], "error: `1e5` is no quantity of a fill");
}

#[test]
fn answers_to_orders() {
    let answer = |text: &str| show(OrderAnswer::decode(text.as_bytes()).unwrap().to_news(&bench()));
    assert_eq!(
        answer(
            r#"{"symbol":"ETHUSDT","orderId":28,"orderListId":-1,"clientOrderId":"sp-1-2-3","transactTime":1507725176595}"#
        ),
        "sp-1-2-3 accepted 28"
    );
    let full = r#"{"symbol":"ETHUSDT","orderId":28,"orderListId":-1,"clientOrderId":"sp-1-2-3","transactTime":1507725176595,"price":"0.00000000","origQty":"10.00000000","executedQty":"6.00000000","cummulativeQuoteQty":"10.00000000","status":"EXPIRED","timeInForce":"GTC","type":"MARKET","side":"SELL","workingTime":1507725176595,"selfTradePreventionMode":"NONE","fills":[{"price":"4000.00000000","qty":"1.00000000","commission":"4.00000000","commissionAsset":"USDT","tradeId":56},{"price":"3999.00000000","qty":"5.00000000","commission":"0.00000000","commissionAsset":"BNB","tradeId":57}]}"#;
    assert_eq!(
        answer(full),
        "sp-1-2-3 accepted 28; sp-1-2-3 fill t56 10000@400000 fee 4.00; sp-1-2-3 fill t57 50000@399900 fee 0.00; sp-1-2-3 Canceled; paid 4.00 USDT"
    );
    let canceled = r#"{"symbol":"ETHUSDT","origClientOrderId":"sp-1-2-3","orderId":4,"orderListId":-1,"clientOrderId":"x","transactTime":1684804350068,"price":"2.00000000","origQty":"1.00000000","executedQty":"0.00000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY"}"#;
    assert_eq!(answer(canceled), "sp-1-2-3 accepted 4; sp-1-2-3 Canceled");
    let amended = r#"{"transactTime":1741926410255,"executionId":75,"amendedOrder":{"symbol":"ETHUSDT","orderId":33,"orderListId":-1,"origClientOrderId":"sp-1-2-3","clientOrderId":"sp-1-2-3","price":"6.00000000","qty":"5.00000000","executedQty":"0.00000000","preventedQty":"0.00000000","quoteOrderQty":"0.00000000","cumulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"SELL","workingTime":1741926410242,"selfTradePreventionMode":"NONE"}}"#;
    assert_eq!(
        show(AmendAnswer::decode(amended.as_bytes()).unwrap().to_news(&bench())),
        "sp-1-2-3 Amended { quantity: Quantity(50000), kind: Limit(Price(600)) }"
    );
}

fn record(name: &str, executed: &str, extra: &str) -> String {
    format!(
        r#"{{"symbol":"ETHUSDT","orderId":7,"orderListId":-1,"clientOrderId":"{name}","price":"2500.00","origQty":"1.0","executedQty":"{executed}","cummulativeQuoteQty":"0.0","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,"updateTime":1499827319559,"isWorking":true{extra}}}"#
    )
}

const TRADES: &str = r#"[{"symbol":"ETHUSDT","id":2,"orderId":7,"orderListId":-1,"price":"2500.00","qty":"0.2","quoteQty":"500","commission":"0.5","commissionAsset":"USDT","time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true},{"symbol":"ETHUSDT","id":1,"orderId":7,"orderListId":-1,"price":"2499.00","qty":"0.1","quoteQty":"1","commission":"0","commissionAsset":"BNB","time":1499865549580,"isBuyer":true,"isMaker":true,"isBestMatch":true},{"symbol":"ETHUSDT","id":3,"orderId":8,"orderListId":-1,"price":"2500.00","qty":"0.2","quoteQty":"500","commission":"0.5","commissionAsset":"USDT","time":1499865549590,"isBuyer":false,"isMaker":false,"isBestMatch":true}]"#;

#[test]
fn orders_of_the_books_have_all_their_fills() {
    let trades = Vec::<TradeRecord<'_>>::decode(TRADES.as_bytes()).unwrap();
    let of = |text: &str| {
        venue_order(&OrderRecord::decode(text.as_bytes()).unwrap(), &trades, &bench())
            .map(|found| found.map(|(order, _)| order))
    };
    let order = of(&record("sp-1-2-3", "0.3", "")).unwrap().unwrap();
    let ours = ClientOrderId { sequence: 3, plugin: PluginId(2), run: RunId(1) };
    assert_eq!((order.order, order.instrument, order.venue_id.0), (ours, InstrumentId(3), 7));
    assert_eq!((order.state, order.quantity.0), (VenueOrderState::Working, 10_000));
    let ids: Vec<_> =
        order.fills.iter().map(|(fill, at)| (fill.trade_id.0, fill.quantity.0, at.0)).collect();
    assert_eq!(ids, [(1, 1_000, 1_499_865_549_580_000_000), (2, 2_000, 1_499_865_549_590_000_000)]);
    // The two answers are of different moments.
    assert_eq!(
        of(&record("sp-1-2-3", "0.5", "")),
        Err(ConvertError::Fills { executed: 5_000, found: 3_000 })
    );
    assert_eq!(of(&record("web_1", "0.3", "")), Ok(None));
    let prevented = of(&record("sp-1-2-3", "0.3", r#","preventedQuantity":"0.4""#));
    assert_eq!(prevented.unwrap().unwrap().quantity.0, 6_000);
    let stop = record("sp-1-2-3", "0.3", "")
        .replace(r#""type":"LIMIT""#, r#""type":"STOP_LOSS","trailingDelta":150"#);
    let stop = of(&stop).unwrap().unwrap();
    assert_eq!(stop.kind, OrderKind::TrailingStop(TrailingOffset::BasisPoints(150)));
    assert_eq!(stop.state, VenueOrderState::Triggered);
    let odd = record("sp-1-2-3", "0.3", "").replace("PARTIALLY_FILLED", "ASLEEP");
    assert!(matches!(of(&odd), Err(ConvertError::Word { .. })));
}

#[test]
fn books_of_the_account() {
    let trades = Vec::<TradeRecord<'_>>::decode(TRADES.as_bytes()).unwrap();
    let (fill, paid) = account_fill(&trades[2], None, &bench()).unwrap();
    assert_eq!((fill.side, fill.fill.quantity.0), (sandpit_core::market::Side::Sell, 2_000));
    assert_eq!(paid.unwrap().asset, "USDT");
    let text = record("web_1", "0.3", "");
    let external =
        external_order(&OrderRecord::decode(text.as_bytes()).unwrap(), &bench()).unwrap();
    assert_eq!(external.remaining.0, 7_000);
    let text = record("web_1", "1.3", "");
    assert!(external_order(&OrderRecord::decode(text.as_bytes()).unwrap(), &bench()).is_err());

    let account = r#"{"canTrade":true,"canWithdraw":false,"canDeposit":true,"updateTime":1,"accountType":"SPOT","balances":[{"asset":"ETH","free":"1.50005000","locked":"0.50000000"},{"asset":"USDT","free":"5","locked":"0"},{"asset":"SHIB","free":"123456789012.12345678","locked":"0.0"}]}"#;
    let account = AccountAnswer::decode(account.as_bytes()).unwrap();
    let (usdt, btc) = (instrument("ETHUSDT"), instrument("ETHBTC"));
    let found = positions(&account, &[(InstrumentId(3), &usdt)]).unwrap();
    assert_eq!(found, [(InstrumentId(3), Quantity(20_000))]);
    assert_eq!(
        positions(&account, &[(InstrumentId(3), &usdt), (InstrumentId(4), &btc)]),
        Err(ConvertError::SharedBase { asset: "ETH".to_owned() })
    );
}

#[test]
fn bars() {
    let text = r#"[[1499040000000,"0.02","0.80","0.01","0.05","148976.1142",1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]]"#;
    let bars = Vec::<Kline<'_>>::decode(text.as_bytes()).unwrap();
    let (bar, end) = bars[0].to_bar(&instrument("ETHUSDT")).unwrap();
    assert_eq!(
        (bar.interval.0 / 1_000_000_000, bar.high.0, bar.volume.0),
        (604_800, 80, 1_489_761_142)
    );
    assert_eq!(end.0, 1_499_644_800_000_000_000);
    let wrong = Kline { close: "0.90", ..bars[0].clone() };
    assert!(matches!(
        wrong.to_bar(&instrument("ETHUSDT")),
        Err(ConvertError::Contradiction { .. })
    ));
}
