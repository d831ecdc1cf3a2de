//! A router over a database of made-up migrations, for tests of pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::get;
use tempfile::TempDir;
use time::macros::datetime;
use tower::ServiceExt;
use url::Url;

use super::new::Surveyor;
use super::router::configured;
use super::site::Site;
use super::state::Web;
use crate::azure::tokens::TokenProvider;
use crate::azure::{Azure, Cloud, HttpOptions, ProxyChoice};
use crate::clock::{Clock, Timestamp};
use crate::engine::counting::Counting;
use crate::engine::{Engine, People, Safe};
use crate::identity::{EntraSettings, Identity, Person, Platform, RedirectUri, UserSession, Vault, session_layer};
use crate::ids::{PersonId, TenantId};
use crate::migration::device::{CommandState, Stage, Via};
use crate::migration::model::{
    Actor, AppTarget, CentralSource, HubSource, HubTarget, Source, SourceDps, SourceHub, Target,
};
use crate::migration::{
    Device, Fact, FailReason, MigrationId, MigrationState, Mode, Outcome, Plan, SkipReason, WaitReason,
};
use crate::store::Store;
use crate::store::devices::{self, Found};
use crate::store::migrations::{self, NewMigration};

pub const NOW: Timestamp = datetime!(2026-11-22 14:05:00 UTC);
pub const TENANT: &str = "11111111-0000-4000-8000-000000000001";
pub const OTHER_TENANT: &str = "22222222-0000-4000-8000-000000000002";

/// Signed-in people as the engine sees them: here, nobody, because the engine of these tests never begins.
#[derive(Debug)]
struct Nobody(Identity);

#[async_trait]
impl People for Nobody {
    fn tokens(&self, person: &PersonId) -> Arc<dyn TokenProvider> {
        self.0.tokens(person)
    }

    async fn signed_in(&self) {}

    async fn signed_in_until(&self, _: &PersonId) -> Option<Timestamp> {
        None
    }
}

/// Keeps secrets as they are.
#[derive(Debug)]
struct Unsealed;

impl Safe for Unsealed {
    fn seal(&self, _: &TenantId, _: &str, secret: &[u8]) -> Option<Vec<u8>> {
        Some(secret.to_vec())
    }

    fn unseal(&self, _: &TenantId, _: &str, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        Some(sealed.to_vec().into())
    }
}

/// The program's pages over a database of their own.
pub struct Pages {
    pub store: Store,
    router: Router,
    door: Router,
    made: AtomicI64,
    _dir: TempDir,
}

/// A browser in which somebody is signed in.
pub struct Browser<'a> {
    pages: &'a Pages,
    pub cookie: String,
    pub csrf: String,
}

pub fn actor(tenant: &str, name: &str) -> Actor {
    Actor { id: PersonId { tid: TenantId::new(tenant), oid: format!("oid-{name}") }, name: name.to_owned() }
}

