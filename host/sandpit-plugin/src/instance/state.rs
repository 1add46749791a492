//! What belongs to one store: the limiter of its memory, and its log.

use wasmtime::ResourceLimiter;

use crate::{
    limits::{INSTANCES_MAX, Limits, MEMORIES_MAX, TABLES_MAX},
    log::LogBook,
};

/// Data of one store.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) log: LogBook,
}

/// A guest wanted more of something than it may have. Ends the call, so that it is known why,
/// where a refused growth would end as some trap of the guest's allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it wanted {wanted} {what}, {limit} are allowed")]
pub(crate) struct LimitReached {
    what: &'static str,
    wanted: usize,
    limit: usize,
}

/// Sums over all memories and tables of a store.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: Sum,
    table: Sum,
}

#[derive(Debug)]
struct Sum {
    what: &'static str,
    held: usize,
    limit: usize,
}

impl Sum {
    fn grow(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // Beyond what the guest itself declared: it gets the answer that it expects.
            return Ok(false);
        }
        let wanted = self.held.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            return Err(LimitReached { what: self.what, wanted, limit: self.limit }.into());
        }
        self.held = wanted;
        Ok(true)
    }
}

impl Limiter {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            memory: Sum { what: "bytes of memory", held: 0, limit: limits.memory_bytes_max },
            table: Sum { what: "table elements", held: 0, limit: limits.table_elements_max },
        }
    }

    /// Bytes of all memories. They never shrink, so this is also the most there ever was.
    pub(crate) const fn memory_bytes(&self) -> usize {
        self.memory.held
    }

    /// Elements of all tables, which never shrink either.
    pub(crate) const fn table_elements(&self) -> usize {
        self.table.held
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory.grow(current, desired, maximum)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // The host has no memory left, or the guest is at its own maximum; only the former was
        // counted, and there the instance ends.
        if error.is::<wasmtime::OutOfMemory>() { Err(error) } else { Ok(()) }
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table.grow(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut limiter = Limiter::new(&Limits { memory_bytes_max: 100, ..Limits::default() });
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert_eq!(limiter.memory_bytes(), 100);
        assert!(!limiter.memory_growing(40, 41, Some(40)).unwrap(), "its own maximum is no fault");
        let error = limiter.memory_growing(60, 61, None).unwrap_err();
        assert_eq!(error.to_string(), "it wanted 101 bytes of memory, 100 are allowed");
    }
}
