//! What each format says on a tape.

use sandpit::data::{Format, ImportRules};
use sandpit_journal::tape::TapeClock;

use crate::support::{Folder, check, check_refused, error, import, show};

#[test]
fn binance_trades_with_and_without_header_in_milli_and_microseconds() {
    let expected = "1735689600123000000 BTCUSDT trade 93576.00 x 0.003 sell #10\n\
                    1735689600124000000 BTCUSDT trade 93576.01 x 0.100 buy #11\n";
    let spot = "10,93576.00000000,0.00300000,280.728,1735689600123000,True,True\n\
                11,93576.01000000,0.10000000,9357.6,1735689600124000,False,True\n";
    let summary = check("BTCUSDT-trades-2025-01-01.csv", spot, expected);
    assert_eq!(summary.format, "binance-trades");
    assert_eq!(summary.instruments[0].price_tick, "0.01");
    assert_eq!(summary.instruments[0].quantity_step, "0.001");
    assert_eq!((summary.lines, summary.events), (2, 2));
    check("BTCUSDT-trades-2025-01-01.zip", spot, expected);
    check("BTCUSDT-trades-2025-01-01.csv.gz", spot, expected);
    let futures = "id,price,qty,quote_qty,time,is_buyer_maker\r\n\
                   10,93576.00,0.003,280.728,1735689600123,true\r\n\
                   11,93576.01,0.100,9357.6,1735689600124,false\r\n";
    let summary = check("BTCUSDT-trades-2025-01-01.zip", futures, expected);
    assert_eq!((summary.lines, summary.events), (3, 2));
}

#[test]
fn binance_aggregates() {
    let spot = "5,1.5,2,10,11,1735689600123,true,true\n6,1.6,2,12,12,1735689600123,false,true\n";
    let expected = "1735689600123000000 ETHUSDT trade 1.5 x 2 sell #5\n\
                    1735689600123000000 ETHUSDT trade 1.6 x 2 buy #6\n";
    let summary = check("ETHUSDT-aggTrades-2024-01-01.csv", spot, expected);
    assert_eq!(summary.format, "binance-agg-trades");
    let futures = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n\
                   5,1.5,2,10,11,1735689600123,true\n6,1.6,2,12,12,1735689600123,false\n";
    check("ETHUSDT-aggTrades-2024-01-01.csv", futures, expected);
}

/// Stamped with the open time; on the tape a bar is at its end.
#[test]
fn binance_bars() {
    let expected = "1735689660000000000 BTCUSDT bar 60 s 5 9 3 4 volume 1.5\n\
                    1735689720000000000 BTCUSDT bar 60 s 4 4 4 4 volume 0.0\n";
    let micros = "1735689600000000,5,9,3,4,1.50000000,1735689659999999,0,1,0,0,0\n\
                  1735689660000000,4,4,4,4,0.00000000,1735689719999999,0,0,0,0,0\n";
    let summary = check("BTCUSDT-1m-2025-01-01.csv", micros, expected);
    assert_eq!(summary.format, "binance-klines");
    let millis = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n\
                  1735689600000,5,9,3,4,1.5,1735689659999,0,1,0,0,0\n\
                  1735689660000,4,4,4,4,0,1735689719999,0,0,0,0,0\n";
    check("BTCUSDT-1m-2024-12-31.zip", millis, expected);
}

