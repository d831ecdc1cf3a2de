//! Where to go on after a sign-in: a path of this program and nothing else, so that no link can use the sign-in to send
//! a person somewhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// An absolute path of this program, with its query: `/migrations?state=running`. `/` by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalPath(String);

impl LocalPath {
    /// The path, if a browser can only understand it as one of this program.
    ///
    /// Browsers read `//host` and `/\host` as other hosts, and drop tabs and line ends before they look.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let base = Url::parse("http://localhost/").ok()?;
        let plain = path.starts_with('/') && !path.chars().any(|c| c.is_control() || c == '\\' || c == ' ');
        let resolved = base.join(path).ok()?;
        (plain && resolved.origin() == base.origin() && resolved.username().is_empty() && path.len() <= 2048)
            .then(|| Self(path.to_owned()))
    }

    /// The path, for a `Location`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LocalPath {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        Self::parse(&path).ok_or("not a path of this program")
    }
}

impl From<LocalPath> for String {
    fn from(path: LocalPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::LocalPath;

    #[test]
    fn a_path_with_its_query_is_kept() {
        let path = LocalPath::parse("/migrations/7?state=failed&page=2").expect("local");
        assert_eq!(path.as_str(), "/migrations/7?state=failed&page=2");
    }

    #[test]
    fn whatever_a_browser_could_read_as_another_host_is_no_path() {
        for path in
            ["//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example", "evil", "", "/a\nb"]
        {
            assert_eq!(LocalPath::parse(path), None, "{path:?}");
        }
    }
}
