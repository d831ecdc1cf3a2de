//! The two halves of a sign-in: to Entra, and back.
//!
//! Promises: what comes back is checked in a fixed order (started here, state, age, used once, refused, code, tokens, id
//! token), and nothing is recorded before all of it has passed.

use std::sync::PoisonError;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, Scope};
use url::Url;

use super::counter::Minted;
use super::entra::{Ask, Granted, TokenFailure};
use super::id_token::{self, Expected, SKEW};
use super::session::{random_text, same};
use super::settings::{Platform, SIGN_IN_SCOPES};
use super::sign_in::{
    ATTEMPT_LIFETIME, Attempt, Callback, Consent, Finished, Prompt, SignInStart, SignInWish, SignedIn,
};
use super::{Identity, Person, SignInError};
use crate::azure::tokens::Resource;
use crate::clock::Timestamp;

/// How long the refresh tokens of a single-page application live from the sign-in on, as Microsoft documents.
const SPA_LIFETIME: time::Duration = time::Duration::hours(24);

impl Identity {
    /// Begins a sign-in: what to remember in the session, and where to send the browser.
    ///
    /// # Errors
    /// [`SignInError::Random`]: the system gives no random numbers.
    pub fn begin_sign_in(&self, wish: SignInWish) -> Result<SignInStart, SignInError> {
        self.begin(wish, None)
    }

    fn begin(&self, wish: SignInWish, central_left_out: Option<String>) -> Result<SignInStart, SignInError> {
        let random = || random_text().map_err(|_| SignInError::Random);
        let attempt = Attempt {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            authority: self.inner.settings.authority(wish.tenant.as_ref()),
            wish,
            begun_at: self.inner.clock.now(),
            central_left_out,
        };
        Ok(SignInStart { authorize_url: self.authorize_url(&attempt), attempt })
    }

