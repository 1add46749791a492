//! What a target allocates, counted by the allocator itself: exact, and the same in every run. Only
//! what the target's own thread asks for is counted; a guest's memory is not among it, that has its
//! own limit.

#![expect(
    unsafe_code,
    reason = "an allocator cannot be written without; it hands on to the system's"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// Bytes that this thread holds beyond what it did at the start; what others freed for it and
    /// it for others makes this a count of requests rather than of ownership.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    let held = HELD.get().saturating_add(bytes.saturating_mul(sign));
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: every call goes to the system's allocator as it came; what is counted on the way are
// numbers of this thread, which allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as for the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: as for the caller.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, 1);
        count(layout.size(), -1);
        // SAFETY: as for the caller.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Does it, and asserts that it never held more than so many bytes at once.
pub(crate) fn within<T>(bytes_max: usize, what: &str, act: impl FnOnce() -> T) -> T {
    let before = HELD.get();
    PEAK.set(before);
    let result = act();
    let most = PEAK.get().saturating_sub(before);
    assert!(
        usize::try_from(most).unwrap_or(0) <= bytes_max,
        "{what} held {most} bytes, {bytes_max} are enough"
    );
    result
}

#[test]
#[should_panic(expected = "a long text held")]
fn what_is_held_is_seen() {
    within(1_000, "a long text", || drop(std::hint::black_box("x".repeat(2_000))));
}
