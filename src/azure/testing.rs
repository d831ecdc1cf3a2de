//! Helpers for the tests of the clients: stand-ins for sign-in and keys, a fast clock, servers that misbehave.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::azure::error::Result;
use crate::azure::keys::{PolicyKeys, Right, SharedKey};
use crate::azure::tokens::{Refusal, Resource, TokenError, TokenProvider};
use crate::azure::x509::CertificateDer;
use crate::azure::{Arm, Azure, Central, Dps, Hub};
use crate::clock::Clock;
use crate::ids::{DpsHost, HubHost, Subdomain};

/// A key in base64: bytes 0 to 31.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const OTHER_KEY: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Gives `token-1` until it is refused, then `token-2`, and remembers why.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub refusals: Mutex<Vec<Refusal>>,
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, _: Resource, refused: Option<&Refusal>) -> std::result::Result<SecretString, TokenError> {
        let mut refusals = self.refusals.lock().unwrap();
        refusals.extend(refused.cloned());
        Ok(SecretString::from(format!("token-{}", refusals.len() + 1)))
    }
}

/// Has one policy with every right; its key changes when it is refused.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub listed_again: AtomicUsize,
}

pub(crate) fn policy(key: &str) -> SharedKey {
    let (primary, secondary) = (SecretString::from(key), SecretString::from(key));
    SharedKey { name: "owner".into(), primary, secondary, rights: BTreeSet::new() }
}

#[async_trait]
impl PolicyKeys for Keys {
    async fn key(&self, _: &[Right], refused: Option<&SharedKey>) -> Result<SharedKey> {
        if refused.is_some() {
            self.listed_again.fetch_add(1, Ordering::SeqCst);
        }
        Ok(policy(if self.listed_again.load(Ordering::SeqCst) == 0 { KEY } else { OTHER_KEY }))
    }
}

/// A thousand times as fast as life, so that waits pass at once.
pub(crate) fn fast() -> Clock {
    Clock::scaled(Clock::system().now(), 1000)
}

/// Not really one, but written as one is.
pub(crate) fn certificate(mark: u8) -> CertificateDer {
    CertificateDer::new([0x30, 0x01, mark])
}

pub(crate) fn arm(server: &MockServer) -> Arm {
    Azure::against(&server.uri(), fast()).arm(Arc::new(Tokens::default()))
}

pub(crate) fn central_at(uri: &str) -> Central {
    Azure::against(uri, fast()).central(Arc::new(Tokens::default()), &Subdomain::new("fleet")).unwrap()
}

pub(crate) fn central(server: &MockServer) -> Central {
    central_at(&server.uri())
}

pub(crate) fn dps(server: &MockServer) -> Dps {
    let host = DpsHost::new("contoso-dps.azure-devices-provisioning.net");
    Azure::against(&server.uri(), fast()).dps(&host, Arc::new(Keys::default())).unwrap()
}

pub(crate) fn hub_at(uri: &str, clock: Clock, keys: Arc<Keys>) -> Hub {
    Azure::against(uri, clock).hub(&HubHost::new("contoso-hub.azure-devices.net"), keys).unwrap()
}

pub(crate) fn hub(server: &MockServer) -> Hub {
    hub_at(&server.uri(), fast(), Arc::new(Keys::default()))
}

/// Answers `verb` on `at` with a status and JSON, as often as asked.
pub(crate) async fn answer(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    let template = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb)).and(path(at)).respond_with(template).mount(server).await;
}

/// Answers `verb` on `at` once; what is mounted later answers after that.
pub(crate) async fn answer_once(server: &MockServer, verb: &str, at: &str, template: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(template).up_to_n_times(1).mount(server).await;
}

/// How many requests came.
pub(crate) async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// A server that reads each request and writes these bytes, whatever they are, then hangs up. Counts the requests.
pub(crate) async fn raw_server(answer: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            if read > 0 {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            let _hung_up = stream.write_all(answer).await;
        }
    });
    (uri, count)
}
