//! The truth page: where each physical device really is, whatever the services and the migrator believe.
//!
//! Served on the sandbox's own address, readable without JavaScript, and as `/truth.json` for tests. Its forms switch
//! devices on and off, mend their firmware, and flip the behaviours that Azure leaves undocumented.

mod story;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::macros::format_description;

use super::device::{self, Device, Kind, Place};
use super::log::Call;
use super::options::{IdentityConflict, Switches};
use super::state::Shared;

/// Rows shown on one page; the filter finds the others.
const ROWS: usize = 500;
/// Calls shown.
const CALLS: usize = 50;

/// `/`, `/truth` and `/truth.json`.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/truth") }))
        .route("/truth", get(page).post(act))
        .route("/truth.json", get(all))
        .with_state(shared)
}

#[derive(Debug, Default, Deserialize)]
struct Filter {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "sandbox/truth.html")]
struct Page {
    now: String,
    speed: u32,
    program: String,
    q: String,
    places: Vec<(String, usize)>,
    total: usize,
    matching: usize,
    rows: Vec<Row>,
    keeps_identities: bool,
    sticky_keys: bool,
    calls: Vec<CallRow>,
}

struct Row {
    id: String,
    kind: String,
    place: String,
    online: bool,
    /// Its firmware does not obey as it should, and can be mended.
    faulty: bool,
    log: Vec<String>,
}

struct CallRow {
    seq: u64,
    at: String,
    call: String,
    status: String,
    effects: String,
}

async fn page(State(shared): State<Shared>, Query(filter): Query<Filter>) -> Response {
    let needle = filter.q.to_lowercase();
    let (places, total, matching, rows) = shared.look(|world| {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for device in world.devices.values() {
            *places.entry(device.whereabouts()).or_default() += 1;
        }
        let found: Vec<&Device> = world
            .devices
            .values()
            .filter(|device| {
                device.id.to_lowercase().contains(&needle) || device.whereabouts().to_lowercase().contains(&needle)
            })
            .collect();
        let rows: Vec<Row> = found.iter().take(ROWS).map(|device| row(device)).collect();
        (places.into_iter().collect(), world.devices.len(), found.len(), rows)
    });
    let switches = shared.switches();
    let page = Page {
        now: now(&shared),
        speed: shared.clock().speed(),
        program: shared.options().redirect_uris.first().map(|(uri, _)| uri.clone()).unwrap_or_default(),
        q: filter.q,
        places,
        total,
        matching,
        rows,
        keeps_identities: switches.identity_conflict == IdentityConflict::Keep,
        sticky_keys: switches.sticky_keys,
        calls: shared.log().recent(CALLS).into_iter().map(call_row).collect(),
    };
    match page.render() {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the truth page did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The sandbox's time, to the second.
fn now(shared: &Shared) -> String {
    let now = shared.clock().now();
    now.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC"))
        .unwrap_or_else(|_| now.to_string())
}

fn row(device: &Device) -> Row {
    Row {
        id: device.id.clone(),
        kind: format!("{:?}", device.kind),
        place: device.whereabouts(),
        online: device.online,
        faulty: device.kind.is_faulty(),
        log: device.log.iter().map(story::line).collect(),
    }
}

fn call_row(call: Call) -> CallRow {
    let effects: Vec<String> =
        call.effects.iter().map(|effect| format!("{} {}", effect.kind, effect.subject)).collect();
    CallRow {
        seq: call.seq,
        at: call
            .at
            .format(format_description!("[hour]:[minute]:[second].[subsecond digits:3]"))
            .unwrap_or_else(|_| call.at.to_string()),
        call: format!("{} {}{}", call.method, call.host, call.path),
        status: if call.status == 0 { "no answer".to_owned() } else { call.status.to_string() },
        effects: effects.join(", "),
    }
}

/// Everything about the devices, and how much was called.
async fn all(State(shared): State<Shared>) -> Json<Value> {
    let devices: Vec<Value> = shared.look(|world| {
        world
            .devices
            .values()
            .map(|device| {
                json!({
                    "id": device.id, "kind": device.kind, "place": device.place, "online": device.online,
                    "whereabouts": device.whereabouts(), "log": device.log,
                })
            })
            .collect()
    });
    let now = shared.clock().now().unix_timestamp();
    let refused = shared.log().refused_connects();
    Json(json!({ "now": now, "devices": devices, "calls": shared.log().last(), "refusedConnects": refused }))
}

/// What a form of the page asks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
enum Action {
    Online { device: String },
    Offline { device: String },
    Mend { device: String },
    OverwriteIdentities,
    KeepIdentities,
    StickyKeys,
    FreshKeys,
}

async fn act(State(shared): State<Shared>, headers: HeaderMap, Form(action): Form<Action>) -> Response {
    // The Host header has been checked already; a page of another site shows itself by its origin.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| origin != format!("http://{host}")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let flip = |change: fn(&mut Switches)| shared.flip(change);
    match action {
        Action::Online { device } => return switch(&shared, &device, true),
        Action::Offline { device } => return switch(&shared, &device, false),
        Action::Mend { device } => return mend(&shared, &device),
        Action::OverwriteIdentities => flip(|switches| switches.identity_conflict = IdentityConflict::Overwrite),
        Action::KeepIdentities => flip(|switches| switches.identity_conflict = IdentityConflict::Keep),
        Action::StickyKeys => flip(|switches| switches.sticky_keys = true),
        Action::FreshKeys => flip(|switches| switches.sticky_keys = false),
    }
    Redirect::to("/truth").into_response()
}

/// Somebody mends the firmware of a device; one that had left and arrived nowhere is restarted.
fn mend(shared: &Shared, device: &str) -> Response {
    let lost = shared.world(|world| {
        let device = world.devices.get_mut(device)?;
        if device.kind.is_faulty() {
            device.kind = Kind::Normal;
        }
        Some(matches!(device.place, Place::Lost { .. }))
    });
    match lost {
        None => return missing(device),
        Some(true) => drop(device::restart(shared, device)),
        Some(false) => {}
    }
    Redirect::to("/truth").into_response()
}

fn missing(device: &str) -> Response {
    (StatusCode::NOT_FOUND, format!("There is no device {device}.")).into_response()
}

fn switch(shared: &Shared, device: &str, on: bool) -> Response {
    if !shared.look(|world| world.devices.contains_key(device)) {
        return missing(device);
    }
    device::set_online(shared, device, on);
    Redirect::to("/truth").into_response()
}
