//! A simulated Entra that signs its id tokens, and an identity that talks to it.

use std::collections::HashMap;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::super::*;
use crate::ids::PersonId;

pub const CLIENT: &str = "11111111-1111-4111-8111-111111111111";
pub const TENANT: &str = "2c8a0000-0000-4000-8000-000000000001";
pub const OTHER_TENANT: &str = "3d9b0000-0000-4000-8000-000000000002";
pub const ARM: &str = "https://management.azure.com/user_impersonation";
pub const CENTRAL: &str = "https://apps.azureiotcentral.com/user_impersonation";

/// A key that id tokens are signed with.
pub struct SigningKey {
    pub kid: &'static str,
    pair: KeyPair,
}

pub static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::make("first"));
pub static NEXT_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::make("second"));

impl SigningKey {
    fn make(kid: &'static str) -> Self {
        Self { kid, pair: KeyPair::generate(KeySize::Rsa2048).expect("a key") }
    }

    pub fn published(&self) -> Value {
        let public: PublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        json!({ "kty": "RSA", "use": "sig", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e) })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid }), claims)
    }

    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The simulated Entra.
pub struct FakeEntra {
    pub server: MockServer,
    pub clock: Clock,
}

impl FakeEntra {
    /// Knows the tenant and publishes the first key.
    pub async fn start() -> Self {
        let entra = Self { server: MockServer::start().await, clock: Clock::system() };
        entra.publishes(TENANT, &entra.issuer(TENANT), &[&KEY]).await;
        entra
    }

    pub fn issuer(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.server.uri())
    }

    pub async fn publishes(&self, authority: &str, issuer: &str, keys: &[&SigningKey]) {
        self.publishes_keys(authority, issuer, keys.iter().map(|key| key.published()).collect()).await;
    }

    pub async fn publishes_keys(&self, authority: &str, issuer: &str, keys: Vec<Value>) {
        let jwks = format!("{}/{authority}/discovery/v2.0/keys", self.server.uri());
        self.publishes_at(authority, issuer, &jwks).await;
        Mock::given(path(format!("/{authority}/discovery/v2.0/keys")))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "keys": keys })))
            .mount(&self.server)
            .await;
    }

    pub async fn publishes_at(&self, authority: &str, issuer: &str, jwks: &str) {
        Mock::given(path(format!("/{authority}/v2.0/.well-known/openid-configuration")))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "issuer": issuer, "jwks_uri": jwks })))
            .mount(&self.server)
            .await;
    }

    /// Good claims of an id token for that sign-in.
    pub fn claims(&self, start: &SignInStart) -> Value {
        let now = self.clock.now().unix_timestamp();
        json!({ "ver": "2.0", "iss": self.issuer(TENANT), "aud": CLIENT, "iat": now, "nbf": now, "exp": now + 3900,
            "oid": "oid-ada", "tid": TENANT, "name": "Ada Example", "preferred_username": "ada@contoso.com",
            "nonce": query(&start.authorize_url)["nonce"] })
    }

    /// Answers every code with these claims and the refresh token `R1`.
    pub async fn grants(&self, claims: &Value) {
        self.redeems_with(200, granted("A1", Some("R1"), Some(&KEY.sign(claims)))).await;
    }

    pub async fn redeems_with(&self, status: u16, body: Value) {
        self.answers("grant_type=authorization_code", ResponseTemplate::new(status).set_body_json(body)).await;
    }

    pub async fn refreshes_with(&self, status: u16, body: Value) {
        self.answers("grant_type=refresh_token", ResponseTemplate::new(status).set_body_json(body)).await;
    }

    /// Answers token requests whose body contains `part`.
    pub async fn answers(&self, part: &str, answer: ResponseTemplate) {
        Mock::given(method("POST")).and(body_string_contains(part)).respond_with(answer).mount(&self.server).await;
    }

    /// Forgets all answers, but not the keys.
    pub async fn forgets(&self) {
        self.server.reset().await;
        self.publishes(TENANT, &self.issuer(TENANT), &[&KEY]).await;
    }

    /// The token requests so far.
    pub async fn token_requests(&self) -> Vec<Request> {
        let requests = self.server.received_requests().await.expect("recorded");
        requests.into_iter().filter(|request| request.url.path().ends_with("/token")).collect()
    }

    pub fn settings(&self, platform: Platform) -> EntraSettings {
        let base: Url = self.server.uri().parse().expect("a URL");
        EntraSettings {
            client_id: CLIENT.to_owned(),
            tenant: TENANT.to_owned(),
            redirect_uri: RedirectUri::parse("http://localhost:3000").expect("a URL"),
            platform,
            login: base.clone(),
            authorize: base,
            arm_scope: ARM.to_owned(),
            central_scope: CENTRAL.to_owned(),
        }
    }
}

