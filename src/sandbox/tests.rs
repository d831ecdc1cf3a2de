//! The running sandbox as unmodified clients meet it: through the proxy, with its authority trusted.

mod arm;
mod certificates;
mod data_roles;
mod grants;
mod methods;
mod sign_in;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, Proxy, StatusCode};
use serde_json::Value;

use super::options::{DEFAULT_CLIENT_ID, SandboxOptions};
use super::world::{App, Dps, Hub, Person, Policy, Resource, Subscription, Tenant, World};
use super::{Sandbox, Shared};

const HOME: &str = "2c8a0000-0000-4000-8000-000000000001";
const OTHER: &str = "2c8a0000-0000-4000-8000-000000000002";
const ADA: &str = "5f0c0000-0000-4000-8000-00000000000a";
const BOB: &str = "5f0c0000-0000-4000-8000-00000000000b";
const SUBSCRIPTION: &str = "11110000-0000-4000-8000-000000000001";
const REDIRECT: &str = "http://localhost:3000";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const FIRST_SCOPE: &str = "openid profile offline_access https://management.azure.com/user_impersonation \
                           https://apps.azureiotcentral.com/user_impersonation";
const ARM_SCOPE: &str = "https://management.azure.com/user_impersonation offline_access";
const CENTRAL_SCOPE: &str = "https://apps.azureiotcentral.com/user_impersonation";

/// A running sandbox and a client of it.
struct Rig {
    sandbox: Sandbox,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Rig {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = SandboxOptions {
            dir: dir.path().to_owned(),
            latency: Duration::ZERO,
            world: Some(small_world()),
            ..SandboxOptions::default()
        };
        change(&mut options);
        let sandbox = Sandbox::start(options).await.unwrap();
        Self { client: client(&sandbox), sandbox, _dir: dir }
    }

    fn shared(&self) -> Shared {
        self.sandbox.shared()
    }

    /// Signs in on the page as a browser would and returns what comes back in the redirect.
    async fn sign_in(&self, tenant: &str, oid: &str, extra: &[(&str, &str)]) -> BTreeMap<String, String> {
        let location = self.answer_page(tenant, extra, &[("person", oid)]).await;
        url::Url::parse(&location).unwrap().query_pairs().into_owned().collect()
    }