impl Pages {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("test.db")).await.unwrap();
        let vault = || Vault::open(dir.path(), None).unwrap();
        let login = Url::parse("https://login.example").unwrap();
        let entra = EntraSettings {
            client_id: "client".into(),
            tenant: "common".into(),
            redirect_uri: RedirectUri::parse("http://localhost:3000").unwrap(),
            platform: Platform::Spa,
            login: login.clone(),
            authorize: login,
            arm_scope: "arm".into(),
            central_scope: "central".into(),
        };
        // It is five past two when a test begins, so that words on what is to come are known.
        let clock = Clock::system();
        let clock = clock.wrong_by(NOW - clock.now());
        let options = HttpOptions { proxy: ProxyChoice::None, ca_pem: None, user_agent: "test".into() };
        let azure = Azure::new(Cloud::public(), clock, options).unwrap();
        let identity = Identity::new(entra, azure.http().clone(), clock, store.clone(), vault());
        let people = Arc::new(Nobody(identity.clone()));
        let counting = Counting::new(azure.clone());
        let web = Web {
            site: Arc::new(Site {
                port: 3000,
                cloud: "public",
                sign_in_origin: Some("https://login.example".into()),
                sandbox: None,
            }),
            identity,
            engine: Engine::new(store.clone(), azure.clone(), people, Arc::new(Unsealed), clock),
            surveyor: Arc::new(Surveyor::new(azure.clone(), counting.clone())),
            counting,
            store: store.clone(),
            clock,
            azure,
        };
        let sessions = || session_layer(store.clone(), vault(), clock, 3000);
        let enter = async |Path((tid, oid)): Path<(String, String)>, session: UserSession| {
            session.sign_in(&PersonId { tid: tid.into(), oid }).await.unwrap();
            session.csrf_token().await.unwrap()
        };
        let door = Router::new().route("/enter/{tid}/{oid}", get(enter)).layer(sessions());
        let router = configured(web, sessions());
        Self { store, router, door, made: AtomicI64::new(0), _dir: dir }
    }

    pub async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Signs somebody in.
    pub async fn browser(&self, tenant: &str, name: &str) -> Browser<'_> {
        let actor = actor(tenant, name);
        let person = Person {
            id: actor.id.clone(),
            name: name.to_owned(),
            username: format!("{name}@contoso.example"),
            home_tenant: None,
            login_hint: None,
        };
        self.store.upsert_person(&person, NOW).await.unwrap();
        let request = Request::get(format!("/enter/{tenant}/{}", actor.id.oid)).body(Body::empty()).unwrap();
        let response = self.door.clone().oneshot(request).await.unwrap();
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Browser { pages: self, cookie, csrf: text(response).await }
    }

    /// A draft of `name` in `tenant`, a second younger than the one before.
    pub async fn draft(&self, tenant: &str, name: &str) -> MigrationId {
        self.made(tenant, name, Mode::CentralToHub, plan()).await
    }

    pub async fn made(&self, tenant: &str, name: &str, mode: Mode, plan: Plan) -> MigrationId {
        let new = NewMigration {
            request_key: format!("{tenant}/{name}"),
            name: name.into(),
            mode,
            plan,
            by: actor(tenant, "Adele"),
        };
        let at = NOW + time::Duration::seconds(self.made.fetch_add(1, Ordering::Relaxed));
        let mut tx = self.store.begin_write().await.unwrap();
        let id = migrations::insert_once(&mut tx, &new, at).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A draft of a move out of hubs without a DPS.
    pub async fn hub_draft(&self, tenant: &str, name: &str) -> MigrationId {
        let Source::Hub(source) = hub_source() else { unreachable!("hubs") };
        let source = Source::Hub(HubSource { dps: None, ..source });
        self.made(tenant, name, Mode::HubToCentral, Plan { source, target: app_target(), ..plan() }).await
    }

    /// A started migration with a device of each outcome that a fleet shows.
    pub async fn running(&self, tenant: &str, name: &str) -> MigrationId {
        let id = self.draft(tenant, name).await;
        let mut tx = self.store.begin_write().await.unwrap();
        assert!(migrations::start(&mut tx, id, &actor(tenant, "Adele"), &[], NOW).await.unwrap());
        migrations::set_outside(&mut tx, id, 4, 2).await.unwrap();
        tx.commit().await.unwrap();
        for (device, outcome, command, furthest) in fleet() {
            self.device(id, device, outcome, command, furthest).await;
        }
        id
    }

    pub async fn device(
        &self,
        id: MigrationId,
        device: &str,
        outcome: Outcome,
        command: CommandState,
        furthest: Option<Stage>,
    ) {
        let found = Found {
            id: device.into(),
            display_name: Some(format!("Device {device}")),
            organizations: Vec::new(),
            unassigned: false,
            outcome: Outcome::Pending,
            joined_later: false,
        };
        let mut tx = self.store.begin_write().await.unwrap();
        devices::insert(&mut tx, id, "contoso", &found).await.unwrap();
        tx.commit().await.unwrap();
        let change = |row: &mut Device| {
            row.outcome = outcome;
            row.command = command;
            for stage in Stage::ALL.iter().filter(|stage| Some(**stage) <= furthest && **stage != Stage::Registered) {
                *row.facts.slot(*stage) = Some(Fact { at: NOW, evidence: format!("evidence of {}", stage.stored()) });
            }
            if command != CommandState::None {
                (row.via, row.attempts, row.deadline) = (Some(Via::Job), 1, Some(NOW + time::Duration::minutes(10)));
            }
            if let Outcome::Waiting(_) = outcome {
                (row.attempts, row.next_try_at) = (3, Some(NOW + time::Duration::minutes(5)));
            }
            if outcome == Outcome::Failed(FailReason::Refused) {
                row.detail = Some("The device answered 403: \"not now\".".into());
            }
        };
        self.store.change_device(id, &device.into(), change).await.unwrap();
    }

    pub async fn set_state(&self, id: MigrationId, state: &MigrationState) {
        let mut tx = self.store.begin_write().await.unwrap();
        migrations::set_state(&mut tx, id, state, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Response<Body> {
        self.get_having(path, None).await
    }

    /// As htmx polls, having a fragment of this tag already.
    pub async fn get_having(&self, path: &str, tag: Option<&str>) -> Response<Body> {
        let mut request =
            Request::get(path).header(header::HOST, "localhost:3000").header(header::COOKIE, &self.cookie);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag).header("hx-request", "true");
        }
        self.pages.ask(request.body(Body::empty()).unwrap()).await
    }

    /// The text of a page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        text(response).await
    }

    pub async fn post(&self, path: &str, csrf: &str) -> Response<Body> {
        self.post_body(path, format!("_csrf={csrf}")).await
    }

    /// Sends a form of one of our own pages.
    pub async fn post_fields(&self, path: &str, fields: &[(&str, &str)]) -> Response<Body> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        self.post_body(path, form.append_pair("_csrf", &self.csrf).extend_pairs(fields).finish()).await
    }

    async fn post_body(&self, path: &str, body: String) -> Response<Body> {
        let request = Request::post(path)
            .header(header::HOST, "localhost:3000")
            .header(header::ORIGIN, "http://localhost:3000")
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        self.pages.ask(request).await
    }
}