pub fn granted(access: &str, refresh: Option<&str>, id_token: Option<&str>) -> Value {
    json!({ "token_type": "Bearer", "scope": ARM, "expires_in": 3599, "access_token": access,
        "refresh_token": refresh, "id_token": id_token })
}

pub fn refusal(error: &str, code: u32) -> Value {
    json!({ "error": error, "error_codes": [code], "error_description": format!("AADSTS{code}: words"),
        "trace_id": "trace-7", "correlation_id": "c" })
}

/// A data folder, the vault and the database in it, and an identity over them.
pub struct Bench {
    pub identity: Identity,
    pub store: Store,
    pub folder: TempDir,
}

impl Bench {
    pub async fn new(settings: EntraSettings, clock: Clock) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("test.db")).await.expect("opens");
        let identity = identity(settings, clock, &store, &folder);
        Self { identity, store, folder }
    }

    pub async fn spa(entra: &FakeEntra) -> Self {
        Self::new(entra.settings(Platform::Spa), Clock::system()).await
    }

    pub async fn signed_in(entra: &FakeEntra) -> Self {
        let bench = Self::spa(entra).await;
        bench.sign_in(entra).await;
        bench
    }

    pub async fn sign_in(&self, entra: &FakeEntra) {
        let start = self.start();
        entra.grants(&entra.claims(&start)).await;
        let finished = self.finish(start).await.expect("signs in");
        assert!(matches!(finished, Finished::SignedIn(_)));
    }

    pub fn start(&self) -> SignInStart {
        self.identity.begin_sign_in(SignInWish::default()).expect("begins")
    }

    /// The browser comes back with a code.
    pub async fn finish(&self, start: SignInStart) -> Result<Finished, SignInError> {
        let callback = coming_back(&start, &[("code", "C1")]);
        self.identity.finish_sign_in(Some(start.attempt), callback).await
    }

    pub fn tokens(&self) -> Arc<dyn TokenProvider> {
        self.identity.tokens(&ada())
    }

    /// The same data folder after a restart.
    pub fn restarted(&self, entra: &FakeEntra) -> Identity {
        identity(entra.settings(Platform::Spa), Clock::system(), &self.store, &self.folder)
    }
}

pub fn identity(settings: EntraSettings, clock: Clock, store: &Store, folder: &TempDir) -> Identity {
    let vault = Vault::open(folder.path(), None).expect("opens");
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    Identity::new(settings, http.expect("builds"), clock, store.clone(), vault)
}

pub fn ada() -> PersonId {
    PersonId { tid: TENANT.into(), oid: "oid-ada".to_owned() }
}

/// What Entra's redirect brings back, with the state of the sign-in.
pub fn coming_back(start: &SignInStart, pairs: &[(&str, &str)]) -> Callback {
    let mut pairs: HashMap<&str, &str> = pairs.iter().copied().collect();
    let state = query(&start.authorize_url)["state"].clone();
    pairs.insert("state", &state);
    serde_json::from_value(json!(pairs)).expect("a query")
}

pub fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The fields of a posted form.
pub fn form(request: &Request) -> HashMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

pub fn signed_in(finished: Finished) -> SignedIn {
    match finished {
        Finished::SignedIn(signed_in) => signed_in,
        Finished::Again(_) => panic!("asked again"),
    }
}

pub fn exposed(token: Result<secrecy::SecretString, crate::azure::tokens::TokenError>) -> String {
    token.expect("a token").expose_secret().to_owned()
}
