//! What surrounds every page: navigation, account, the sandbox's banner, and what the last action has to say.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use time::macros::format_description;
use tower_sessions::Session;

use super::errors::PageError;
use super::flash::{self, Flash};
use super::paths;
use super::site::{HasSite, Site};
use super::state::Web;
use crate::clock::Timestamp;
use crate::identity::{Identity, UserSession};

/// View model of `templates/base.html`. As an extractor it takes the messages of the last action out of the session, so
/// that they show once; fragments have no shell.
#[derive(Debug, Clone)]
pub struct Shell {
    path: String,
    /// Who is signed in.
    pub account: Option<Account>,
    /// Whether there is anything to sign in to.
    pub can_sign_in: bool,
    /// The sandbox's page of truth, when the sandbox is what is talked to.
    pub sandbox_truth: Option<String>,
    /// How many times as fast as life the sandbox's clock runs.
    pub speed: u32,
    /// What the last action has to say.
    pub flashes: Vec<Flash>,
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
            speed: 1,
            flashes: Vec::new(),
        }
    }

    /// The shell of an error: the messages that wait are for another page.
    pub(super) async fn of_error(web: &Web, session: Option<&Session>, path: &str) -> Result<Self, PageError> {
        let account = match session {
            Some(session) => account(&web.identity, &UserSession::new(session.clone())).await?,
            None => None,
        };
        Ok(Self { path: path.to_owned(), account, speed: web.speed(), ..Self::anonymous(web.site()) })
    }

    /// The anti-forgery token for this page's forms; empty when nobody is signed in, where there are none.
    #[must_use]
    pub fn csrf(&self) -> &str {
        self.account.as_ref().map_or("", |account| &account.csrf)
    }

    /// The same around a page that belongs to another address than the one asked for.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
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

impl<S: HasSite> FromRequestParts<S> for Shell {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let mut shell =
            Self { path: parts.uri.path().to_owned(), speed: state.speed(), ..Self::anonymous(state.site()) };
        if let (Some(identity), Some(session)) = (state.identity(), parts.extensions.get::<Session>()) {
            shell.flashes = flash::take(session).await?;
            shell.account = account(identity, &UserSession::new(session.clone())).await?;
        }
        Ok(shell)
    }
}

async fn account(identity: &Identity, session: &UserSession) -> Result<Option<Account>, PageError> {
    let Some(id) = session.user().await? else { return Ok(None) };
    let Some(person) = identity.person(&id).await? else { return Ok(None) };
    let until = identity.signed_in_until(&id).await?.map(moment);
    let csrf = session.csrf_token().await?;
    Ok(Some(Account { name: person.name, user_name: person.username, tenant: id.tid.to_string(), until, csrf }))
}

/// A moment for people, in UTC and to the minute.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
        .unwrap_or_else(|_| at.to_string())
}
