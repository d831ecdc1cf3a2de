//! What a sandbox can be told before it starts. The points where Azure's documentation leaves room are options too, so
//! that a client can be shown right under every reading.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;

use super::clock::SandboxClock;
use super::entra::ResourceKind;
use super::world::World;

/// The application id that the sandbox takes for registered when the options name none. Any other GUID works as well.
pub const DEFAULT_CLIENT_ID: &str = "0a4f1f5c-7d1e-4b62-9d58-51c6b0a5e7c1";

/// How the sandbox is set up. `SandboxOptions::default()` is a good start.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// How many sandbox seconds pass in a real one.
    pub speed: u32,
    /// The moment at which sandbox time and real time were the same. A saved world that is loaded brings its own, which
    /// `Shared::clock().anchor()` tells.
    pub anchor: OffsetDateTime,
    /// Where the CONNECT proxy listens; port 0 picks a free one.
    pub listen_proxy: SocketAddr,
    /// Where the sign-in and truth pages listen, shown as `http://localhost:PORT`.
    pub listen_sign_in: SocketAddr,
    /// Keeps the certificate authority (`ca.pem`) and, with `keep_state`, the state of the world.
    pub dir: PathBuf,
    /// Save the world, and load it again at the next start.
    pub keep_state: bool,
    /// What every call takes at least, in sandbox time.
    pub latency: Duration,
    /// What DPS does when the hub already has the device with other keys (undocumented).
    pub identity_conflict: IdentityConflict,
    /// How a bulk registry call counts against the hub's throttle (undocumented).
    pub bulk_metering: BulkMetering,
    /// Page size of IoT Central collections (undocumented for 2022-07-31; previews say 25).
    pub central_page_size: usize,
    /// Page size of ARM lists. Small, so that a client that reads one page only is found out.
    pub arm_page_size: usize,
    /// Lists and Resource Graph leave out the hubs linked to a DPS; the single GET always has them.
    pub lists_omit_linked_hubs: bool,
    /// DPS keeps accepting only the key that a registration record was first made with (reported, undocumented).
    pub sticky_keys: bool,
    /// By how much the index behind a hub's queries lags behind the twins, in sandbox time: a second or two as a rule, minutes
    /// at times.
    pub query_lag: Duration,
    /// In which of the known bodies a hub tells that a twin call failed.
    pub twin_errors: ErrorShape,
    /// A device whose enrollment is disabled gets a registration with status `disabled`, instead of being refused
    /// (undocumented).
    pub disabled_enrollments_register: bool,
    /// DPS refuses the etag of a GET sent back without quotes in `If-Match` (reported, undocumented).
    pub plain_etags_refused: bool,
    /// Members of an IoT Central device group are listed with nothing but their ids (undocumented).
    pub group_members_have_ids_only: bool,
    /// The history of a command has every invocation; otherwise only the last one.
    pub history_is_whole: bool,
    /// Invocations that the device did not answer in time are in it (undocumented).
    pub history_shows_timeouts: bool,
    /// Invocations by jobs are in it (undocumented).
    pub history_shows_jobs: bool,
    /// Writing properties of a device is answered with 202 rather than 200; both are documented.
    pub property_writes_are_accepted: bool,
    /// An individual X.509 attestation may be given by its thumbprint alone (undocumented).
    pub thumbprints_attest: bool,
    /// A PUT of an enrollment group of IoT Central whose id exists replaces the group, rather than being refused with 409
    /// unless the caller names its etag (undocumented).
    pub existing_groups_are_replaced: bool,
    /// Two enrollment groups of an IoT Central application may have a key in common, rather than the second being refused
    /// with 409 (undocumented).
    pub groups_may_share_keys: bool,
    /// What IoT Central does with a field that it does not know beside the keys of an attestation (undocumented).
    pub foreign_key_fields: ForeignFields,
    /// The credentials of a simulated device lack the ID scope (undocumented).
    pub simulated_devices_lack_id_scope: bool,
    /// What IoT Central does with a job when five are at work (undocumented).
    pub sixth_job: SixthJob,
    /// Destinations of data exports are listed with their secrets, which the documentation shows masked.
    pub destinations_show_secrets: bool,
    /// The only registered application; `None` accepts every GUID.
    pub client_id: Option<String>,
    /// The secret of a registration with platform *Web*; `None` accepts any secret that is not empty.
    pub client_secret: Option<String>,
    /// The registration's redirect URIs.
    pub redirect_uris: Vec<(String, Platform)>,
    /// The resources listed in the registration's permissions.
    pub registered_resources: Vec<ResourceKind>,
    /// What the token endpoint makes of scopes of several resources (documentation and practice differ).
    pub several_resources: SeveralResources,
    /// Resources send claims challenges to clients too that did not declare that they handle them.
    pub challenge_all_clients: bool,
    /// What exists at the start; `None` is the default fleet.
    pub world: Option<World>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            speed: 1,
            anchor: SandboxClock::real_now(),
            listen_proxy: loopback,
            listen_sign_in: loopback,
            dir: std::env::temp_dir().join(format!("azure-sandbox-{}", uuid::Uuid::new_v4().simple())),
            keep_state: false,
            latency: Duration::from_millis(40),
            identity_conflict: IdentityConflict::Overwrite,
            bulk_metering: BulkMetering::PerDevice,
            central_page_size: 25,
            arm_page_size: 2,
            lists_omit_linked_hubs: true,
            sticky_keys: false,
            query_lag: Duration::from_millis(1400),
            twin_errors: ErrorShape::Message,
            disabled_enrollments_register: false,
            plain_etags_refused: false,
            group_members_have_ids_only: false,
            history_is_whole: false,
            history_shows_timeouts: true,
            history_shows_jobs: true,
            property_writes_are_accepted: false,
            thumbprints_attest: false,
            existing_groups_are_replaced: false,
            groups_may_share_keys: false,
            foreign_key_fields: ForeignFields::Refused,
            simulated_devices_lack_id_scope: false,
            sixth_job: SixthJob::Pending,
            destinations_show_secrets: false,
            client_id: None,
            client_secret: None,
            redirect_uris: vec![("http://localhost:3000".to_owned(), Platform::Spa)],
            registered_resources: vec![ResourceKind::Arm, ResourceKind::Central, ResourceKind::Graph],
            several_resources: SeveralResources::RefusedWithCodes,
            challenge_all_clients: false,
            world: None,
        }
    }
}

