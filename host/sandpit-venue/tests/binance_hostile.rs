//! What comes from outside is hostile: any decoder, fed with cut, changed, swollen and nested
//! bytes, answers with a value or an error. The same bytes every time.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
    time::UnixNanos,
};
use sandpit_venue::binance::{
    client_id, decimal,
    error_code::{Reply, judge, judge_frame},
    filters::{self, ExchangeInfo, FilterState},
    limits::{Limit, Usage},
    request::{NewOrder, NewOrderKind, OrderOptions, Size, Tif},
    response::{
        AccountAnswer, AmendAnswer, Answer, ApiRestrictions, CancelAllEntry, CancelReplaceAnswer,
        CommissionAnswer, DecodeError, Desk, EXCHANGE_INFO_BYTES_MAX, ErrorBody, Incoming, Kline,
        ListAnswer, LogonAnswer, MESSAGE_BYTES_MAX, OrderAnswer, OrderRecord, SystemStatus,
        TradeRecord, UserEvent, account_fill, external_order, positions, venue_order,
    },
};

/// Changed inputs for each seed.
const ROUNDS: u64 = 8_000;
/// The clock in this test.
const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// Pieces that break parsers.
const PIECES: [&str; 16] = [
    "\"",
    "\\u0000",
    "\\ud800",
    "null",
    "-",
    "1e999",
    "99999999999999999999999999",
    "[[[[",
    "}}",
    "\u{feff}",
    "-0.0000000000000000000001",
    "true",
    ",",
    ":",
    "\\",
    "\"e\":\"executionReport\",",
];

fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len());
        match rng.below(7) {
            0 if !bytes.is_empty() => bytes[at] = u8::try_from(rng.below(256)).unwrap(),
            1 if !bytes.is_empty() => bytes[at] = b'0' + u8::try_from(rng.below(10)).unwrap(),
            2 => bytes.truncate(at),
            3 if !bytes.is_empty() => {
                bytes.remove(at);
            }
            4 => {
                let piece = PIECES[rng.below(PIECES.len())].bytes();
                bytes.splice(at..at, piece);
            }
            5 => {
                // A piece of itself, somewhere else.
                let end = (at + rng.below(80)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => bytes.insert(at, u8::try_from(rng.below(128)).unwrap()),
        }
    }
}

struct OneDesk(Instrument);

impl Desk for OneDesk {
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)> {
        (!symbol.is_empty()).then_some((InstrumentId(0), &self.0))
    }

    fn fee_rate(&self, asset: &str, _: &str) -> Option<Decimal> {
        (asset == "BNB").then(|| Decimal::new(i64::MAX, 18))
    }
}

fn desk() -> OneDesk {
    let step = Decimal::new(1, 8);
    OneDesk(
        Instrument::new(InstrumentSpec {
            symbol: "ETHUSDT".to_owned(),
            venue: "binance".to_owned(),
            kind: InstrumentKind::Spot,
            base: "ETH".to_owned(),
            quote: "USDT".to_owned(),
            price_tick: step,
            quantity_step: step,
            min_quantity: step,
            max_quantity: Decimal::new(1, 0),
            min_notional: Decimal::ZERO,
            multiplier: Decimal::new(1, 0),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
        })
        .unwrap(),
    )
}