    /// Posts the sign-in page's form and returns the `Location` of the answer.
    async fn answer_page(&self, tenant: &str, extra: &[(&str, &str)], form: &[(&str, &str)]) -> String {
        let url = authorize_url(&self.sandbox, tenant, extra);
        assert_eq!(self.client.get(url.clone()).send().await.unwrap().status(), StatusCode::OK);
        let answer = self.client.post(url).form(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn code(&self, tenant: &str, oid: &str) -> String {
        self.sign_in(tenant, oid, &[]).await.remove("code").unwrap()
    }

    async fn redeem(&self, tenant: &str, code: &str) -> Tokens {
        self.token(tenant, &redemption(code), true).await
    }

    async fn refresh(&self, tenant: &str, token: &str, scope: &str) -> Tokens {
        let fields = [
            ("client_id", DEFAULT_CLIENT_ID),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        self.token(tenant, &fields, true).await
    }

    async fn token(&self, tenant: &str, fields: &[(&str, &str)], origin: bool) -> Tokens {
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        let mut request = self.client.post(url).form(fields);
        if origin {
            request = request.header("Origin", REDIRECT);
        }
        let answer = request.send().await.unwrap();
        Tokens { status: answer.status(), body: answer.json().await.unwrap() }
    }

    /// An ARM token of a person, without the sign-in.
    fn arm_token(&self, oid: &str, tid: &str) -> String {
        use super::entra::tokens::{Audience, issue_access};
        issue_access(&self.shared(), oid, tid, Audience::Arm)
    }
}

/// An answer of the token endpoint.
struct Tokens {
    status: StatusCode,
    body: Value,
}

impl Tokens {
    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    /// The first of `error_codes`; 0 for a success.
    fn code(&self) -> u64 {
        self.body["error_codes"][0].as_u64().unwrap_or(0)
    }
}

fn client(sandbox: &Sandbox) -> Client {
    Client::builder()
        .proxy(Proxy::https(sandbox.proxy_url()).unwrap())
        .tls_certs_only([reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap()])
        .redirect(Redirects::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

fn authorize_url(sandbox: &Sandbox, tenant: &str, extra: &[(&str, &str)]) -> url::Url {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let mut parameters = BTreeMap::from([
        ("client_id", DEFAULT_CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", FIRST_SCOPE),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    parameters.extend(extra.iter().copied());
    let base = format!("{}/{tenant}/oauth2/v2.0/authorize", sandbox.sign_in_base());
    url::Url::parse_with_params(&base, parameters).unwrap()
}

fn redemption(code: &str) -> [(&str, &str); 6] {
    [
        ("client_id", DEFAULT_CLIENT_ID),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("scope", ARM_SCOPE),
    ]
}

fn small_world() -> World {
    let tenant = |id: &str, name: &str, knows_iot_central| Tenant {
        id: id.to_owned(),
        display_name: name.to_owned(),
        default_domain: format!("{}.example", name.to_lowercase()),
        knows_iot_central,
    };
    let person = |oid: &str, name: &str, members: &[&str], roles: &[(&str, &str)]| Person {
        oid: oid.to_owned(),
        tid: HOME.to_owned(),
        name: name.to_owned(),
        username: format!("{}@contoso.example", name.to_lowercase()),
        member_of: members.iter().map(|&member| member.to_owned()).collect(),
        azure_roles: roles.iter().map(|(at, role)| ((*at).to_owned(), (*role).to_owned())).collect(),
        note: String::new(),
    };
    let subscription = |id: &str, tenant: &str| Subscription {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        display_name: "IoT".to_owned(),
        state: "Enabled".to_owned(),
    };
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let other = "22220000-0000-4000-8000-000000000002";
    let mut world = World::default();
    for one in [tenant(HOME, "Contoso", true), tenant(OTHER, "Fabrikam", false)] {
        world.tenants.insert(one.id.clone(), one);
    }
    for one in [
        person(ADA, "Ada", &[HOME, OTHER], &[(&scope, "Owner"), (&format!("/subscriptions/{other}"), "Reader")]),
        person(BOB, "Bob", &[HOME], &[(&scope, "Reader")]),
    ] {
        world.people.insert(one.oid.clone(), one);
    }
    for one in [subscription(SUBSCRIPTION, HOME), subscription(other, OTHER)] {
        world.subscriptions.insert(one.id.clone(), one);
    }
    world.apps.insert("contoso-fleet".to_owned(), app());
    world.dps.insert("contoso-dps".to_owned(), dps());
    for number in 1..=3 {
        let hub = hub(&format!("contoso-hub-{number}"));
        world.hubs.insert(hub.host.clone(), hub);
    }
    world
}

fn resource(name: &str) -> Resource {
    Resource {
        subscription: SUBSCRIPTION.to_owned(),
        resource_group: "IoT".to_owned(),
        name: name.to_owned(),
        location: "westeurope".to_owned(),
    }
}

fn policy(name: &str, rights: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        primary: "cA==".to_owned(),
        secondary: "cw==".to_owned(),
        rights: rights.to_owned(),
    }
}

fn app() -> App {
    App {
        resource: resource("contoso-fleet"),
        application_id: "6f3c0000-0000-4000-8000-000000000001".to_owned(),
        display_name: "Contoso fleet".to_owned(),
        subdomain: "contoso-fleet".to_owned(),
        state: "created".to_owned(),
        tenant: HOME.to_owned(),
        id_scope: "0ne00AAAAAA".to_owned(),
        roles: BTreeMap::from([(ADA.to_owned(), "admin".to_owned())]),
        templates: Vec::new(),
        groups: BTreeMap::new(),
        devices: BTreeMap::new(),
        enrollment_groups: BTreeMap::new(),
        jobs: BTreeMap::new(),
        registrations: BTreeMap::new(),
        auto_approve: true,
        configuration: crate::sandbox::central::configuration::Configuration::default(),
    }
}

fn dps() -> Dps {
    Dps {
        resource: resource("contoso-dps"),
        id_scope: "0ne00ABCDEF".to_owned(),
        service_host: "contoso-dps.azure-devices-provisioning.net".to_owned(),
        state: "Active".to_owned(),
        allocation_policy: "Hashed".to_owned(),
        linked_hubs: vec!["contoso-hub-1.azure-devices.net".to_owned()],
        policies: vec![policy("provisioningserviceowner", "ServiceConfig, EnrollmentWrite")],
        groups: BTreeMap::new(),
        enrollments: BTreeMap::new(),
        registrations: BTreeMap::new(),
        certificates: BTreeMap::new(),
    }
}

fn hub(name: &str) -> Hub {
    Hub {
        resource: resource(name),
        host: format!("{name}.azure-devices.net"),
        sku: "S1".to_owned(),
        units: 1,
        state: "Active".to_owned(),
        policies: vec![
            policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
            policy("service", "ServiceConnect"),
        ],
        disable_local_auth: false,
        identities: BTreeMap::new(),
        configurations: BTreeMap::new(),
        jobs: BTreeMap::new(),
    }
}
