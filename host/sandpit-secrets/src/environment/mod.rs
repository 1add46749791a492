//! Variables: of this process, and of a `.env` file that is read without being exported, so that
//! child processes do not inherit what is in it.

mod file;
mod tracked;

use std::{collections::BTreeMap, env, io, path::PathBuf, sync::Arc};

pub(crate) use file::{read_guarded, read_platform_file};

use crate::SecretText;

/// Bytes of a variable's value; a private key in PEM has a few hundred.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// What becomes of a file that others could read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Care {
    /// It is an error: there are keys of an exchange in it.
    #[default]
    Refuse,
    /// It is said, and read: a backtest or a paper session has nothing to lose.
    Warn,
}

/// Why variables cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file system said no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Others can read or change it.
    #[error(
        "`{}` can be read or changed by others (mode {mode:03o}): chmod 600 it, and change the keys \
         in it if somebody else was on this machine",
        path.display()
    )]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is kept under version control.
    #[error(
        "`{}` is tracked by git: `git rm --cached` it, have git ignore it, and change the keys in \
         it, because the history has them",
        path.display()
    )]
    Tracked {
        /// Which file.
        path: PathBuf,
    },
    /// It is not a file.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// Which one.
        path: PathBuf,
    },
    /// It is larger than any.
    #[error("`{}` has more than {max} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Bytes that it may have.
        max: usize,
    },
    /// It is not text.
    #[error("`{}` is not text in UTF-8", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
    },
    /// A line that is none. The line is not repeated.
    #[error(
        "`{}`: {place} is not of the form NAME=value; a value with spaces, `$`, `#` or quotes goes \
         between single quotes",
        path.display()
    )]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// After which variable.
        place: String,
    },
    /// A value that is not text, or too long.
    #[error("the variable `{name}` is not text in UTF-8, or has more than {VALUE_BYTES_MAX} bytes")]
    Value {
        /// Which variable.
        name: String,
    },
}

/// Where variables come from. A variable of the process wins over the file's.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    has_process: bool,
    file: Option<(PathBuf, Care)>,
    fixed: Arc<BTreeMap<String, SecretText>>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn process() -> Self {
        Self { has_process: true, ..Self::default() }
    }

    /// These variables alone.
    #[must_use]
    pub fn fixed(variables: impl IntoIterator<Item = (String, SecretText)>) -> Self {
        Self { fixed: Arc::new(variables.into_iter().collect()), ..Self::default() }
    }

    /// And those of a file, which need not exist.
    #[must_use]
    pub fn with_file(mut self, path: PathBuf, care: Care) -> Self {
        self.file = Some((path, care));
        self
    }

    /// How files with secrets are treated.
    pub(crate) fn care(&self) -> Care {
        self.file.as_ref().map_or(Care::Refuse, |(_, care)| *care)
    }

    /// Reads the file again, so that a changed one counts without a restart.
    ///
    /// # Errors
    /// The file cannot be read, is no list of variables, or can be read by others.
    pub fn load(&self) -> Result<Variables, EnvironmentError> {
        let mut variables = Variables {
            has_process: self.has_process,
            file: None,
            values: (*self.fixed).clone(),
            warnings: Vec::new(),
        };
        let Some((path, care)) = &self.file else {
            return Ok(variables);
        };
        if let Some(found) = file::read(path, *care, &mut variables.warnings)? {
            // Of two lines with one name the first counts, as dotenvy has it.
            for (name, value) in found {
                variables.values.entry(name).or_insert(value);
            }
            variables.file = Some(path.clone());
        }
        Ok(variables)
    }
}

/// Variables as they are now.
#[derive(Debug)]
pub struct Variables {
    has_process: bool,
    file: Option<PathBuf>,
    values: BTreeMap<String, SecretText>,
    /// What is wrong and was let pass.
    pub warnings: Vec<EnvironmentError>,
}

impl Variables {
    /// A variable that is set to something.
    ///
    /// # Errors
    /// Its value is not text, or too long.
    pub fn get(&self, name: &str) -> Result<Option<SecretText>, EnvironmentError> {
        let refuse = || EnvironmentError::Value { name: name.to_owned() };
        let value = match self.has_process.then(|| env::var(name)) {
            Some(Ok(value)) => Some(SecretText::new(value)),
            Some(Err(env::VarError::NotUnicode(_))) => return Err(refuse()),
            Some(Err(env::VarError::NotPresent)) | None => self.values.get(name).cloned(),
        };
        match value {
            Some(value) if value.expose().len() > VALUE_BYTES_MAX => Err(refuse()),
            Some(value) if value.trimmed().is_empty() => Ok(None),
            value => Ok(value),
        }
    }

    /// A variable that is no secret. One whose name says that it is one is never given.
    ///
    /// # Errors
    /// Its value is not text, or too long.
    pub fn plain(&self, name: &str) -> Result<Option<String>, EnvironmentError> {
        const SECRET: [&str; 4] = ["KEY", "SECRET", "TOKEN", "PASSWORD"];
        if SECRET.iter().any(|word| name.contains(word)) {
            return Ok(None);
        }
        Ok(self.get(name)?.map(|value| value.trimmed().to_owned()))
    }

    /// Where it was looked, in words.
    #[must_use]
    pub fn places(&self) -> String {
        match (&self.file, self.has_process) {
            (Some(path), true) => format!("the environment or `{}`", path.display()),
            (Some(path), false) => format!("`{}`", path.display()),
            (None, _) => "the environment".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
