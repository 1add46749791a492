//! What each route leads to: a question to the session, a page of the journal, bytes of our own.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use hyper::{StatusCode, body::Bytes};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    events,
    gate::Admitted,
    metrics, page,
    reply::{JSON, Problem, Reply, json as as_json, own, text},
    route::Target,
    state::State,
};
use crate::{
    Answer, Command, JournalQuery, KINDS_MAX, ListView, OverviewView, PAGE_ROWS_MAX, PluginView,
    RefusalCode, Trading, Via,
};

/// The description of all routes.
const OPENAPI: &[u8] = include_bytes!("../../openapi.json");
/// How a Prometheus server wants its text called.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// A request that may go on, with whose it is.
pub(super) struct Request<'a> {
    pub(super) state: &'a State,
    pub(super) address: IpAddr,
    pub(super) admitted: Admitted,
    pub(super) body: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadBody {
    #[serde(default)]
    component: Option<PathBuf>,
    #[serde(default)]
    cold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwapBody {
    component: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnloadBody {
    #[serde(default)]
    keep_orders: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParametersBody {
    parameters: BTreeMap<String, String>,
}

/// A plugin, or the account where none is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeBody {
    #[serde(default)]
    plugin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlockBody {
    #[serde(default)]
    plugin: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KillBody {
    #[serde(default)]
    flatten: bool,
}

#[derive(Serialize)]
struct Done {
    done: String,
    plugin: Option<Box<PluginView>>,
}

impl Request<'_> {
    /// Does it.
    pub(super) async fn answer(self) -> Reply {
        match self.reply().await {
            Ok(reply) => reply,
            Err(problem) => problem.reply(),
        }
    }

    async fn reply(&self) -> Result<Reply, Problem> {
        match self.admitted.found.route.target {
            Target::Page => Ok(own("text/html; charset=utf-8", page::HTML)),
            Target::Style => Ok(own("text/css; charset=utf-8", page::STYLE)),
            Target::Script => Ok(own("text/javascript; charset=utf-8", page::SCRIPT)),
            Target::Icon => Ok(own("image/svg+xml", page::ICON)),
            Target::OpenApi => Ok(own(JSON, OPENAPI)),
            Target::Healthy => Ok(text(StatusCode::OK, PLAIN, "ok\n".to_owned())),
            Target::Ready => Ok(match self.state.is_ready().await {
                true => text(StatusCode::OK, PLAIN, "ready\n".to_owned()),
                false => text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "not ready\n".to_owned()),
            }),
            Target::Whoami => {
                let holder = self.admitted.holder.as_ref().ok_or_else(Problem::unauthorized)?;
                Ok(as_json(&json!({ "name": holder.name, "role": holder.role })))
            }
            Target::Metrics => {
                let overview = self.overview().await?;
                let exposed = metrics::render(&overview, self.state);
                Ok(text(StatusCode::OK, EXPOSITION, exposed))
            }
            Target::Events => {
                let holder = self.admitted.holder.clone().ok_or_else(Problem::unauthorized)?;
                events::watch(self.state, holder)
            }
            Target::Fills | Target::Denials | Target::Alerts | Target::Pnl | Target::Journal => {
                self.past().await
            }
            Target::PluginLimits | Target::PluginParameters => self.of_plugin().await,
            _ => {
                let command = self.command()?;
                self.ask(command).await
            }
        }
    }

    /// The command that a route stands for.
    fn command(&self) -> Result<Command, Problem> {
        let plugin = || self.named();
        let scope = || self.body::<ScopeBody>().map(|body| body.plugin);
        let nothing = || self.body::<Nothing>();
        Ok(match self.admitted.found.route.target {
            Target::Status => Command::Status,
            Target::Overview => Command::Overview,
            Target::Plugins => Command::List,
            Target::Plugin => Command::Show(plugin()?),
            Target::Orders => Command::Orders(self.said("plugin")),
            Target::Positions => Command::Positions(self.said("plugin")),
            Target::Risk => Command::Risk,
            Target::SetParameters => {
                let body: ParametersBody = self.body()?;
                let parameters = body.parameters.into_iter().collect();
                Command::Set { plugin: plugin()?, parameters }
            }
            Target::Load => {
                let LoadBody { component, cold } = self.body()?;
                Command::Load { plugin: plugin()?, component, cold }
            }
            Target::Swap => {
                let SwapBody { component } = self.body()?;
                Command::Swap { plugin: plugin()?, component }
            }
            Target::Unload => {
                let UnloadBody { keep_orders } = self.body()?;
                Command::Unload { plugin: plugin()?, keep_orders }
            }
            Target::RotateKeys => nothing().and(Ok(Command::RotateKeys))?,
            Target::Rollback => nothing().and(Ok(Command::Rollback(plugin()?)))?,
            Target::Pause => nothing().and(Ok(Command::Pause(plugin()?)))?,
            Target::Resume => nothing().and(Ok(Command::Resume(plugin()?)))?,
            Target::Release => nothing().and(Ok(Command::Release(plugin()?)))?,
            Target::Reduce => Command::Trading { plugin: scope()?, state: Trading::Reducing },
            Target::Halt => Command::Trading { plugin: scope()?, state: Trading::Halted },
            Target::Activate => Command::Trading { plugin: scope()?, state: Trading::Active },
            Target::CancelAll => Command::CancelAll(scope()?),
            Target::Flatten => Command::Flatten(scope()?),
            Target::Unlock => {
                let UnlockBody { plugin, reason } = self.body()?;
                Command::Unlock { plugin, reason }
            }
            Target::Kill => {
                let KillBody { flatten } = self.body()?;
                Command::Kill { flatten }
            }
            Target::Acknowledge => {
                nothing()?;
                let alert = plugin()?.parse().map_err(|_| Problem::bad("an alert is a number"))?;
                Command::Acknowledge(alert)
            }
            _ => return Err(Problem::of(RefusalCode::Failed, "this route leads nowhere")),
        })
    }

    async fn ask(&self, command: Command) -> Result<Reply, Problem> {
        Ok(match self.asked(command).await? {
            Answer::Done { message, plugin } => as_json(&Done { done: message, plugin }),
            Answer::List(list) => {
                let ListView { plugins, .. } = *list;
                as_json(&json!({ "plugins": plugins }))
            }
            Answer::Plugin(plugin) => as_json(&plugin),
            Answer::Status(status) => as_json(&status),
            Answer::Overview(overview) => as_json(&overview),
            Answer::Orders(orders) => as_json(&json!({ "orders": orders })),
            Answer::Positions(positions) => as_json(&json!({ "positions": positions })),
            Answer::Pnl(pnl) => as_json(&pnl),
            Answer::Risk(risk) => as_json(&risk),
        })
    }

    async fn asked(&self, command: Command) -> Result<Answer, Problem> {
        let holder = self.admitted.holder.as_ref().ok_or_else(Problem::unauthorized)?;
        let who = format!("{} ({})", holder.name, holder.role.name());
        let via = Via::Http(self.address.to_string());
        Ok(self.state.ask(who, via, command).await?)
    }

    async fn overview(&self) -> Result<OverviewView, Problem> {
        match self.asked(Command::Overview).await? {
            Answer::Overview(overview) => Ok(*overview),
            _ => Err(Problem::of(RefusalCode::Failed, "the session says something else")),
        }
    }

    async fn of_plugin(&self) -> Result<Reply, Problem> {
        let Answer::Plugin(plugin) = self.asked(Command::Show(self.named()?)).await? else {
            return Err(Problem::of(RefusalCode::Failed, "the session says something else"));
        };
        Ok(match self.admitted.found.route.target {
            Target::PluginLimits => as_json(&json!({ "limits": plugin.limits })),
            _ => {
                let parameters: BTreeMap<_, _> = plugin.parameters.into_iter().collect();
                as_json(&json!({ "parameters": parameters }))
            }
        })
    }

    /// What the journal has.
    async fn past(&self) -> Result<Reply, Problem> {
        let target = self.admitted.found.route.target;
        if target == Target::Journal {
            return Ok(as_json(&self.state.reader.page(self.query()?).await?));
        }
        let recent = self.state.reader.recent().await?;
        Ok(match target {
            Target::Fills => as_json(&json!({ "fills": recent.fills })),
            Target::Denials => as_json(&json!({ "denials": recent.denials })),
            Target::Alerts => as_json(&json!({ "alerts": recent.alerts })),
            _ => match self.asked(Command::Pnl).await? {
                Answer::Pnl(pnl) => as_json(&json!({ "pnl": pnl, "equity": recent.equity })),
                _ => return Err(Problem::of(RefusalCode::Failed, "the session says else")),
            },
        })
    }

    /// Which rows of the journal are wanted.
    fn query(&self) -> Result<JournalQuery, Problem> {
        let number = |name: &str| {
            let said = self.said(name);
            said.map(|text| text.parse::<u64>().map_err(|_| format!("`{name}` is a number")))
                .transpose()
                .map_err(Problem::bad)
        };
        let mut query = JournalQuery {
            after: number("after")?,
            before: number("before")?,
            plugin: self.said("plugin"),
            order: self.said("order"),
            ..JournalQuery::default()
        };
        if query.after.is_some() && query.before.is_some() {
            return Err(Problem::bad("`after` and `before` are two directions: say one"));
        }
        if let Some(limit) = number("limit")? {
            let limit = u32::try_from(limit).ok().filter(|it| (1..=PAGE_ROWS_MAX).contains(it));
            let message = format!("`limit` is 1 to {PAGE_ROWS_MAX}");
            query.limit = limit.ok_or_else(|| Problem::bad(message))?;
        }
        let kinds = self.admitted.query.iter().filter(|(name, _)| name == "kind");
        query.kinds = kinds.map(|(_, kind)| kind.clone()).collect();
        match query.kinds.len() > KINDS_MAX {
            true => Err(Problem::bad(format!("at most {KINDS_MAX} kinds are chosen at once"))),
            false => Ok(query),
        }
    }

    fn said(&self, name: &str) -> Option<String> {
        let mut pairs = self.admitted.query.iter();
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn named(&self) -> Result<String, Problem> {
        let named = self.admitted.found.named.clone();
        named.ok_or_else(|| Problem::of(RefusalCode::Failed, "this route names nothing"))
    }

    /// What is said in the body; nothing is an empty object.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let bytes: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        // A list would be taken for an object without its names.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::bad("the body is no JSON object"));
        }
        serde_json::from_slice(bytes)
            .map_err(|error| Problem::bad(format!("the body is not of this route's form: {error}")))
    }
}