pub async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

pub fn plan() -> Plan {
    Plan {
        source: Source::App(CentralSource {
            app_id: None,
            app_name: "contoso".into(),
            app_display_name: "Contoso pumps".into(),
            subdomain: "contoso".into(),
            group: Some("group-1".into()),
            group_name: "North pumps".into(),
            template: Some("dtmi:contoso:pump;1".into()),
            template_name: "Pump".into(),
            component: Some("migration".into()),
        }),
        target: Target::Hub(HubTarget {
            dps_id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/contoso-dps"
                .into(),
            dps_name: "contoso-dps".into(),
            dps_host: "contoso-dps.azure-devices-provisioning.net".into(),
            id_scope: "0ne00AB12CD".into(),
            hub_id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/contoso-hub".into(),
            hub_name: "contoso-hub".into(),
            hub_host: "contoso-hub.azure-devices.net".into(),
            hub_sku: "S2".into(),
            hub_units: 10,
        }),
        register_on_arrival: false,
        carry_individual: false,
        tell_unassigned: false,
        carry: crate::migration::model::Carry::Few,
        waves: None,
        try_again: crate::migration::TryAgain::default(),
        canary: Some("pump-001".into()),
        arrival_minutes: 10,
    }
}

/// Two hubs and their DPS.
pub fn hub_source() -> Source {
    let hub = |name: &str| SourceHub {
        id: format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/{name}").as_str().into(),
        name: name.into(),
        host: format!("{name}.azure-devices.net").as_str().into(),
        sku: "S1".into(),
        units: 1,
    };
    Source::Hub(HubSource {
        dps: Some(SourceDps {
            id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/contoso-plant-dps"
                .into(),
            name: "contoso-plant-dps".into(),
            host: "contoso-plant-dps.azure-devices-provisioning.net".into(),
        }),
        hubs: vec![hub("contoso-plant"), hub("contoso-plant-two")],
        component: Some(HubSource::COMPONENT.into()),
        connect_seconds: HubSource::CONNECT_SECONDS,
        response_seconds: HubSource::RESPONSE_SECONDS,
    })
}

/// An application to move to.
pub fn app_target() -> Target {
    Target::App(AppTarget {
        app_id: None,
        app_name: "contoso-next".into(),
        app_display_name: "Contoso next".into(),
        subdomain: "contoso-next".into(),
        assign: None,
    })
}

type Made = (&'static str, Outcome, CommandState, Option<Stage>);

/// Three moved, two failed, two waiting, one on the way, one pending, two skipped, one there already.
fn fleet() -> [Made; 12] {
    use CommandState::{Answered, None as Untold, Refused, Unreachable};
    [
        ("pump-001", Outcome::Moved, Answered, Some(Stage::Sending)),
        ("pump-002", Outcome::Moved, Answered, Some(Stage::Connected)),
        ("pump-003", Outcome::Moved, Answered, Some(Stage::Connected)),
        ("pump-004", Outcome::Failed(FailReason::Refused), Refused, Some(Stage::Commanded)),
        ("pump-005", Outcome::Failed(FailReason::NotSeen), Answered, Some(Stage::Acknowledged)),
        ("pump-006", Outcome::Waiting(WaitReason::Offline), Unreachable, None),
        ("pump-007", Outcome::Waiting(WaitReason::Offline), Unreachable, None),
        ("pump-008", Outcome::Pending, Answered, Some(Stage::Acknowledged)),
        ("pump-009", Outcome::Pending, Untold, None),
        ("pump-010", Outcome::Skipped(SkipReason::Simulated), Untold, None),
        ("pump-011", Outcome::Skipped(SkipReason::IndividualAttestation), Untold, None),
        ("pump-012", Outcome::Skipped(SkipReason::AlreadyAtTarget), Untold, None),
    ]
}