const SEEDS: &[&str] = &[
    r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1700000000001,"s":"ETHUSDT","c":"sp-1-2-3","S":"BUY","o":"STOP_LOSS_LIMIT","f":"GTC","q":"1.00000000","p":"2500.00000000","P":"2600.00000000","d":4,"F":"0.00000000","g":-1,"C":"sp-1-2-3","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":77,"l":"0.50000000","z":"0.50000000","L":"2500.00000000","n":"0.1","N":"BNB","T":1700000000000,"t":9,"v":3,"I":1,"w":true,"m":false,"M":false,"O":1700000000000,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1700000000000,"V":"NONE","A":"0.1","eR":"OCO_TRIGGER"}}"#,
    r#"{"e":"executionReport","E":1,"s":"ETHUSDT","c":"cancel","S":"SELL","o":"LIMIT","f":"IOC","q":"1","p":"2","P":"0","x":"REPLACED","X":"NEW","r":"NONE","i":7,"l":"0","z":"0","L":"0","n":"0","N":null,"T":1700000000000,"t":-1,"C":"sp-1-2-3"}"#,
    r#"{"event":{"e":"listStatus","E":1564035303637,"s":"ETHBTC","g":2,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING","r":"NONE","C":"F4QN4G8D","T":1564035303625,"O":[{"s":"ETHBTC","i":17,"c":"AJYs"},{"s":"ETHBTC","i":18,"c":"bfYP"}]}}"#,
    r#"{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH","f":"10000.000000","l":"0.000000"}]}"#,
    r#"{"id":1,"status":200,"result":{"symbol":"ETHUSDT","orderId":28,"orderListId":-1,"clientOrderId":"sp-1-2-3","transactTime":1507725176595,"price":"0.00000000","origQty":"10.00000000","executedQty":"10.00000000","cummulativeQuoteQty":"10.00000000","status":"FILLED","timeInForce":"GTC","type":"MARKET","side":"SELL","workingTime":1507725176595,"fills":[{"price":"4000.00000000","qty":"1.00000000","commission":"4.00000000","commissionAsset":"USDT","tradeId":56}]},"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":12}]}"#,
    r#"{"id":1,"status":429,"error":{"code":-1003,"msg":"Too much request weight used","data":{"serverTime":1659142907531,"retryAfter":1659142910531}}}"#,
    r#"{"symbol":"ETHUSDT","orderId":1,"orderListId":-1,"clientOrderId":"sp-1-2-3","price":"0.1","origQty":"1.0","executedQty":"0.0","cummulativeQuoteQty":"0.0","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,"updateTime":1499827319559,"isWorking":true,"preventedQuantity":"0.5"}"#,
    r#"[{"symbol":"ETHUSDT","id":28457,"orderId":1,"orderListId":-1,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000","commissionAsset":"BNB","time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}]"#,
    r#"{"canTrade":true,"canWithdraw":false,"canDeposit":true,"updateTime":1,"accountType":"SPOT","balances":[{"asset":"ETH","free":"9999999999999999999.5","locked":"9999999999999999999"}]}"#,
    r#"{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":{"symbol":"ETHUSDT","origClientOrderId":"a","orderId":3,"orderListId":-1,"clientOrderId":"b","transactTime":1684804350068,"status":"CANCELED"},"newOrderResponse":{"code":-2010,"msg":"Order would immediately match and take."}}}"#,
    r#"[{"symbol":"BTCUSDT","origClientOrderId":"E6AP","orderId":11,"orderListId":-1,"clientOrderId":"pXLV","transactTime":1684804350068,"status":"CANCELED"},{"orderListId":1929,"contingencyType":"OCO","listStatusType":"ALL_DONE","listOrderStatus":"ALL_DONE","listClientOrderId":"2inz","transactionTime":1585230948299,"symbol":"BTCUSDT","orders":[{"symbol":"BTCUSDT","orderId":20,"clientOrderId":"CwOO"}],"orderReports":[]}]"#,
    r#"{"transactTime":1741926410255,"executionId":75,"amendedOrder":{"symbol":"ETHUSDT","orderId":33,"orderListId":-1,"origClientOrderId":"sp-1-2-3","clientOrderId":"sp-1-2-3","price":"6.00000000","qty":"5.00000000","executedQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"SELL"}}"#,
    r#"[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]]"#,
    r#"{"timezone":"UTC","serverTime":1,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000}],"exchangeFilters":[{"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":1000}],"symbols":[{"symbol":"ETHUSDT","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"USDT","quoteAssetPrecision":8,"orderTypes":["LIMIT"],"filters":[{"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00000000","tickSize":"0.01000000"},{"filterType":"LOT_SIZE","minQty":"0.00010000","maxQty":"9000.00000000","stepSize":"0.00010000"},{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"5","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.2","avgPriceMins":5},{"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5},{"filterType":"ICEBERG_PARTS","limit":10},{"filterType":"MAX_POSITION","maxPosition":"10"},{"filterType":"MAX_ASSET","asset":"USDT","limit":"42.0"}]}]}"#,
    r#"{"ipRestrict":false,"createTime":1698645219000,"enableReading":true,"enableWithdrawals":false,"enableSpotAndMarginTrading":true}"#,
    r#"{"symbol":"ETHUSDT","standardCommission":{"maker":"0.00000010","taker":"0.00000020","buyer":"0","seller":"0"},"discount":{"enabledForAccount":true,"enabledForSymbol":true,"discountAsset":"BNB","discount":"0.75000000"}}"#,
];

