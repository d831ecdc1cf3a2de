//! The one place that puts the rooms together.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use url::Url;

use super::data_dir::DataDir;
use super::error::StartError;
use super::housekeeping::Housekeeping;
use super::people::{Sealed, SignedInPeople};
use super::sandbox_clock::Pace;
use crate::azure::{Azure, Cloud, HttpOptions, ProxyChoice};
use crate::clock::Clock;
use crate::config::{AzureChoice, CloudName, EntraRegistration, Settings};
use crate::engine::Engine;
use crate::engine::counting::Counting;
use crate::identity::{EntraSettings, Identity, Platform, RedirectUri, Vault, session_layer};
use crate::sandbox::Sandbox;
use crate::sandbox::options::{DEFAULT_CLIENT_ID, Platform as SandboxPlatform, SandboxOptions};
use crate::store::Store;
use crate::web::new::Surveyor;
use crate::web::site::{SandboxLinks, Site};
use crate::web::state::Web;
use crate::web::{VERSION, router};

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Program {
    router: Router,
    running: Option<Running>,
    sandbox: Option<(Sandbox, SandboxLinks)>,
}

/// What has to be ended.
#[derive(Debug)]
struct Running {
    store: Store,
    engine: Engine,
    housekeeping: Housekeeping,
}

/// What differs between a real Azure and the sandbox.
struct Surroundings {
    cloud: Cloud,
    cloud_words: &'static str,
    clock: Clock,
    http: HttpOptions,
    client_id: String,
    tenant: String,
    redirect_uri: RedirectUri,
    platform: Platform,
}

impl Program {
    /// Puts the program together for the port it listens on, and starts what runs in the background.
    pub(super) async fn compose(settings: Settings, home: &DataDir, port: u16) -> Result<Self, StartError> {
        let Settings { azure, ca_pem, vault_key, test_clock, .. } = settings;
        let (surroundings, sandbox) = match azure {
            AzureChoice::Unconfigured => return Ok(Self::unconfigured(port)),
            AzureChoice::Entra(registration) => (real(registration, ca_pem, test_clock), None),
            AzureChoice::Sandbox { speed } => {
                let (sandbox, surroundings) = simulated(home, port, speed, test_clock).await?;
                (surroundings, Some(sandbox))
            }
        };
        let vault = Vault::open(home.path(), vault_key)?;
        let file = home.path().join("migrator.db");
        let store = Store::open(&file).await.map_err(|cause| StartError::Store { file, cause })?;
        let links = sandbox.as_ref().map(links);
        let site = Site {
            port,
            cloud: surroundings.cloud_words,
            sign_in_origin: Some(surroundings.cloud.authorize.origin().ascii_serialization()),
            sandbox: links.clone(),
        };
        let clock = surroundings.clock;
        let (azure, identity) = surroundings.clients(&store, &vault)?;
        let housekeeping = Housekeeping::begin(identity.clone(), clock);
        let people = Arc::new(SignedInPeople(identity.clone()));
        let engine = Engine::new(store.clone(), azure.clone(), people, Arc::new(Sealed(vault.clone())), clock);
        engine.begin();
        let sessions = session_layer(store.clone(), vault, clock, port);
        let counting = Counting::new(azure.clone());
        let web = Web {
            site: Arc::new(site),
            identity,
            surveyor: Arc::new(Surveyor::new(azure.clone(), counting.clone())),
            azure,
            engine: engine.clone(),
            counting,
            store: store.clone(),
            clock,
        };
        Ok(Self {
            router: router::configured(web, sessions),
            running: Some(Running { store, engine, housekeeping }),
            sandbox: sandbox.zip(links),
        })
    }

