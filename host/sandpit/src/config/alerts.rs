//! `[alerts]`: what is warned of, and who is told. The section is read and checked where alerts live;
//! here its mistakes get their place. Nothing of it changes what a strategy does, so it is not part of
//! a run's canonical form.

use std::{ops::Range, path::PathBuf};

use sandpit_alerts::AlertsConfig;
use toml::Spanned;

use super::ConfigError;

/// What the section says; `beside` makes paths relative to the file. An error comes with its place.
pub(super) fn resolve(
    file: Option<Spanned<AlertsConfig>>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<AlertsConfig, (Range<usize>, ConfigError)> {
    let Some(file) = file else { return Ok(AlertsConfig::default()) };
    let span = file.span();
    let config = file.into_inner();
    config.check().map_err(|error| {
        let message = format!("[alerts]: {error}");
        (span, ConfigError::new(message).help("docs/operators/alerts.md has every key"))
    })?;
    Ok(config.with_paths(beside))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sandpit_alerts::{AlertsConfig, channels::ChannelConfig};

    use crate::config::{Overrides, parse};

    fn alerts(section: &str) -> Result<AlertsConfig, String> {
        let text = format!(
            "version = 1\ntapes = [\"market.tape\"]\n{section}\n[[plugins]]\nname = \"ema\"\n\
             component = \"ema.wasm\"\nbudget = \"1000\"\n"
        );
        parse(Path::new("runs/test.toml"), &text, &Overrides::default())
            .map(|config| config.alerts)
            .map_err(|error| error.message)
    }

    #[test]
    fn a_run_says_who_is_told() {
        assert_eq!(alerts("").unwrap(), AlertsConfig::default());
        let said = alerts(
            "[alerts]\nsource = \"desk\"\n[alerts.channels.room]\nkind = \"slack\"\n\
             url = \"env://URL\"\nca = \"own.pem\"\n[[alerts.routes]]\nchannels = [\"room\"]",
        )
        .unwrap();
        assert_eq!(said.source.as_str(), "desk");
        let ChannelConfig::Slack(room) = &said.channels["room"] else { panic!("{said:?}") };
        assert_eq!(room.ca.as_deref(), Some(Path::new("runs/own.pem")));
        let error = alerts("[alerts.rules.gaps]\nwarn_gaps = 9\ncritical_gaps = 5").unwrap_err();
        assert!(error.contains("`warn_gaps` has to be below"), "{error}");
        assert!(alerts("[alerts]\ngroups = 5").unwrap_err().contains("groups"));
        assert!(alerts("[alerts]\ngroup_s = 5000").unwrap_err().contains("between 0 and 3600"));
    }
}
