//! What is in memory of one person's tokens: those at hand, the request under way, and a pause that Entra asked for.
//!
//! Promises: a token that a resource refused, and that only a sign-in can replace, is not handed out again before that
//! sign-in; at most one request a person is under way, whoever asks for whatever; those who want the same share its
//! outcome; an answer that was overtaken by a sign-in or a sign-out is handed to those who waited for it, but not kept.
//! The lock is held for a moment only, never while waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use time::Duration;
use tokio::sync::watch;

use crate::azure::tokens::{Refusal, Resource, TokenError};
use crate::clock::{Clock, Timestamp};

/// A token is not handed out any more when so little of its life is left.
const MARGIN: Duration = Duration::minutes(5);
/// A token that a refusal has just brought answers other refusals for so long: they were of the token before it.
const FRESH: Duration = Duration::seconds(10);

pub(super) type Outcome = Result<SecretString, TokenError>;

/// An access token and its end.
#[derive(Debug, Clone)]
pub(super) struct Minted {
    pub token: SecretString,
    pub expires_at: Timestamp,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub resource: Resource,
    pub claims: Option<String>,
    /// The token at hand was refused.
    pub refused: bool,
}

impl Order {
    pub fn new(resource: Resource, refused: Option<&Refusal>) -> Self {
        Self { resource, claims: refused.and_then(|refusal| refusal.claims.clone()), refused: refused.is_some() }
    }
}

/// One person's tokens.
#[derive(Debug)]
pub(super) struct Counter {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<Resource, Held>,
    /// Resources that refused the token at hand while Entra wants the person before it gives another.
    closed: HashMap<Resource, TokenError>,
    flight: Option<Flight>,
    pause: Option<Pause>,
    /// Grows with every sign-in and sign-out.
    epoch: u64,
}

#[derive(Debug)]
struct Held {
    token: SecretString,
    good_until: Timestamp,
    /// When a refusal brought it.
    replaced_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Flight {
    order: Order,
    outcome: watch::Receiver<Option<Outcome>>,
}

#[derive(Debug)]
struct Pause {
    until: Timestamp,
    message: String,
}

/// What the one who asks has to do.
#[derive(Debug)]
pub(super) enum Turn {
    /// Take this.
    Done(Outcome),
    /// Wait for this outcome, which is yours too.
    Share(watch::Receiver<Option<Outcome>>),
    /// Wait until the request under way has ended, then ask again.
    Queue(watch::Receiver<Option<Outcome>>),
    /// Ask Entra, and land with the answer. The receiver brings it.
    Fly(Landing, watch::Receiver<Option<Outcome>>),
}

impl Counter {
    pub fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    pub fn turn(self: &Arc<Self>, order: &Order) -> Turn {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(error) = state.closed.get(&order.resource) {
            return Turn::Done(Err(error.clone()));
        }
        if let Some(held) = state.held.get(&order.resource).filter(|held| held.serves(order, now)) {
            return Turn::Done(Ok(held.token.clone()));
        }
        if let Some(flight) = &state.flight {
            let same = flight.order.resource == order.resource
                && (order.claims.is_none() || flight.order.claims == order.claims);
            let outcome = flight.outcome.clone();
            return if same { Turn::Share(outcome) } else { Turn::Queue(outcome) };
        }
        if let Some(pause) = state.pause.as_ref().filter(|pause| now < pause.until) {
            return Turn::Done(Err(TokenError::Transient {
                message: pause.message.clone(),
                retry_after: (pause.until - now).try_into().ok(),
            }));
        }
        let (sender, outcome) = watch::channel(None);
        state.flight = Some(Flight { order: order.clone(), outcome: outcome.clone() });
        let landing = Landing { counter: Arc::clone(self), epoch: state.epoch, order: order.clone(), sender };
        Turn::Fly(landing, outcome)
    }

    /// Somebody signed in: what was at hand is of the past, `minted` is new.
    pub fn signed_in(&self, resource: Resource, minted: Minted) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.start_over();
        state.held.insert(resource, Held::new(minted, now, None));
    }

    /// Somebody signed out: nothing stays at hand.
    pub fn signed_out(&self) {
        self.lock().start_over();
    }

    /// The claims that the next sign-in has to bring, if any.
    pub fn wanted_claims(&self) -> Option<String> {
        let state = self.lock();
        state.closed.values().find_map(|error| match error {
            TokenError::SignInNeeded { claims, .. } => claims.clone(),
            TokenError::Transient { .. } | TokenError::Misconfigured { .. } => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn start_over(&mut self) {
        self.epoch += 1;
        self.held.clear();
        self.closed.clear();
        self.pause = None;
    }
}

impl Held {
    fn new(minted: Minted, now: Timestamp, replaced_at: Option<Timestamp>) -> Self {
        let margin = MARGIN.min((minted.expires_at - now) / 5);
        Self { token: minted.token, good_until: minted.expires_at - margin, replaced_at }
    }

    fn serves(&self, order: &Order, now: Timestamp) -> bool {
        let fresh = self.replaced_at.is_some_and(|at| now - at < FRESH);
        now < self.good_until && order.claims.is_none() && (!order.refused || fresh)
    }
}

/// The duty to end a request to Entra. Dropped without an answer (a panic), it lets the next one try.
#[derive(Debug)]
pub(super) struct Landing {
    counter: Arc<Counter>,
    epoch: u64,
    order: Order,
    sender: watch::Sender<Option<Outcome>>,
}

impl Landing {
    pub fn order(&self) -> &Order {
        &self.order
    }

    pub fn land(self, outcome: Result<Minted, TokenError>) {
        let now = self.counter.clock.now();
        let mut state = self.counter.lock();
        let current = state.epoch == self.epoch;
        let shared = match outcome {
            Ok(minted) => {
                let token = minted.token.clone();
                if current {
                    let held = Held::new(minted, now, self.order.refused.then_some(now));
                    state.held.insert(self.order.resource, held);
                    state.pause = None;
                }
                Ok(token)
            }
            Err(error) => {
                if let (TokenError::Transient { message, retry_after: Some(wait) }, true) = (&error, current) {
                    state.pause = Some(Pause { until: now + *wait, message: message.clone() });
                }
                if current && self.order.refused && matches!(error, TokenError::SignInNeeded { .. }) {
                    state.held.remove(&self.order.resource);
                    state.closed.insert(self.order.resource, error.clone());
                }
                Err(error)
            }
        };
        drop(state);
        self.sender.send_replace(Some(shared));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.counter.lock().flight = None;
    }
}

/// Waits for the outcome of a request under way.
pub(super) async fn landed(mut outcome: watch::Receiver<Option<Outcome>>) -> Outcome {
    match outcome.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        _ => {
            Err(TokenError::Transient { message: "The request for a token was cut off.".to_owned(), retry_after: None })
        }
    }
}
