//! Where the socket is, and who may reach it.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use crate::AdminError;

/// The socket's name in the state folder.
const SOCKET_FILE: &str = "admin.sock";
/// Bytes of a path that a socket's address holds, on the system with the shortest.
const ADDRESS_BYTES_MAX: usize = 100;
/// The folder is its owner's alone.
const FOLDER_MODE: u32 = 0o700;
/// So is the socket.
const SOCKET_MODE: u32 = 0o600;
/// Bits of a mode that are about people other than the owner.
const OTHERS: u32 = 0o077;
/// Bits that let others put files in a folder.
const OTHERS_WRITE: u32 = 0o022;
/// The bit of a folder in which everybody keeps their own, such as `/tmp`.
const STICKY: u32 = 0o1000;

/// The socket of the session that remembers in `state`.
#[must_use]
pub fn socket_path(state: &Path) -> PathBuf {
    state.join(SOCKET_FILE)
}

/// A path as short as an address wants it, and what has to stay open for it.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    /// A long path goes through the open folder, on systems that show those as files.
    fn of(socket: &Path) -> io::Result<Self> {
        if socket.as_os_str().len() <= ADDRESS_BYTES_MAX {
            return Ok(Self { path: socket.to_owned(), _folder: None });
        }
        let (Some(parent), Some(name)) = (socket.parent(), socket.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let folder = File::open(parent)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }
}

/// Connects to the socket.
pub(super) fn connect(socket: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(Address::of(socket)?.path)
}

/// A socket that is there, and goes with this.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and number of the file, so that only our own is removed.
    file: (u64, u64),
}

impl Place {
    /// Puts a socket there. One that nobody answers on is replaced: its process is gone.
    pub(super) fn take(path: &Path) -> Result<(Self, UnixListener), AdminError> {
        let io = |source| AdminError::Io { path: path.to_owned(), source };
        close_folder(path)?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(AdminError::NotASocket { path: path.to_owned() });
            }
            Ok(_) => match connect(path) {
                Ok(_) => return Err(AdminError::InUse { path: path.to_owned() }),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(io)?;
                }
                Err(error) => return Err(io(error)),
            },
        }
        let listener =
            Address::of(path).and_then(|address| UnixListener::bind(&address.path)).map_err(io)?;
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(io)?;
        let found = fs::symlink_metadata(path).map_err(io)?;
        let place = Self { path: path.to_owned(), file: (found.dev(), found.ino()) };
        Ok((place, listener))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if ours {
            // What stays is found to be stale by the next session.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Closes the folder to everybody else, before there is a socket in it.
fn close_folder(socket: &Path) -> Result<(), AdminError> {
    let folder = match socket.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let io = |source| AdminError::Io { path: folder.to_owned(), source };
    let found = fs::metadata(folder).map_err(io)?;
    let (mode, ours) = (found.mode(), found.uid() == rustix::process::geteuid().as_raw());
    if mode & OTHERS == 0 && ours {
        return Ok(());
    }
    if !ours || mode & STICKY != 0 {
        let shared = !ours || mode & OTHERS_WRITE != 0;
        return match shared {
            true => Err(AdminError::Shared { path: folder.to_owned() }),
            false => Ok(()),
        };
    }
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(io)
}