#[test]
fn several_dumps_make_one_tape() {
    let folder = Folder::new();
    let mut options = folder.options("AUSDT-trades-1.csv", "1,1.5,2,3,1735689600000,true,true\n");
    options
        .inputs
        .push(folder.write("AUSDT-trades-2.zip", "2,1.25,2,3,1735689601000000,true,true\n"));
    options.inputs.push(folder.write("BUSDT-trades-2.zip", "2,7,2,3,1735689601000000,true,true\n"));
    let summary = import(&options).unwrap();
    assert_eq!(
        show(&options.output),
        "1735689600000000000 AUSDT trade 1.50 x 2 sell #1\n\
         1735689601000000000 AUSDT trade 1.25 x 2 sell #2\n\
         1735689601000000000 BUSDT trade 7 x 2 sell #2\n"
    );
    assert_eq!(summary.inputs.iter().map(|input| input.lines).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn separated_values_by_their_header() {
    let summary = check(
        "x.csv",
        "timestamp,price,size\n1514764802610,13873.5,10\n1514764806057,13873,-3000\n",
        "1514764802610000000 x trade 13873.5 x 10 buy #0\n\
         1514764806057000000 x trade 13873.0 x 3000 sell #0\n",
    );
    assert_eq!(
        summary.recognised,
        "csv, trades by its header, where a negative quantity is a sell"
    );
    check(
        "x.csv",
        "Date;Side;Price;Amount;Trade ID;Symbol\n2021-01-01T00:00:00Z;SELL;1.5;2;7;AB\n2021-01-01T00:00:00Z;unknown;1.5;2;8;CD\n",
        "1609459200000000000 AB trade 1.5 x 2 sell #7\n\
         1609459200000000000 CD trade 1.5 x 2 #8\n",
    );
    check(
        "x.csv",
        "ts,bid,ask,bid_size,ask_size\n1609459200,1.1,1.2,3,0\n",
        "1609459200000000000 x quote 1.1 x 3 / 1.2 x 0\n",
    );
    let summary = check(
        "x.csv",
        "timestamp,open,high,low,close,volume\n2021-12-31 23:01:00.000000,5,9,3,4,2.5\n2021-12-31 23:02:00.000000,4,4,4,4,0\n",
        "1640991720000000000 x bar 60 s 5 9 3 4 volume 2.5\n\
         1640991780000000000 x bar 60 s 4 4 4 4 volume 0.0\n",
    );
    assert!(summary.recognised.contains("of 60 s"), "{}", summary.recognised);
}

#[test]
fn quotes_without_header_or_quantity() {
    let summary = check(
        "EURUSD.csv",
        "20200101 170000065,1.121200,1.121720,0\n20200101 170010447,1.121200,1.121920,0\n",
        "1577898000065000000 EURUSD quote 1.12120 x 1000000 / 1.12172 x 1000000\n\
         1577898010447000000 EURUSD quote 1.12120 x 1000000 / 1.12192 x 1000000\n",
    );
    assert!(summary.notes.iter().any(|note| note.contains("1000000 was assumed")), "{summary:?}");
}

#[test]
fn separated_values_by_a_mapping() {
    let folder = Folder::new();
    let mut options =
        folder.options("x.txt", "1.5|7|01.02.2021 03:04:05|b\n1.25|8|01.02.2021 03:04:06|s\n");
    options.mapping = Some(
        "kind=trades,separator=|,header=no,price=0,quantity=1,time=2,time-format=%d.%m.%Y %H:%M:%S,side=3"
            .parse()
            .unwrap(),
    );
    options.rules = vec![ImportRules {
        symbol: Some("ABCUSD".to_owned()),
        price_tick: Some("0.25".parse().unwrap()),
        quantity_step: Some("1".parse().unwrap()),
        ..ImportRules::default()
    }];
    let summary = import(&options).unwrap();
    assert_eq!(
        show(&options.output),
        "1612148645000000000 ABCUSD trade 1.50 x 7 buy #0\n\
         1612148646000000000 ABCUSD trade 1.25 x 8 sell #0\n"
    );
    assert_eq!(summary.instruments[0].price_tick, "0.25");
}

#[test]
fn marks_and_fundings_by_a_mapping() {
    let rules = ImportRules {
        symbol: Some("BTCUSDT".to_owned()),
        price_tick: Some("0.5".parse().unwrap()),
        quantity_step: Some("0.001".parse().unwrap()),
        ..ImportRules::default()
    };
    let import_as = |mapping: &str, text: &str| {
        let folder = Folder::new();
        let mut options = folder.options("x.csv", text);
        options.mapping = Some(mapping.parse().unwrap());
        options.rules = vec![rules.clone()];
        let summary = import(&options).map_err(|e| error(&e, &folder))?;
        Ok::<_, String>((show(&options.output), summary))
    };
    // A mark price is reckoned, not traded: it may be finer than the tick.
    let (tape, summary) =
        import_as("kind=marks,time=t,mark=m", "t,m\n1700000000000,100.99\n1700000001000,101\n")
            .unwrap();
    assert_eq!(
        tape,
        "1700000000000000000 BTCUSDT mark 100.5\n1700000001000000000 BTCUSDT mark 101.0\n"
    );
    assert_eq!((summary.instruments[0].marks, summary.instruments[0].trades), (2, 0));
    let fundings = "kind=fundings,time=t,rate=r,mark=m";
    let (tape, summary) =
        import_as(fundings, "t,r,m\n1700000000000,0.0001,100.25\n1700028800000,-0.00037500,99\n")
            .unwrap();
    assert_eq!(
        tape,
        "1700000000000000000 BTCUSDT funding 0.0001 at 100.0\n\
         1700028800000000000 BTCUSDT funding -0.000375 at 99.0\n"
    );
    assert_eq!(summary.instruments[0].fundings, 2);
    for (row, problem) in [
        ("0.0001,0.2", "mark price is zero"),
        ("0.0001,x", "`x` is no mark price"),
        ("NaN,100", "`NaN` is no funding rate"),
        ("0.0000000000001,100", "is no funding rate"),
    ] {
        let refused = import_as(fundings, &format!("t,r,m\n1700000000000,{row}\n")).unwrap_err();
        assert!(refused.contains(problem), "{refused}");
    }
}

#[test]
fn tardis() {
    let head = "exchange,symbol,timestamp,local_timestamp";
    check(
        "deribit_trades_2019-07-01_BTC.csv.gz",
        &format!(
            "{head},id,side,price,amount\nderibit,BTC-USD,1561939200000000,1561939200007500,55,sell,10750.5,10\nderibit,BTC-USD,1561939200000001,1561939200007501,a-b,unknown,10750,1\n"
        ),
        "1561939200007500000 BTC-USD (venue 1561939200000000000) trade 10750.5 x 10 sell #55\n\
         1561939200007501000 BTC-USD (venue 1561939200000001000) trade 10750.0 x 1 #0\n",
    );
    check(
        "q.csv",
        &format!(
            "{head},ask_amount,ask_price,bid_price,bid_amount\nd,X,1561939200000000,1561939200000000,5,10.5,10,7\nd,X,1561939200000001,1561939200000001,5,10.5,,\n"
        ),
        "1561939200000000000 X quote 10.0 x 7 / 10.5 x 5\n\
         1561939200000001000 X quote 0.0 x 0 / 10.5 x 5\n",
    );
    check(
        "s.csv",
        &format!(
            "{head},asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1].price,asks[1].amount,bids[1].price,bids[1].amount\nd,X,1561939200000000,1561939200000000,11,1,10,2,12,3,,\n"
        ),
        "1561939200000000000 X book 0 [10 x 2] [11 x 1, 12 x 3]\n",
    );
    let row = |time: u64, rest: &str| format!("d,X,{time},{time},{rest}\n");
    let rows = [
        row(1_561_939_200_000_000, "true,bid,10,2"),
        row(1_561_939_200_000_000, "true,ask,11,1"),
        row(1_561_939_200_000_000, "false,ask,11,0"),
        row(1_561_939_200_000_001, "false,bid,9,4"),
        row(1_561_939_200_000_001, "false,ask,12,5"),
    ];
    check(
        "l.csv",
        &format!("{head},is_snapshot,side,price,amount\n{}", rows.concat()),
        "1561939200000000000 X book 0 [10 x 2] [11 x 1]\n\
         1561939200000000000 X change 0 [] [11 x 0]\n\
         1561939200000001000 X change 0 [9 x 4] [12 x 5]\n",
    );
    check_refused(
        "o.csv",
        &format!("{head},funding_rate\nd,X,1,1,0\n"),
        "o.csv, line 1: the row is refused: `exchange,symbol,timestamp,local_timestamp,funding_rate` is no header of a known Tardis data set (trades, quotes, book_ticker, book_snapshot, incremental_book_L2)",
    );
}

/// A snapshot that is older than changes before it: those it lacks are on the tape again after it.
#[test]
fn binance_capture() {
    let depth = |time: u64, first: u64, last: u64, bid: &str| {
        format!(
            "{time} {{\"stream\":\"x@depth\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1723161255208,\"s\":\"XUSDT\",\"U\":{first},\"u\":{last},\"b\":[[\"{bid}\",\"1.0\"]],\"a\":[]}}}}\n"
        )
    };
    let text = [
        depth(1_723_161_253_000_000_001, 5, 6, "5.0"),
        depth(1_723_161_253_000_000_002, 7, 9, "5.1"),
        "1723161253000000003 {\"lastUpdateId\":8,\"bids\":[[\"5.0\",\"1.0\"]],\"asks\":[[\"6.0\",\"2.0\"]]}\n".to_owned(),
        depth(1_723_161_253_000_000_004, 10, 10, "5.2"),
        "1723161253000000005 {\"u\":11,\"s\":\"XUSDT\",\"b\":\"5.2\",\"B\":\"1.0\",\"a\":\"6.0\",\"A\":\"2.0\"}\n".to_owned(),
    ]
    .concat();
    let summary = check(
        "capture.gz",
        &text,
        "1723161253000000001 XUSDT (venue 1723161255208000000) change 6 [5.0 x 1] []\n\
         1723161253000000002 XUSDT (venue 1723161255208000000) change 9 [5.1 x 1] []\n\
         1723161253000000003 XUSDT book 8 [5.0 x 1] [6.0 x 2]\n\
         1723161253000000003 XUSDT (venue 1723161255208000000) change 9 [5.1 x 1] []\n\
         1723161253000000004 XUSDT (venue 1723161255208000000) change 10 [5.2 x 1] []\n\
         1723161253000000005 XUSDT quote 5.2 x 1 / 6.0 x 2\n",
    );
    assert_eq!((summary.format.as_str(), summary.clock), ("binance-raw", TapeClock::Host));
    assert!(
        summary.notes.iter().any(|note| note.starts_with("1 changes of a book")),
        "{summary:?}"
    );
}

#[test]
fn barter_events() {
    let item = |kind: &str| {
        format!(
            "{{\"Item\":{{\"time_exchange\":\"2025-03-25T23:07:00.5Z\",\"time_received\":\"2025-03-25T23:07:01Z\",\"exchange\":\"binance_spot\",\"instrument\":1,\"kind\":{kind}}}}}\n"
        )
    };
    let text = [
        item(r#"{"Trade":{"id":"77","price":87232.0,"amount":1.2e-4,"side":"Sell"}}"#),
        "{\"Reconnecting\":\"binance_spot\"}\n".to_owned(),
        item(r#"{"OrderBookL1":{"last_update_time":"2025-03-25T23:07:00.5Z","best_bid":{"price":"2059.10","amount":"33.0914"},"best_ask":null}}"#),
    ]
    .concat();
    let summary = check(
        "b.ndjson",
        &text,
        "1742944021000000000 binance_spot:1 (venue 1742944020500000000) trade 87232.0 x 0.00012 sell #77\n\
         1742944021000000000 binance_spot:1 (venue 1742944020500000000) quote 2059.1 x 33.09140 / 0.0 x 0.00000\n",
    );
    assert_eq!(summary.passed_over["reconnects of the recorder"], 1);
}

#[test]
fn rules_come_from_a_file_and_rename() {
    let folder = Folder::new();
    let toml = folder.write(
        "rules.toml",
        "[[instruments]]\nname_in_file = \"AB\"\nsymbol = \"XYUSD\"\nkind = \"perpetual\"\nprice_tick = \"0.05\"\nquantity_step = \"0.1\"\ntaker_fee = \"0.0005\"\n",
    );
    let json = folder.write(
        "rules.json",
        r#"{"instruments":[{"name_in_file":"AB","symbol":"XYUSD","kind":"perpetual","price_tick":"0.05","quantity_step":"0.1","taker_fee":"0.0005"}]}"#,
    );
    let rules = ImportRules::load(&toml).unwrap();
    assert_eq!(rules, ImportRules::load(&json).unwrap());
    let mut options = folder.options("x.csv", "time,symbol,price,qty\n1609459200,AB,1.15,0.2\n");
    options.rules = rules;
    import(&options).unwrap();
    assert_eq!(show(&options.output), "1609459200000000000 XYUSD trade 1.15 x 0.2 #0\n");
    let info = sandpit::data::info(&options.output).unwrap();
    let instrument = &info.instruments[0];
    assert_eq!((instrument.kind, instrument.base.as_str()), ("perpetual", "XY"));
    assert_eq!((instrument.taker_fee.as_str(), instrument.price_tick.as_str()), ("0.0005", "0.05"));
    assert_eq!(instrument.price_low.as_deref(), Some("1.15"));
    let unknown = folder.write("bad.toml", "[[instruments]]\ntick = \"1\"\n");
    assert!(ImportRules::load(&unknown).unwrap_err().to_string().contains("unknown field"));
    let float = folder.write("float.toml", "[[instruments]]\nprice_tick = 0.1\n");
    assert!(ImportRules::load(&float).is_err());
}

#[test]
fn a_format_has_one_name() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert!("xls".parse::<Format>().is_err());
}
