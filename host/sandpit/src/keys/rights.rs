//! What a key may be able to do: what it needs, and nothing that could take money away. The same
//! rules hold as a session begins, while it runs, and for a key that is to take another's place.

use sandpit_plugin::Mode;
use sandpit_venue::machine::KeyRights;

use crate::config::AnyAddress;

/// What is to be done about a key's rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Why it must not be used.
    pub(crate) refused: Option<&'static str>,
    /// What is to be said.
    pub(crate) warnings: Vec<&'static str>,
}

const WITHDRAWS: &str = "it can withdraw money; take that right away from it at the venue";
const TRANSFERS: &str = "it can move money within the venue; take that right away from it";
const ANYWHERE: &str = "it works from every address; bind it to this machine's";
const NO_TRADE: &str = "it cannot trade; give it that right at the venue, and no other";
const READS_AND_TRADES: &str =
    "it is there to read only, and can trade; take that right away from it";

/// Judges a key; `trades` says whether it is there for orders.
pub(crate) fn judge(
    rights: KeyRights,
    trades: bool,
    mode: Mode,
    any_address: AnyAddress,
) -> Judged {
    let mut judged = Judged::default();
    let mut say = |is_so: bool, is_refused: bool, why: &'static str| {
        if is_so && is_refused {
            judged.refused.get_or_insert(why);
        } else if is_so {
            judged.warnings.push(why);
        }
    };
    say(rights.withdraw, true, WITHDRAWS);
    say(trades && !rights.trade, true, NO_TRADE);
    // On a test system there is nothing to be moved.
    say(rights.transfer, mode == Mode::Live, TRANSFERS);
    let matters = mode == Mode::Live || any_address == AnyAddress::Refuse;
    say(!rights.address_bound && matters, any_address == AnyAddress::Refuse, ANYWHERE);
    say(!trades && rights.trade, false, READS_AND_TRADES);
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: KeyRights = KeyRights {
        withdraw: false,
        transfer: false,
        trade: true,
        address_bound: true,
        created: None,
    };

    fn check(rights: KeyRights, trades: bool, mode: Mode) -> (Option<&'static str>, usize) {
        let judged = judge(rights, trades, mode, AnyAddress::Warn);
        (judged.refused, judged.warnings.len())
    }

    #[test]
    fn money_that_could_go_away_is_refused() {
        for mode in [Mode::Testnet, Mode::Live] {
            assert_eq!(check(FIT, true, mode), (None, 0));
            let withdraws = KeyRights { withdraw: true, ..FIT };
            assert_eq!(check(withdraws, true, mode), (Some(WITHDRAWS), 0));
            assert_eq!(check(withdraws, false, mode).0, Some(WITHDRAWS), "not even to read");
        }
        let moves = KeyRights { transfer: true, ..FIT };
        assert_eq!(check(moves, true, Mode::Live), (Some(TRANSFERS), 0));
        assert_eq!(check(moves, true, Mode::Testnet), (None, 1));
    }

    #[test]
    fn a_key_does_what_it_is_there_for() {
        let reads = KeyRights { trade: false, ..FIT };
        assert_eq!(check(reads, true, Mode::Live).0, Some(NO_TRADE));
        assert_eq!(check(reads, false, Mode::Live), (None, 0));
        assert_eq!(check(FIT, false, Mode::Live), (None, 1), "wider than it needs");
    }

    #[test]
    fn an_address_is_asked_for_where_it_is_said() {
        let anywhere = KeyRights { address_bound: false, ..FIT };
        assert_eq!(check(anywhere, true, Mode::Live), (None, 1));
        assert_eq!(check(anywhere, true, Mode::Testnet), (None, 0));
        for mode in [Mode::Testnet, Mode::Live] {
            let judged = judge(anywhere, true, mode, AnyAddress::Refuse);
            assert_eq!(judged.refused, Some(ANYWHERE));
        }
    }
}
