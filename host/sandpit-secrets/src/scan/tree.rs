//! Which files there are: as git lists them, or every one of a folder.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Marks, ScanError, Scanner, git};

/// Folders within folders.
const DEPTH_MAX: usize = 64;
/// Folders that hold what others made, where there is no git to say so.
const PASSED_OVER: &[&str] = &[".git", "target", "node_modules", "__pycache__", ".venv"];

pub(super) fn scan(scanner: &mut Scanner, root: &Path) -> Result<(), ScanError> {
    let Some(listed) = git::listed(root)? else {
        return walk(scanner, root, root, Marks::Count, PASSED_OVER);
    };
    for path in listed {
        if scanner.is_over() {
            return Ok(());
        }
        one(scanner, &root.join(&path), shown(&path), Marks::Count)?;
    }
    Ok(())
}

pub(super) fn files(scanner: &mut Scanner, path: &Path) -> Result<(), ScanError> {
    let fail = |source| ScanError::Io { path: path.to_owned(), source };
    if fs::metadata(path).map_err(fail)?.is_dir() {
        return walk(scanner, path, Path::new(""), Marks::Ignore, &[]);
    }
    scanner.file(path, shown(path), Marks::Ignore)
}

fn one(scanner: &mut Scanner, path: &Path, name: String, marks: Marks) -> Result<(), ScanError> {
    match fs::symlink_metadata(path) {
        // What it leads to is scanned where it is, or is not of this tree.
        Ok(found) if found.is_symlink() => scanner.report.skip(name, "it is a link"),
        Ok(found) if found.is_dir() => scanner.report.skip(name, "it is another repository"),
        Ok(found) if !found.is_file() => scanner.report.skip(name, "it is no file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // Not known, or a file: opening it says which.
        Ok(_) | Err(_) => return scanner.file(path, name, marks),
    }
    Ok(())
}

/// Every file below a folder, in the order of their names. Paths are shown without `below`.
fn walk(
    scanner: &mut Scanner,
    folder: &Path,
    below: &Path,
    marks: Marks,
    passed_over: &[&str],
) -> Result<(), ScanError> {
    let mut folders: Vec<(PathBuf, usize)> = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let fail = |source| ScanError::Io { path: folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(fail)? {
            found.push(entry.map_err(fail)?.path());
        }
        found.sort_unstable();
        for path in found {
            if scanner.is_over() {
                return Ok(());
            }
            let name = shown(path.strip_prefix(below).unwrap_or(&path));
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            if !is_folder {
                one(scanner, &path, name, marks)?;
            } else if passed_over.iter().any(|name| path.file_name() == Some(OsStr::new(name))) {
                scanner.report.skip(name, "others made what is in it");
            } else if depth >= DEPTH_MAX {
                scanner.report.skip(name, "it lies too deep");
            } else {
                folders.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

/// With `/` between the parts, on every system.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