/// What DPS does when it meets an existing hub identity with other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityConflict {
    /// It replaces the keys by those of the enrollment.
    Overwrite,
    /// It leaves the identity alone; the device then cannot connect.
    Keep,
}

/// What becomes of a field that the service does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignFields {
    /// The call is refused with 400.
    Refused,
    /// It is left out.
    Ignored,
    /// An enrollment group keeps it and shows it again; elsewhere it is left out.
    Echoed,
}

/// What becomes of a job that is made, or resumed, while as many are at work as IoT Central runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SixthJob {
    /// It is pending until one of them ends.
    Pending,
    /// It is refused with 409, in words that do not tell why.
    Conflict,
    /// It is refused with 429, in words that do.
    TooManyRequests,
}

/// How a bulk call is counted by the registry throttle of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMetering {
    /// Every device in it counts.
    PerDevice,
    /// The call counts once.
    PerCall,
}

/// What the token endpoint makes of scopes of several resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeveralResources {
    /// The token is for the first one named.
    First,
    /// So it is when a refresh token is redeemed; with a code they are refused (AADSTS700022).
    RefusedWithCodes,
    /// They are always refused.
    Refused,
}

/// The bodies that error answers of a hub come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    /// `{"Message": "ErrorCode:X;…", "ExceptionMessage": "Tracking ID:…"}`.
    Message,
    /// `{"Message": "{json}", "ExceptionMessage": ""}`.
    Nested,
    /// `{"errorCode": 404001, "message": "…"}`.
    Flat,
}

