//! Where settings come from, and which source wins.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use super::cli::Cli;
use super::problem::Problems;

/// A set of environment variables. Its values are not shown by `Debug`: some are secret.
#[derive(Default, Clone)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own, less what is not Unicode.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// Reads a file of `KEY=value` lines; one that does not exist is empty.
    fn of_file(file: &Path) -> Result<Self, Problems> {
        let problem = |what: String| {
            let mut problems = Problems::default();
            problems.add_missing(".env", &what, "Mend the file (lines of KEY=value), or move it away.");
            problems
        };
        let content = match std::fs::read(file) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(problem(format!("the file cannot be read ({})", error.kind()))),
        };
        let without_mark = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
        let mut values = BTreeMap::new();
        for (number, line) in dotenvy::from_read_iter(without_mark).enumerate() {
            // dotenvy's error quotes the line, which may hold a secret: say only where it is.
            let (key, value) = line.map_err(|_| problem(format!("entry {} cannot be read", number + 1)))?;
            values.entry(key).or_insert(value);
        }
        Ok(Self(values))
    }

    /// A variable's value. One set to nothing counts as not set.
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}

/// All sources, in order of precedence.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    /// The command line.
    pub cli: Cli,
    process: Environment,
    file: Environment,
}

impl Sources {
    /// Puts the sources together, reading the `.env` file.
    ///
    /// # Errors
    /// The file exists and cannot be understood.
    pub fn new(cli: Cli, process: Environment, dotenv: &Path) -> Result<Self, Problems> {
        Ok(Self { cli, process, file: Environment::of_file(dotenv)? })
    }

    /// What the environment itself says, without `.env`: for what is not a setting of ours.
    pub(super) fn environment(&self, key: &str) -> Option<&str> {
        self.process.get(key)
    }

    /// A setting that has no option on the command line.
    pub(super) fn setting(&self, key: &'static str) -> Option<Said> {
        let said = |value: &str, source| Said { key, value: value.to_owned(), source };
        let of_process = self.process.get(key).map(|value| said(value, Source::Process));
        of_process.or_else(|| self.file.get(key).map(|value| said(value, Source::File)))
    }

    /// An option that has no variable.
    pub(super) fn flag(&self, option: &'static str, given: Option<&str>) -> Option<Said> {
        given.map(|value| Said { key: option, value: value.trim().to_owned(), source: Source::CommandLine })
    }

    /// An option that mirrors a variable.
    pub(super) fn option(&self, option: &'static str, given: Option<&str>, key: &'static str) -> Option<Said> {
        self.flag(option, given).or_else(|| self.setting(key))
    }
}

#[derive(Debug, Clone, Copy)]
enum Source {
    CommandLine,
    Process,
    File,
}

/// A value that somebody set. Not `Debug`: it may be secret.
pub(super) struct Said {
    pub(super) key: &'static str,
    pub(super) value: String,
    source: Source,
}

impl Said {
    /// Where the value was found, for a message.
    pub(super) fn origin(&self) -> &'static str {
        match self.source {
            Source::CommandLine => "",
            Source::Process => " (from the environment)",
            Source::File => " (from .env)",
        }
    }

    /// The value as a `T`, or a problem noted.
    pub(super) fn parse_or<T: FromStr>(&self, problems: &mut Problems, what: &str, remedy: &str) -> Option<T> {
        let parsed = self.value.parse().ok();
        if parsed.is_none() {
            problems.add(self, what, remedy);
        }
        parsed
    }
}
