//! Reads of Azure that pages share: one at a time for each question, kept for a minute, and never in a page's way for
//! longer than people wait.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use time::Duration;

use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::tokens::TokenError;
use crate::clock::{Clock, Timestamp};
use crate::engine::KeysError;

/// What was read is shown again for this long without asking Azure.
const GOOD_FOR: Duration = Duration::seconds(60);
/// How long a page waits for a read, by the machine's clock: longer, and it shows that the read is under way.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// How many times as long somebody waits who has pressed a button. Three reads can follow each other within the time that
/// a request may take.
const MORE: u32 = 2;

/// A part of a page that comes from Azure.
#[derive(Debug, Clone)]
pub(super) enum Loaded<T> {
    /// Nothing was chosen that it belongs to.
    NotAsked,
    /// It is being read.
    Reading,
    /// It is here.
    Ready(T),
    /// It could not be read.
    Failed(Trouble),
}

impl<T> Loaded<T> {
    pub(super) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Failed(trouble) => Some(trouble),
            _ => None,
        }
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self, Self::Reading)
    }
}

/// A failed read, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened, to whom.
    pub what: String,
    /// What to do, if Azure's answer tells.
    pub remedy: Option<String>,
    /// Signing in again ends it.
    pub sign_in: bool,
    /// Consent is what is missing.
    pub consent: bool,
    /// Azure said that the person may not.
    pub forbidden: bool,
}

impl Trouble {
    /// Something that takes longer than people wait.
    pub(super) fn late(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            remedy: Some("Reload in a moment.".into()),
            sign_in: false,
            consent: false,
            forbidden: false,
        }
    }
}

impl From<&KeysError> for Trouble {
    fn from(error: &KeysError) -> Self {
        match error {
            KeysError::Azure(error) => error.into(),
            KeysError::Store(error) => Self {
                what: format!("{error}."),
                remedy: Some("See the log of this program.".into()),
                sign_in: false,
                consent: false,
                forbidden: false,
            },
        }
    }
}

impl From<&AzureError> for Trouble {
    fn from(error: &AzureError) -> Self {
        let consent = matches!(&error.kind, ErrorKind::SignIn(TokenError::SignInNeeded { consent_for: Some(_), .. }));
        Self {
            what: error.to_string(),
            remedy: error.hint.clone(),
            sign_in: error.needs_sign_in(),
            consent,
            forbidden: matches!(error.kind, ErrorKind::Forbidden),
        }
    }
}

/// How long a reader waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// As long as people do for a page to begin; the read goes on behind their back.
    AWhile,
    /// As long as people do who see that something is under way.
    Longer,
}

type Answer<V> = Result<V, AzureError>;
type Running<V> = Shared<BoxFuture<'static, Answer<V>>>;

/// Answers to one kind of question, by whom and what it is about.
pub(super) struct Cached<K, V: Clone> {
    clock: Clock,
    patience: std::time::Duration,
    slots: Mutex<HashMap<K, (Timestamp, Running<V>)>>,
}

impl<K, V: Clone> fmt::Debug for Cached<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

impl<K: Eq + Hash, V: Clone + Send + Sync + 'static> Cached<K, V> {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, patience: PATIENCE * clock.speed(), slots: Mutex::default() }
    }

    /// The answer for `key`, read by `read` unless somebody did so lately or is at it. With `anew`, what was read before
    /// is not good enough. A failure is never kept.
    pub(super) async fn get<F>(&self, key: K, anew: bool, wait: Wait, read: F) -> Loaded<V>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let running = self.begin(key, anew, read);
        let patience = match wait {
            Wait::AWhile => self.patience,
            Wait::Longer => self.patience * MORE,
        };
        let answer = tokio::select! {
            biased;
            answer = running => answer,
            () = self.clock.sleep(patience) => return Loaded::Reading,
        };
        match answer {
            Ok(value) => Loaded::Ready(value),
            Err(error) => Loaded::Failed(Trouble::from(&error)),
        }
    }

    /// Forgets an answer, so that the next question is asked anew.
    pub(super) fn forget(&self, key: &K) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn begin<F>(&self, key: K, anew: bool, read: F) -> Running<V>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, (at, running)| match running.peek() {
            Some(answer) => answer.is_ok() && now - *at < GOOD_FOR,
            None => true,
        });
        if let Some((_, running)) = slots.get(&key)
            && !(anew && running.peek().is_some())
        {
            return running.clone();
        }
        let read = async move {
            let answer = read.await;
            if let Err(error) = &answer {
                tracing::warn!(error = %error, request = error.request_id.as_deref(), "a form could not be filled from Azure");
            }
            answer
        };
        let running = read.boxed().shared();
        slots.insert(key, (now, running.clone()));
        // A task of its own, so that it ends even if the browser goes away.
        tokio::spawn(running.clone().map(drop));
        running
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;
    use crate::azure::error::Service;

    fn count(reads: &Arc<AtomicU32>) -> impl Future<Output = Answer<u32>> + Send + 'static {
        let reads = Arc::clone(reads);
        async move { Ok(reads.fetch_add(1, Ordering::SeqCst) + 1) }
    }

    async fn ask(cached: &Cached<&'static str, u32>, anew: bool, reads: &Arc<AtomicU32>) -> Option<u32> {
        cached.get("app", anew, Wait::Longer, count(reads)).await.ready().copied()
    }

    #[tokio::test]
    async fn a_question_is_asked_once_a_minute_unless_it_is_asked_anew() {
        let cached = Cached::new(Clock::system());
        let reads = Arc::default();
        assert_eq!(ask(&cached, false, &reads).await, Some(1));
        assert_eq!(ask(&cached, false, &reads).await, Some(1));
        assert_eq!(ask(&cached, true, &reads).await, Some(2));
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_kept() {
        let cached: Cached<&str, u32> = Cached::new(Clock::system());
        let kind = ErrorKind::Unavailable { retry_after: None };
        let error = AzureError::local(Service::Arm, "list resources", "ARM", kind, "no answer");
        let failed = cached.get("app", false, Wait::Longer, async move { Err(error) }).await;
        assert!(failed.trouble().expect("a trouble").what.contains("no answer"));
        assert_eq!(ask(&cached, false, &Arc::default()).await, Some(1));
    }

    #[tokio::test]
    async fn a_page_goes_on_while_a_slow_read_does_and_finds_its_answer_later() {
        let cached = Cached { patience: std::time::Duration::ZERO, ..Cached::new(Clock::system()) };
        let gate = Arc::new(Semaphore::new(0));
        let slow = {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.expect("open").forget();
                Ok(7)
            }
        };
        assert!(cached.get("app", false, Wait::AWhile, slow).await.is_reading());
        gate.add_permits(1);
        let cached = Cached { patience: PATIENCE, ..cached };
        let answer = cached.get("app", false, Wait::Longer, async { Ok(0) }).await;
        assert_eq!(answer.ready(), Some(&7));
    }
}
