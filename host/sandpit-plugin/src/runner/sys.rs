//! The calls into the kernel that nobody can check for us. All unsafe code of the runner is here, each
//! piece with its reason.

#![expect(unsafe_code, reason = "two calls whose conditions no type can carry, each said below")]

use rustix::{
    io::Errno,
    thread::{UnshareFlags, unshare_unsafe},
};

/// Closes every descriptor from `first` on: whatever the host's own parents left open.
pub(super) fn close_from(first: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers only. It takes descriptors from under whoever owns them, so it is
    // called at the start of a runner, where the owners of all that is kept are below `first`.
    let done = unsafe { libc::close_range(first, u32::MAX, 0) };
    if done == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error()
        .raw_os_error()
        .map_or(Errno::INVAL, Errno::from_raw_os_error))
}

/// Leaves namespaces of the host.
pub(super) fn unshare(what: UnshareFlags) -> Result<(), Errno> {
    if what.contains(UnshareFlags::FILES) {
        return Err(Errno::INVAL);
    }
    // SAFETY: only a table of descriptors of one's own could harm another thread, and that is
    // refused above.
    unsafe { unshare_unsafe(what) }
}