/// Feeds everything that reads bytes; counts what was read.
fn feed(bytes: &[u8], desk: &OneDesk) -> u64 {
    let mut read = 0;
    let mut count = |ok: bool| read += u64::from(ok);
    if let Ok(event) = UserEvent::parse(bytes) {
        count(!matches!(event, UserEvent::Other(_)));
        if let UserEvent::ExecutionReport(report) = event {
            count(report.to_news(desk).is_ok());
        }
    }
    if let Ok(incoming) = Incoming::parse(bytes) {
        count(true);
        if let Incoming::Answer(frame) = incoming {
            let _ = judge_frame::<OrderAnswer<'_>>(&frame, NOW);
            let _ = judge_frame::<CancelReplaceAnswer<'_>>(&frame, NOW);
            for entry in &frame.rate_limits {
                let _ = (Usage::from_entry(entry), Limit::from_entry(entry));
            }
        }
    }
    if let Ok(answer) = OrderAnswer::decode(bytes) {
        count(answer.to_news(desk).is_ok());
    }
    if let Ok(answer) = AmendAnswer::decode(bytes) {
        count(answer.to_news(desk).is_ok());
    }
    let trades = Vec::<TradeRecord<'_>>::decode(bytes).unwrap_or_default();
    for trade in &trades {
        count(account_fill(trade, None, desk).is_ok());
    }
    if let Ok(record) = OrderRecord::decode(bytes) {
        count(venue_order(&record, &trades, desk).is_ok());
        count(external_order(&record, desk).is_ok());
    }
    if let Ok(account) = AccountAnswer::decode(bytes) {
        let _ = positions(&account, &[(InstrumentId(0), &desk.0)]);
        count(true);
    }
    for bar in Vec::<Kline<'_>>::decode(bytes).unwrap_or_default() {
        count(bar.to_bar(&desk.0).is_ok());
    }
    if let Ok(info) = ExchangeInfo::decode(bytes) {
        info.symbols.iter().for_each(|symbol| count(try_symbol(symbol, &info)));
    }
    count(Vec::<CancelAllEntry<'_>>::decode(bytes).is_ok());
    if let Ok(error) = ErrorBody::decode(bytes)
        && let Some(halves) = CancelReplaceAnswer::from_error(&error)
    {
        let _ = (halves.cancel.outcome(NOW), halves.new_order.outcome(NOW));
        count(true);
    }
    count(CancelReplaceAnswer::decode(bytes).is_ok());
    count(ListAnswer::decode(bytes).is_ok());
    count(CommissionAnswer::decode(bytes).is_ok());
    count(ApiRestrictions::decode(bytes).is_ok());
    count(SystemStatus::decode(bytes).is_ok() || LogonAnswer::decode(bytes).is_ok());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (client_id::parse(text), decimal(text), Usage::from_header(text, text));
    }
    read
}

/// The instrument, and an order against the filters.
fn try_symbol(symbol: &filters::SymbolInfo<'_>, info: &ExchangeInfo<'_>) -> bool {
    let rules = symbol.rules();
    let one = Decimal::new(i64::MAX, 9);
    let order = NewOrder {
        symbol: "ETHUSDT",
        side: sandpit_core::market::Side::Buy,
        kind: NewOrderKind::Limit { price: one, time_in_force: Tif::Gtc },
        size: Size::Base(one),
        iceberg: Some(Decimal::new(1, 18)),
        client_id: client_id::parse("sp-1-2-3").unwrap(),
        options: OrderOptions::default(),
    };
    let state =
        FilterState { last_price: Some(one), average_price: Some(one), ..FilterState::default() };
    let _ = filters::check(&order, &rules, &info.exchange_filters, &state);
    rules.to_instrument("binance", (Rate(0), Rate(0))).is_ok()
}

#[test]
fn hostile_bytes_do_no_harm() {
    let desk = desk();
    let mut rng = Rng(0x5EED_0001);
    let (mut fed, mut read) = (0u64, 0u64);
    for seed in SEEDS {
        let whole = feed(seed.as_bytes(), &desk);
        assert!(whole > 0, "{seed}");
        for end in 0..seed.len() {
            read += feed(&seed.as_bytes()[..end], &desk);
            fed += 1;
        }
        for round in 0..ROUNDS {
            let mut bytes = seed.as_bytes().to_vec();
            change(&mut bytes, &mut rng);
            read += feed(&bytes, &desk);
            let status = u16::try_from(rng.below(700)).unwrap();
            let reply = Reply { status, body: &bytes, retry_after: Some("18446744073709551615") };
            let _ = judge::<OrderAnswer<'_>>(&reply, NOW);
            let _ = judge::<CancelReplaceAnswer<'_>>(&reply, UnixNanos(round));
            fed += 1;
        }
    }
    println!("{fed} inputs, {read} still read as something");
    assert!(read > 1_000, "the changes leave nothing to read: {read}");
}

#[test]
fn size_and_nesting_are_bounded() {
    let long = vec![b' '; MESSAGE_BYTES_MAX + 1];
    assert!(matches!(Incoming::parse(&long), Err(DecodeError::TooLong { .. })));
    assert!(matches!(UserEvent::parse(&long), Err(DecodeError::TooLong { .. })));
    assert!(matches!(OrderAnswer::decode(&long), Err(DecodeError::TooLong { .. })));
    let longest = vec![b' '; EXCHANGE_INFO_BYTES_MAX + 1];
    assert!(matches!(ExchangeInfo::decode(&longest), Err(DecodeError::TooLong { .. })));
    // Nested where something is expected, and where it is passed over.
    let deep = "[".repeat(1_000_000);
    assert!(OrderAnswer::decode(deep.as_bytes()).is_err());
    let closed = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    for text in [
        format!(r#"{{"status":{closed}}}"#),
        format!(r#"{{"e":"balanceUpdate","E":1,"a":"A","d":"1","T":1,"extra":{closed}}}"#),
        format!(r#"{{"subscriptionId":0,"event":{closed}}}"#),
        format!(r#"{{"e":"unheard","x":{closed}}}"#),
    ] {
        let _ =
            (Incoming::parse(text.as_bytes()).is_ok(), UserEvent::parse(text.as_bytes()).is_ok());
    }
    let many = format!("[{}]", vec!["{}"; 1_000_000].join(","));
    assert!(Vec::<OrderRecord<'_>>::decode(many.as_bytes()).is_err());
}
