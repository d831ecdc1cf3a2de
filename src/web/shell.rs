//! What surrounds every page: navigation, account, the sandbox's banner.

use super::paths;
use super::site::Site;

/// View model of `templates/base.html`.
#[derive(Debug, Clone)]
pub struct Shell {
    path: String,
    /// Who is signed in.
    pub account: Option<Account>,
    /// Whether there is anything to sign in to.
    pub can_sign_in: bool,
    /// The sandbox's page of truth, when the sandbox is what is talked to.
    pub sandbox_truth: Option<String>,
}

/// Who is signed in, as the header shows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Display name.
    pub name: String,
    /// User principal name.
    pub user_name: String,
    /// The tenant acted in.
    pub tenant: String,
    /// Until when the sign-in lasts, if it ends by itself.
    pub until: Option<String>,
    /// The session's anti-forgery token.
    pub csrf: String,
}

impl Shell {
    /// The shell of a page that does not know who looks at it.
    #[must_use]
    pub fn anonymous(site: &Site) -> Self {
        Self {
            path: String::new(),
            account: None,
            can_sign_in: site.is_configured(),
            sandbox_truth: site.sandbox.as_ref().map(|sandbox| sandbox.truth.clone()),
        }
    }

    /// Whether this is the page *New migration*.
    #[must_use]
    pub fn is_at_new_migration(&self) -> bool {
        self.path == paths::HOME
    }

    /// Whether this is *Migration status* or a page under it.
    #[must_use]
    pub fn is_at_status(&self) -> bool {
        self.path.strip_prefix(paths::MIGRATIONS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
