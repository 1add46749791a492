//! An instance as a runner: what is asked of it is answered before the asking returns, and kept until
//! somebody takes the answer.

#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::time::Instant;

use sandpit_core::{
    intent::Intent,
    plugin::{CallCost, Fault, FaultCode, PluginEvent},
};

use super::{Instance, Parameters};
use crate::{
    describe::Description,
    port::{Ask, Reply, Runner, Stats},
    runner::ProcessUsage,
};

/// An answer that nobody has taken, and what the guest asked for with it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    answer: Option<Result<Reply, Fault>>,
    intents: Vec<Intent>,
}

impl Instance {
    fn lost(&mut self, problem: &str) -> Fault {
        let detail = format!("plugin `{}`: {problem}", self.name);
        self.end(Fault { code: FaultCode::RunnerLost, detail })
    }
}

impl Runner for Instance {
    fn description(&self) -> &Description {
        Self::description(self)
    }

    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        self.check_alive()?;
        if self.kept.answer.is_some() {
            return Err(self.lost("something else is under way"));
        }
        let mut intents = std::mem::take(&mut self.kept.intents);
        let answer = match *ask {
            Ask::Start(session) => Self::start(self, session, &mut intents).map(Reply::Done),
            Ask::Event(event) => Self::call(self, event, &mut intents).map(Reply::Done),
            Ask::Parameters { arguments, time } => {
                Self::parameters(self, arguments, time, &mut intents).map(|taken| match taken {
                    Parameters::Taken(cost) => Reply::Done(cost),
                    Parameters::Refused(reason) => Reply::Refused(reason),
                })
            }
            Ask::Save => Self::save(self).map(Reply::Saved),
            Ask::Stop(reason) => {
                Self::stop(self, reason).map(|()| Reply::Done(CallCost::default()))
            }
        };
        self.kept = Kept { answer: Some(answer), intents };
        Ok(())
    }

    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        let answer = self.kept.answer.take()?;
        intents.append(&mut self.kept.intents);
        Some(answer)
    }

    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault> {
        if let Some(answer) = self.poll(intents) {
            return answer;
        }
        self.check_alive()?;
        Err(self.lost("nothing is under way"))
    }

    fn is_busy(&self) -> bool {
        self.kept.answer.is_some()
    }

    fn is_sending(&self) -> bool {
        false
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn fault(&self) -> Option<&Fault> {
        Self::fault(self)
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        Self::take_core_dump(self)
    }

    fn stats(&self) -> Stats {
        Self::stats(self)
    }

    fn usage(&self) -> Option<ProcessUsage> {
        None
    }

    #[inline]
    fn call(&mut self, event: &PluginEvent, intents: &mut Vec<Intent>) -> Result<CallCost, Fault> {
        Self::call(self, event, intents)
    }
}
