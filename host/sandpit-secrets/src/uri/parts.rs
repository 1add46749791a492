//! What all forms have in common: `AUTHORITY/SEGMENT/…?name=value&…`. Nothing is percent-decoded, so
//! that a text has one meaning.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::UriError;

/// Segments of a path.
const SEGMENTS_MAX: usize = 16;
/// Options of a URI.
const OPTIONS_MAX: usize = 12;

pub(crate) struct Parts<'a> {
    form: &'static str,
    authority: &'a str,
    path: Option<&'a str>,
    options: Vec<(&'a str, &'a str)>,
    /// There was a `?`.
    has_query: bool,
}

impl<'a> Parts<'a> {
    pub(crate) fn parse(rest: &'a str, form: &'static str) -> Result<Self, UriError> {
        if rest.bytes().any(|byte| !byte.is_ascii_graphic() || b"#%\\\"'`<>".contains(&byte)) {
            return Err(UriError::Characters { part: "the URI", form });
        }
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match place.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (place, None),
        };
        if authority.contains('@') {
            return Err(UriError::Credentials { form });
        }
        let mut options = Vec::new();
        for option in query.into_iter().flat_map(|query| query.split('&')) {
            // A name alone has an empty value, which no option takes.
            options.push(option.split_once('=').unwrap_or((option, "")));
            if options.len() > OPTIONS_MAX {
                return Err(UriError::Shape { problem: "there are too many options", form });
            }
        }
        Ok(Self { form, authority, path, options, has_query: query.is_some() })
    }

    pub(crate) const fn shape(&self, problem: &'static str) -> UriError {
        UriError::Shape { problem, form: self.form }
    }

    const fn characters(&self, part: &'static str) -> UriError {
        UriError::Characters { part, form: self.form }
    }

    /// What stands before the first `/`.
    pub(crate) fn authority(
        &self,
        part: &'static str,
        is_allowed: impl Fn(u8) -> bool,
    ) -> Result<&'a str, UriError> {
        if self.authority.is_empty() {
            return Err(self.shape("there is nothing after the scheme"));
        }
        if !self.authority.bytes().all(is_allowed) {
            return Err(self.characters(part));
        }
        Ok(self.authority)
    }

    /// What stands between the `/`.
    pub(crate) fn segments(
        &self,
        part: &'static str,
        is_allowed: impl Fn(u8) -> bool,
    ) -> Result<Vec<&'a str>, UriError> {
        let Some(path) = self.path else {
            return Ok(Vec::new());
        };
        let segments: Vec<_> = path.split('/').collect();
        if segments.len() > SEGMENTS_MAX {
            return Err(self.shape("the path has too many parts"));
        }
        // `.` and `..` would be another place than the one that is written down.
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(self.shape("a part of the path is empty, `.` or `..`"));
        }
        if !segments.iter().all(|segment| segment.bytes().all(&is_allowed)) {
            return Err(self.characters(part));
        }
        Ok(segments)
    }

    /// Takes no option.
    pub(crate) fn no_options(&self) -> Result<(), UriError> {
        if self.has_query {
            return Err(self.shape("it takes no options"));
        }
        Ok(())
    }

    /// The options, each at most once, each with a value. `known` lists their names, for people.
    pub(crate) fn options(
        &self,
        names: &[&str],
        known: &'static str,
    ) -> Result<Options<'a>, UriError> {
        let mut found = BTreeMap::new();
        for (name, value) in &self.options {
            let is_new = found.insert(*name, *value).is_none();
            if !is_new || value.is_empty() || !names.contains(name) {
                return Err(UriError::Option { known, form: self.form });
            }
        }
        Ok(Options(found))
    }
}

/// Options of a URI, by name.
pub(crate) struct Options<'a>(BTreeMap<&'a str, &'a str>);

impl Options<'_> {
    /// What was said, or nothing.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    /// A file.
    pub(crate) fn path(&self, name: &'static str) -> Result<Option<PathBuf>, UriError> {
        match self.get(name) {
            Some(path) if path.starts_with('/') => Ok(Some(PathBuf::from(path))),
            Some(_) => Err(UriError::Value { name, problem: "has to be an absolute path" }),
            None => Ok(None),
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
        problem: &'static str,
    ) -> Result<Option<T>, UriError> {
        let Some(said) = self.0.get(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| word == said);
        found.map(|(_, value)| Some(*value)).ok_or(UriError::Value { name, problem })
    }

    /// A name of letters, digits and a few signs.
    pub(crate) fn name(
        &self,
        name: &'static str,
        signs: &[u8],
    ) -> Result<Option<String>, UriError> {
        let value = self.get(name);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || signs.contains(&byte);
        if value.as_ref().is_some_and(|value| !value.bytes().all(is_name)) {
            return Err(UriError::Value { name, problem: "has characters that cannot be there" });
        }
        Ok(value)
    }

    /// The address of a service: a scheme and a host, nothing behind.
    pub(crate) fn endpoint(&self, name: &'static str) -> Result<Option<String>, UriError> {
        let value = self.get(name);
        let is_endpoint = |value: &String| {
            let host = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_host))
        };
        if value.as_ref().is_some_and(|value| !is_endpoint(value)) {
            let problem = "has to be of the form https://HOST[:PORT]";
            return Err(UriError::Value { name, problem });
        }
        Ok(value)
    }
}

/// What a host and a port are written with.
pub(crate) fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte)
}

/// Writes `?name=value&…` of what is there.
pub(crate) fn write_options(
    f: &mut fmt::Formatter<'_>,
    options: &[(&str, Option<&str>)],
) -> fmt::Result {
    let mut mark = '?';
    for (name, value) in options {
        if let Some(value) = value {
            write!(f, "{mark}{name}={value}")?;
            mark = '&';
        }
    }
    Ok(())
}