    fn unconfigured(port: u16) -> Self {
        let site = Site { port, cloud: "not configured", sign_in_origin: None, sandbox: None };
        Self { router: router::unconfigured(Arc::new(site)), running: None, sandbox: None }
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    /// What whoever started the program should know: how to reach the sandbox, if there is one.
    pub(super) fn announcement(&self) -> String {
        let Some((sandbox, links)) = &self.sandbox else { return String::new() };
        format!(
            "Sandbox: a simulated Azure; no real device is touched.\n  sign-in page  {}\n  truth page    {}\n  proxy         {}\n  \
             CA file       {}\n  Other clients work against it with HTTPS_PROXY set to the proxy and the CA file trusted.",
            sandbox.sign_in_base(),
            links.truth,
            links.proxy,
            links.ca_file.display()
        )
    }

    /// Ends what runs in the background, the database last.
    pub(super) async fn end(self) {
        if let Some(Running { store, engine, housekeeping }) = self.running {
            engine.stop().await;
            housekeeping.end().await;
            store.close().await;
        }
        if let Some((sandbox, _)) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

impl Surroundings {
    fn clients(self, store: &Store, vault: &Vault) -> Result<(Azure, Identity), StartError> {
        let settings = EntraSettings {
            client_id: self.client_id,
            tenant: self.tenant,
            redirect_uri: self.redirect_uri,
            platform: self.platform,
            login: self.cloud.login.clone(),
            authorize: self.cloud.authorize.clone(),
            arm_scope: self.cloud.arm_resource.to_owned(),
            central_scope: self.cloud.central_resource.to_owned(),
        };
        let azure = Azure::new(self.cloud, self.clock, self.http).context("The way to Azure cannot be set up")?;
        let identity = Identity::new(settings, azure.http().clone(), self.clock, store.clone(), vault.clone());
        Ok((azure, identity))
    }
}

fn user_agent() -> String {
    format!("iotc-migrator/{VERSION}")
}

fn real(registration: EntraRegistration, ca_pem: Option<Vec<u8>>, test_clock: Option<Clock>) -> Surroundings {
    let (cloud, cloud_words) = match registration.cloud {
        CloudName::Public => (Cloud::public(), "The public cloud"),
        CloudName::UsGovernment => (Cloud::us_government(), "Azure Government"),
        CloudName::China => (Cloud::china(), "Azure operated by 21Vianet"),
    };
    Surroundings {
        cloud,
        cloud_words,
        clock: test_clock.unwrap_or_else(Clock::system),
        http: HttpOptions { proxy: ProxyChoice::System, ca_pem, user_agent: user_agent() },
        client_id: registration.client_id,
        tenant: registration.tenant,
        redirect_uri: registration.redirect_uri,
        platform: registration.platform,
    }
}

/// Starts the sandbox, and surrounds the program with it: Azure's names through its proxy, its sign-in page on localhost.
async fn simulated(
    home: &DataDir,
    port: u16,
    speed: u32,
    test_clock: Option<Clock>,
) -> Result<(Sandbox, Surroundings), StartError> {
    let pace = Pace::of_run(home.path(), speed)?;
    let redirect_uri = format!("http://localhost:{port}");
    let options = SandboxOptions {
        speed: pace.speed,
        anchor: pace.anchor(),
        dir: home.path().to_owned(),
        keep_state: true,
        redirect_uris: vec![(redirect_uri.clone(), SandboxPlatform::Spa)],
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.context("The sandbox cannot start")?;
    let authorize = Url::parse(&sandbox.sign_in_base()).context("The sandbox's sign-in page has no address")?;
    let surroundings = Surroundings {
        cloud: Cloud { authorize, ..Cloud::public() },
        cloud_words: "The sandbox, a simulated Azure",
        clock: test_clock.unwrap_or_else(|| pace.clock()),
        http: HttpOptions {
            proxy: ProxyChoice::Fixed { proxy_url: sandbox.proxy_url() },
            ca_pem: Some(sandbox.ca_pem().as_bytes().to_vec()),
            user_agent: user_agent(),
        },
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        tenant: "organizations".to_owned(),
        redirect_uri: RedirectUri::parse(&redirect_uri).context("The redirect URI is no URL")?,
        platform: Platform::Spa,
    };
    Ok((sandbox, surroundings))
}

fn links(sandbox: &Sandbox) -> SandboxLinks {
    SandboxLinks {
        truth: format!("{}/truth", sandbox.sign_in_base()),
        proxy: sandbox.proxy_url(),
        ca_file: sandbox.ca_file().to_owned(),
    }
}
