//! What was asked of the simulated Azure, in order: the witness for tests and for the truth page. Tokens, codes and
//! keys are not kept.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use time::OffsetDateTime;

/// How many calls are remembered; older ones are forgotten.
const CAPACITY: usize = 1_000_000;

/// Which of Azure's services was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Service {
    /// Sign-in and tokens.
    Entra,
    /// Azure Resource Manager.
    Arm,
    /// Azure Resource Graph, which shares ARM's host.
    Graph,
    /// The data plane of IoT Central applications.
    Central,
    /// The service API of DPS instances.
    DpsService,
    /// The device API of DPS.
    DpsDevice,
    /// IoT hubs.
    Hub,
}

/// Who called, as far as the credential tells; it is not checked here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Caller {
    /// A signed-in person, by object id and by the tenant that issued the token.
    Person {
        /// Object id.
        oid: String,
        /// Issuing tenant.
        tid: String,
    },
    /// Somebody with the key of a shared access policy or an API token of that name.
    Policy {
        /// The policy's name.
        name: String,
    },
    /// A device with its own key.
    Device {
        /// Device or registration id.
        id: String,
    },
    /// No credential.
    Nobody,
}

/// Something that a call brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// For example `enrollment.created`, `identity.created`, `job.created`, `command.sent`.
    pub kind: &'static str,
    /// What it happened to: a device id, a job id, ….
    pub subject: String,
}

/// Response extension by which a handler tells the dispatcher what its call brought about.
#[derive(Debug, Clone, Default)]
pub struct Effects(pub Vec<Effect>);

impl Effects {
    /// One effect.
    #[must_use]
    pub fn one(kind: &'static str, subject: impl Into<String>) -> Self {
        Self(vec![Effect { kind, subject: subject.into() }])
    }
}

/// One call.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Counts from 1.
    pub seq: u64,
    /// When it arrived, in sandbox time.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The service called.
    pub service: Service,
    /// Host name in lower case, without port.
    pub host: String,
    /// HTTP method.
    pub method: String,
    /// Path as sent; of hubs and provisioning services as documented, whatever the client's spelling.
    pub path: String,
    /// Query with secrets replaced by `***`.
    pub query: String,
    /// Who called.
    pub caller: Caller,
    /// Status sent back; 0 where the connection was closed without an answer.
    pub status: u16,
    /// Whether it was refused for calling too often (429).
    pub throttled: bool,
    /// What it brought about; empty for reads, refusals and repeats.
    pub effects: Vec<Effect>,
}

/// All calls since the start (the last million of them).
#[derive(Debug, Default)]
pub struct CallLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    calls: VecDeque<Call>,
    last: u64,
    refused_connects: Vec<String>,
}

impl CallLog {
    /// Every call remembered, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Call> {
        self.kept().calls.iter().cloned().collect()
    }

    /// The calls after number `seq`.
    #[must_use]
    pub fn since(&self, seq: u64) -> Vec<Call> {
        self.kept().calls.iter().filter(|call| call.seq > seq).cloned().collect()
    }

    /// The last `count` calls, newest first.
    #[must_use]
    pub fn recent(&self, count: usize) -> Vec<Call> {
        self.kept().calls.iter().rev().take(count).cloned().collect()
    }

    /// The number of the last call; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.kept().last
    }

    /// Every effect remembered, oldest first, with the number of its call.
    #[must_use]
    pub fn effects(&self) -> Vec<(u64, Effect)> {
        let kept = self.kept();
        kept.calls.iter().flat_map(|call| call.effects.iter().map(|effect| (call.seq, effect.clone()))).collect()
    }

    /// `host:port` of every connection that was asked of the proxy and is none of Azure's names.
    #[must_use]
    pub fn refused_connects(&self) -> Vec<String> {
        self.kept().refused_connects.clone()
    }

    /// Remembers a call; its `seq` is assigned here and returned.
    pub fn record(&self, mut call: Call) -> u64 {
        let mut kept = self.kept();
        kept.last += 1;
        call.seq = kept.last;
        if kept.calls.len() == CAPACITY {
            kept.calls.pop_front();
        }
        kept.calls.push_back(call);
        kept.last
    }

    /// Remembers a connection that was refused.
    pub fn record_refused_connect(&self, authority: &str) {
        self.kept().refused_connects.push(authority.to_owned());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `query` with the values of secret parameters replaced.
#[must_use]
pub fn redact_query(query: &str) -> String {
    const SECRET: [&str; 8] =
        ["code", "otc", "state", "nonce", "sig", "access_token", "id_token_hint", "client_secret"];
    let redacted: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if SECRET.contains(&key.to_ascii_lowercase().as_str()) => format!("{key}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    redacted.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_query_are_not_kept() {
        assert_eq!(redact_query("code=abc&api-version=1&state=x&sig"), "code=***&api-version=1&state=***&sig");
    }
}
