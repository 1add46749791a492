//! Memory for what signs: not written to swap, not in a core dump, not in a child process, and
//! overwritten before it is given back.
//!
//! The only unsafe code of this crate. ring's keys have no way to be overwritten, and asking the
//! kernel to treat memory so is unsafe in itself. The host keeps its whole memory out of dumps
//! besides.
#![expect(unsafe_code, reason = "memory of our own from the kernel, overwritten when it goes away")]

use std::{
    io,
    ops::Deref,
    ptr::{self, NonNull},
};

use rustix::{
    mm::{MapFlags, ProtFlags, mlock, mmap_anonymous, munmap},
    param::page_size,
};
/// A value in memory of its own.
pub(crate) struct Locked<T> {
    place: NonNull<T>,
    bytes: usize,
    is_locked: bool,
}

// SAFETY: it owns its value, as a `Box` does.
unsafe impl<T: Send> Send for Locked<T> {}
// SAFETY: it gives out shared references only, as a `Box` does.
unsafe impl<T: Sync> Sync for Locked<T> {}

impl<T> Locked<T> {
    pub(crate) fn new(value: T) -> io::Result<Self> {
        let page = page_size();
        let bytes = size_of::<T>().max(1).next_multiple_of(page);
        if align_of::<T>() > page {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: a new private mapping at a place of the kernel's choice touches nothing else.
        let start = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }?;
        let Some(place) = NonNull::new(start.cast::<T>()) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        // SAFETY: the mapping is ours, and `bytes` long. Where the limit of locked memory is used
        // up the key lives in plain memory, and says so.
        let is_locked = unsafe { mlock(start, bytes) }.is_ok();
        #[cfg(target_os = "linux")]
        for advice in [rustix::mm::Advice::LinuxDontDump, rustix::mm::Advice::LinuxDontFork] {
            // SAFETY: as above; neither advice changes what this process sees. An old kernel that
            // knows one of them not leaves the other protections standing.
            let _ = unsafe { rustix::mm::madvise(start, bytes, advice) };
        }
        // SAFETY: the mapping begins at a page, so it is aligned, and it is large enough.
        unsafe { place.write(value) };
        Ok(Self { place, bytes, is_locked })
    }

    /// Whether the kernel keeps it out of swap.
    pub(crate) const fn is_locked(&self) -> bool {
        self.is_locked
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it was written in `new` and lives until `drop`.
        unsafe { self.place.as_ref() }
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        let start = self.place.as_ptr().cast::<u8>();
        // SAFETY: nobody has a reference any more, and nothing reads the value after this.
        unsafe { self.place.drop_in_place() };
        for at in 0..self.bytes {
            // SAFETY: within the mapping, which is ours. Volatile, so that it is done although
            // nobody reads it.
            unsafe { start.add(at).write_volatile(0) };
        }
        // SAFETY: the mapping is ours, whole, and nothing points into it any more. It fails only
        // for a range that is none.
        let _ = unsafe { munmap(start.cast(), self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tells<'a>(&'a std::cell::Cell<u32>, [u8; 5_000]);

    impl Drop for Tells<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_value_lives_there_and_is_dropped_once() {
        let drops = std::cell::Cell::new(0);
        let locked = Locked::new(Tells(&drops, [7; 5_000])).unwrap();
        assert_eq!(locked.1, [7; 5_000]);
        assert_eq!(locked.place.as_ptr() as usize % page_size(), 0);
        assert_eq!(locked.bytes % page_size(), 0);
        assert!(locked.bytes >= size_of::<Tells<'_>>());
        drop(locked);
        assert_eq!(drops.get(), 1);
    }

    /// The kernel's own view: locked (`lo`), not dumped (`dd`), not given to children (`dc`).
    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_keeps_it_out_of_dumps_and_children() {
        let locked = Locked::new([1u8; 16]).unwrap();
        let start = format!("{:x}-", locked.place.as_ptr() as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mapping = maps.split("VmFlags:").collect::<Vec<_>>();
        // The flags stand at the end of a mapping's lines.
        let at = mapping.iter().position(|part| part.contains(&format!("\n{start}"))).unwrap();
        let flags = mapping[at + 1].lines().next().unwrap();
        for flag in ["dd", "dc"] {
            assert!(flags.split_whitespace().any(|found| found == flag), "no {flag} in {flags}");
        }
        if locked.is_locked() {
            assert!(flags.split_whitespace().any(|found| found == "lo"), "{flags}");
        } else {
            eprintln!("not checked: this machine lets no memory be locked");
        }
    }
}
