//! Files of any bytes: an error or a tape, never a panic.

use proptest::prelude::*;
use sandpit::data::{Format, Repair};

use crate::support::{Folder, import};

const SEEDS: [(Format, &str); 7] = [
    (
        Format::BinanceTrades,
        "10,93576.00,0.003,280.7,1735689600123000,True,True\n11,93576.01,0.1,9357.6,1735689600124000,False,True\n",
    ),
    (Format::BinanceAggTrades, "5,1.5,2,10,11,1735689600123,true,true\n"),
    (Format::BinanceKlines, "1735689600000000,5,9,3,4,1.5,1735689659999999,0,1,0,0,0\n"),
    (
        Format::Csv,
        "timestamp,open,high,low,close,volume\n2021-12-31 23:01:00,5,9,3,4,2.5\n2021-12-31 23:02:00,4,4,4,4,0\n",
    ),
    (
        Format::Tardis,
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\nd,X,1561939200000000,1561939200000000,true,bid,10,2\nd,X,1561939200000001,1561939200000001,false,ask,10,2\n",
    ),
    (
        Format::BinanceRaw,
        "1723161253000000001 {\"u\":1,\"s\":\"X\",\"b\":\"5.2\",\"B\":\"1\",\"a\":\"6\",\"A\":\"2\"}\n1723161253000000003 {\"lastUpdateId\":8,\"bids\":[[\"5\",\"1\"]],\"asks\":[]}\n",
    ),
    (
        Format::BarterNdjson,
        "{\"Item\":{\"time_exchange\":\"2025-03-25T23:07:00.5Z\",\"time_received\":\"2025-03-25T23:07:01Z\",\"exchange\":\"b\",\"instrument\":1,\"kind\":{\"Trade\":{\"id\":\"77\",\"price\":87232.0,\"amount\":1e-4,\"side\":\"Sell\"}}}}\n",
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn any_bytes_do_no_harm(
        seed in 0usize..SEEDS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..5), 0..6),
        told in any::<bool>(),
        drops in any::<bool>(),
        packed in prop::sample::select(vec!["f.csv", "f.csv.gz", "f.zip"]),
        damage in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let (format, text) = SEEDS[seed];
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes[at] = b'0' + byte % 10,
                3 => bytes[at] = b"-.,\" e\n"[usize::from(byte % 7)],
                _ if bytes.len() > 1 => { bytes.remove(at); }
                _ => {}
            }
        }
        let folder = Folder::new();
        // Text that is no UTF-8 stays bytes.
        let mut options = folder.options(packed, &bytes.iter().map(|b| char::from(*b)).collect::<String>());
        if let Some(at) = damage {
            let path = &options.inputs[0];
            let mut bytes = std::fs::read(path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 0x55;
            std::fs::write(path, bytes).unwrap();
        }
        options.format = told.then_some(format);
        if drops {
            options.repairs = [Repair::DropBad, Repair::Sort, Repair::Dedup].into();
        }
        match import(&options) {
            Ok(summary) => {
                let tape = sandpit_journal::tape::TapeReader::open(&options.output).unwrap();
                prop_assert_eq!(tape.map(Result::unwrap).count() as u64, summary.events);
            }
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                prop_assert!(!options.output.exists());
            }
        }
    }
}