    fn authorize_url(&self, attempt: &Attempt) -> Url {
        let settings = &self.inner.settings;
        let wish = &attempt.wish;
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(settings.authorize_url(&attempt.authority)))
            .set_redirect_uri(settings.redirect_uri.for_oauth().clone());
        let mut request = client
            .authorize_url(|| CsrfToken::new(attempt.state.clone()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(SIGN_IN_SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .add_scope(Scope::new(settings.arm_scope.clone()))
            .add_extra_param("response_mode", "query")
            .add_extra_param("nonce", &attempt.nonce);
        if wish.consent == Consent::Everything {
            request = request.add_scope(Scope::new(settings.central_scope.clone()));
        }
        if let Some(prompt) = wish.prompt {
            request = request.add_extra_param("prompt", prompt.as_str());
        }
        if let Some(hint) = wish.login_hint.as_deref().filter(|_| wish.prompt != Some(Prompt::SelectAccount)) {
            request = request.add_extra_param("login_hint", hint);
        }
        if let Some(claims) = &wish.claims {
            request = request.add_extra_param("claims", claims);
        }
        request.url().0
    }

    /// Finishes a sign-in with what the session remembered ([`super::UserSession::take_attempt`]) and what Entra sent.
    ///
    /// # Errors
    /// [`SignInError`], one variant a refusal. Nothing is recorded then, and nobody is signed in or out by it.
    pub async fn finish_sign_in(&self, attempt: Option<Attempt>, callback: Callback) -> Result<Finished, SignInError> {
        let attempt = attempt.ok_or(SignInError::NotStartedHere)?;
        self.check_attempt(&attempt, callback.state.as_deref().unwrap_or_default())?;
        match self.redeem(&attempt, &callback).await {
            Err(SignInError::Refused(refusal))
                if refusal.is_of_resource() && attempt.wish.consent == Consent::Everything =>
            {
                tracing::info!(code = refusal.code, "the sign-in is tried again without IoT Central");
                let wish = SignInWish { consent: Consent::ArmOnly, ..attempt.wish };
                self.begin(wish, Some(format!("{} {}", refusal.words, refusal.advice))).map(Finished::Again)
            }
            Err(error) => Err(error),
            Ok(granted) => self.accept(attempt, granted).await.map(Finished::SignedIn),
        }
    }

    fn check_attempt(&self, attempt: &Attempt, state: &str) -> Result<(), SignInError> {
        if !same(&attempt.state, state) {
            return Err(SignInError::StateMismatch);
        }
        let now = self.inner.clock.now();
        if (now - attempt.begun_at).abs() > ATTEMPT_LIFETIME {
            return Err(SignInError::Expired);
        }
        let mut spent = self.inner.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, when| (now - *when).abs() <= ATTEMPT_LIFETIME);
        match spent.insert(attempt.state.clone(), now) {
            Some(_) => Err(SignInError::AlreadyUsed),
            None => Ok(()),
        }
    }

    async fn redeem(&self, attempt: &Attempt, callback: &Callback) -> Result<Granted, SignInError> {
        if let Some(error) = &callback.error {
            let refusal = super::EntraRefusal::of_callback(&self.inner.settings, error, callback);
            tracing::warn!(error = refusal.error, code = refusal.code, "Entra refused a sign-in");
            return Err(SignInError::Refused(Box::new(refusal)));
        }
        let code = callback.code.as_ref().ok_or(SignInError::NoCode)?;
        let ask = Ask::Redeem { code, verifier: &attempt.verifier };
        Ok(self.inner.desk.entra.ask(&attempt.authority, &ask).await?)
    }

    /// Checks who it is, then records person and grant.
    async fn accept(&self, attempt: Attempt, granted: Granted) -> Result<SignedIn, SignInError> {
        let inner = &self.inner;
        let person = self.identify(&attempt, &granted).await?;
        let refresh_token = granted.refresh_token.as_ref().ok_or(SignInError::NoRefreshToken)?;
        let sealed = inner.desk.seal(&person.id, refresh_token)?;
        let now = inner.clock.now();
        let dies_at = matches!(inner.settings.platform, Platform::Spa).then(|| now + SPA_LIFETIME);
        inner.store.upsert_person(&person, now).await?;
        inner.store.put_grant(&person.id, &sealed, now, dies_at).await?;
        let minted = Minted { token: granted.access_token, expires_at: granted.expires_at };
        inner.desk.counter(&person.id).signed_in(Resource::Arm, minted);
        inner.sign_ins.send_modify(|count| *count += 1);
        tracing::info!(person = %person.id, "signed in");
        let notices = notices(&attempt, now, granted.server_time);
        Ok(SignedIn { person, return_to: attempt.wish.return_to, notices })
    }

    async fn identify(&self, attempt: &Attempt, granted: &Granted) -> Result<Person, SignInError> {
        let inner = &self.inner;
        let id_token = granted.id_token.as_ref();
        let id_token = id_token.ok_or_else(|| SignInError::BadAnswer("it holds no id token".to_owned()))?;
        let published = inner.keys.published(&attempt.authority, &id_token::key_id(id_token)?).await?;
        let expected = Expected {
            client_id: &inner.settings.client_id,
            authority: &attempt.authority,
            nonce: &attempt.nonce,
            published: &published,
            now: inner.clock.now(),
            server_time: granted.server_time,
        };
        Ok(id_token::person(id_token, &expected)?)
    }
}

fn notices(attempt: &Attempt, now: Timestamp, server_time: Option<Timestamp>) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(reason) = &attempt.central_left_out {
        notices.push(format!("You are signed in without access to IoT Central. {reason}"));
    }
    if let Some(wrong) = server_time.map(|server| now - server).filter(|wrong| wrong.abs() > SKEW) {
        let minutes = (wrong.as_seconds_f64() / 60.0).round();
        let direction = if minutes > 0.0 { "ahead of" } else { "behind" };
        notices.push(format!(
            "The clock of this workstation is {} minutes {direction} Microsoft's. Set it right: keys and tokens are \
             refused when clocks differ.",
            minutes.abs()
        ));
    }
    notices
}

impl From<TokenFailure> for SignInError {
    fn from(failure: TokenFailure) -> Self {
        match failure {
            TokenFailure::Refused(refusal) => Self::Refused(refusal),
            TokenFailure::Unreachable { message, retry_after } => Self::Unreachable { message, retry_after },
            TokenFailure::BadAnswer(message) => Self::BadAnswer(message),
        }
    }
}
