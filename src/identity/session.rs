//! One browser's session, typed: who is signed in, which sign-ins are under way, the anti-forgery token.
//!
//! Promises: the session's id changes when somebody signs in, so that an id planted before is worth nothing; an attempt
//! can be taken out once; tokens of Azure are never in a session.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_sessions::Session;

use super::sign_in::Attempt;
use crate::ids::PersonId;

/// How many sign-ins one browser can have under way, in as many tabs. The oldest goes first.
const MAX_ATTEMPTS: usize = 5;

pub(super) const USER: &str = "user";
const ATTEMPTS: &str = "attempts";
const CSRF: &str = "csrf";

/// The session of the browser that a request came from. An extractor, for use below [`super::session_layer`].
#[derive(Clone)]
pub struct UserSession {
    session: Session,
}

/// The session could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The store failed.
    #[error("the session could not be read or written")]
    Store(#[from] tower_sessions::session::Error),
    /// There are no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl UserSession {
    /// Wraps the session of a request.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// The session could not be read.
    pub async fn user(&self) -> Result<Option<PersonId>, SessionError> {
        Ok(self.session.get(USER).await?)
    }

    /// Notes that `person` has signed in, under a new session id. Somebody else's anti-forgery token does not stay.
    ///
    /// # Errors
    /// The session could not be written.
    pub async fn sign_in(&self, person: &PersonId) -> Result<(), SessionError> {
        if self.user().await?.as_ref() != Some(person) {
            self.session.remove_value(CSRF).await?;
        }
        self.session.cycle_id().await?;
        self.session.insert(USER, person).await?;
        Ok(())
    }

    /// Ends the session: nothing of it is left, and the cookie goes.
    ///
    /// # Errors
    /// The session could not be removed.
    pub async fn end(&self) -> Result<(), SessionError> {
        Ok(self.session.flush().await?)
    }

    /// Remembers a sign-in that begins.
    ///
    /// # Errors
    /// The session could not be written.
    pub async fn remember(&self, attempt: &Attempt) -> Result<(), SessionError> {
        let mut attempts = self.newest_attempts().await?;
        attempts.push(attempt.clone());
        let surplus = attempts.len().saturating_sub(MAX_ATTEMPTS);
        attempts.drain(..surplus);
        self.write_attempts(&attempts).await
    }

    /// Takes out the sign-in of that state, for good. States are compared in constant time.
    ///
    /// # Errors
    /// The session could not be read or written.
    pub async fn take_attempt(&self, state: &str) -> Result<Option<Attempt>, SessionError> {
        let mut attempts = self.newest_attempts().await?;
        let Some(place) = attempts.iter().position(|attempt| same(&attempt.state, state)) else { return Ok(None) };
        let attempt = attempts.swap_remove(place);
        self.write_attempts(&attempts).await?;
        Ok(Some(attempt))
    }

    /// Another tab may have begun a sign-in while this request was under way, so the session is read again first.
    async fn newest_attempts(&self) -> Result<Vec<Attempt>, SessionError> {
        if self.session.id().is_some() && !self.session.is_modified() {
            self.session.load().await?;
        }
        Ok(self.session.get(ATTEMPTS).await?.unwrap_or_default())
    }

    async fn write_attempts(&self, attempts: &[Attempt]) -> Result<(), SessionError> {
        self.session.insert(ATTEMPTS, attempts).await?;
        Ok(self.session.save().await?)
    }

    /// The anti-forgery token of this session, for forms. Made when first asked for.
    ///
    /// # Errors
    /// The session could not be read or written.
    pub async fn csrf_token(&self) -> Result<String, SessionError> {
        if let Some(token) = self.session.get(CSRF).await? {
            return Ok(token);
        }
        let token = random_text()?;
        self.session.insert(CSRF, &token).await?;
        Ok(token)
    }

    /// Whether `given` is this session's anti-forgery token. Compared in constant time; false if it has none.
    ///
    /// # Errors
    /// The session could not be read.
    pub async fn csrf_matches(&self, given: &str) -> Result<bool, SessionError> {
        let token: Option<String> = self.session.get(CSRF).await?;
        Ok(token.is_some_and(|token| same(&token, given)))
    }
}

impl fmt::Debug for UserSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSession")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserSession {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Session::from_request_parts(parts, state).await.map(Self::new)
    }
}

/// Equal, without telling by the time it takes where two texts differ.
pub(super) fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// 256 random bits as text that a URL can carry.
pub(super) fn random_text() -> Result<String, SessionError> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SessionError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