/// The platform of a redirect URI in the app registration (`replyUrlsWithType[].type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Platform {
    /// Single-page application: PKCE and `Origin` required, no secret.
    Spa,
    /// Mobile and desktop (`InstalledClient`): public client, no `Origin`.
    Desktop,
    /// Web: confidential client, secret required, no `Origin`.
    Web,
}

/// What can be flipped while the sandbox runs.
#[derive(Debug, Clone, Copy)]
pub struct Switches {
    /// See [`SandboxOptions::identity_conflict`].
    pub identity_conflict: IdentityConflict,
    /// See [`SandboxOptions::bulk_metering`].
    pub bulk_metering: BulkMetering,
    /// See [`SandboxOptions::sticky_keys`].
    pub sticky_keys: bool,
    /// See [`SandboxOptions::query_lag`].
    pub query_lag: Duration,
    /// See [`SandboxOptions::twin_errors`].
    pub twin_errors: ErrorShape,
    /// See [`SandboxOptions::disabled_enrollments_register`].
    pub disabled_enrollments_register: bool,
    /// See [`SandboxOptions::plain_etags_refused`].
    pub plain_etags_refused: bool,
    /// See [`SandboxOptions::group_members_have_ids_only`].
    pub group_members_have_ids_only: bool,
    /// See [`SandboxOptions::lists_omit_linked_hubs`].
    pub lists_omit_linked_hubs: bool,
    /// See [`SandboxOptions::several_resources`].
    pub several_resources: SeveralResources,
    /// See [`SandboxOptions::challenge_all_clients`].
    pub challenge_all_clients: bool,
    /// See [`SandboxOptions::history_is_whole`].
    pub history_is_whole: bool,
    /// See [`SandboxOptions::history_shows_timeouts`].
    pub history_shows_timeouts: bool,
    /// See [`SandboxOptions::history_shows_jobs`].
    pub history_shows_jobs: bool,
    /// See [`SandboxOptions::property_writes_are_accepted`].
    pub property_writes_are_accepted: bool,
    /// See [`SandboxOptions::thumbprints_attest`].
    pub thumbprints_attest: bool,
    /// See [`SandboxOptions::existing_groups_are_replaced`].
    pub existing_groups_are_replaced: bool,
    /// See [`SandboxOptions::groups_may_share_keys`].
    pub groups_may_share_keys: bool,
    /// See [`SandboxOptions::foreign_key_fields`].
    pub foreign_key_fields: ForeignFields,
    /// See [`SandboxOptions::simulated_devices_lack_id_scope`].
    pub simulated_devices_lack_id_scope: bool,
    /// See [`SandboxOptions::sixth_job`].
    pub sixth_job: SixthJob,
    /// See [`SandboxOptions::destinations_show_secrets`].
    pub destinations_show_secrets: bool,
}

impl From<&SandboxOptions> for Switches {
    fn from(options: &SandboxOptions) -> Self {
        Self {
            identity_conflict: options.identity_conflict,
            bulk_metering: options.bulk_metering,
            sticky_keys: options.sticky_keys,
            query_lag: options.query_lag,
            twin_errors: options.twin_errors,
            disabled_enrollments_register: options.disabled_enrollments_register,
            plain_etags_refused: options.plain_etags_refused,
            group_members_have_ids_only: options.group_members_have_ids_only,
            lists_omit_linked_hubs: options.lists_omit_linked_hubs,
            several_resources: options.several_resources,
            challenge_all_clients: options.challenge_all_clients,
            history_is_whole: options.history_is_whole,
            history_shows_timeouts: options.history_shows_timeouts,
            history_shows_jobs: options.history_shows_jobs,
            property_writes_are_accepted: options.property_writes_are_accepted,
            thumbprints_attest: options.thumbprints_attest,
            existing_groups_are_replaced: options.existing_groups_are_replaced,
            groups_may_share_keys: options.groups_may_share_keys,
            foreign_key_fields: options.foreign_key_fields,
            simulated_devices_lack_id_scope: options.simulated_devices_lack_id_scope,
            sixth_job: options.sixth_job,
            destinations_show_secrets: options.destinations_show_secrets,
        }
    }
}
