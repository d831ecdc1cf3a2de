//! View model of a row of the device table.

use url::form_urlencoded::byte_serialize;

use super::summary::{Badge, place_badge};
use crate::clock::Timestamp;
use crate::migration::device::{Device, Stage, Via};
use crate::migration::model::Source;
use crate::migration::sentence::capitalized;
use crate::migration::{Fact, Migration, Place};
use crate::web::moment::Moment;

/// A row.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// Element id, the same from poll to poll.
    pub anchor: String,
    /// The device's id.
    pub id: String,
    /// Its display name, where that says more than the id.
    pub display_name: Option<String>,
    /// The hub that it is in, where it can be one of several.
    pub hub: Option<String>,
    /// By what the target will let it in, or has, where that is known.
    pub let_in_by: Option<String>,
    /// It had no template in the source.
    pub unassigned: bool,
    /// A job took it along after the snapshot.
    pub joined_later: bool,
    /// The wave by which it was told, or may be.
    pub wave: Option<u32>,
    /// The furthest fact proven.
    pub stage: &'static str,
    /// Every fact, in the order of the way.
    pub facts: Vec<FactView>,
    /// What became of it.
    pub outcome: Badge,
    /// Why, with what Azure or the device had to say.
    pub why: Option<String>,
    /// What to do.
    pub remedy: Option<&'static str>,
    /// What was carried over of its name and properties, and what was not.
    pub carried: Option<String>,
    /// When a clean-up removed it from its source.
    pub removed: Option<Moment>,
    /// How often it was told or tried.
    pub attempts: u32,
    /// When it is tried again.
    pub next_try: Option<Moment>,
    /// Until when it may turn up, while it is on the way.
    pub until: Option<Moment>,
}

/// A fact of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactView {
    /// What.
    pub label: &'static str,
    /// When, if it is proven.
    pub at: Option<Moment>,
    /// What proves it, or why there is nothing.
    pub words: String,
}

impl DeviceRow {
    /// The row of a device of a migration at the time `now`.
    #[must_use]
    pub fn of(device: &Device, now: Timestamp, migration: &Migration) -> Self {
        let place = Place::of_device(device);
        let open = device.outcome.is_open();
        Self {
            anchor: format!("device-{}", byte_serialize(device.id.as_str().as_bytes()).collect::<String>()),
            id: device.id.to_string(),
            display_name: device.display_name.clone().filter(|name| name != device.id.as_str() && !name.is_empty()),
            hub: hub(device, &migration.plan.source),
            let_in_by: let_in_by(device),
            unassigned: device.unassigned,
            joined_later: device.joined_later,
            wave: device.wave.filter(|wave| *wave > 0),
            stage: device.facts.stage().map_or("Not told", stage_label),
            facts: facts(device),
            outcome: place_badge(place, migration.relation()),
            // The place says so already.
            why: why(device.outcome.reason().filter(|_| place != Place::Already), device.detail.as_deref()),
            remedy: device.outcome.remedy(),
            carried: why(None, device.carried.as_ref().map(|fact| fact.evidence.as_str())),
            removed: device.removed_at.map(Moment::from),
            attempts: device.attempts,
            next_try: device.next_try_at.filter(|_| open).map(|at| Moment::ahead(at, now)),
            until: device.deadline.filter(|_| place == Place::OnTheWay).map(|at| Moment::ahead(at, now)),
        }
    }
}

fn hub(device: &Device, source: &Source) -> Option<String> {
    let hubs = &source.hubs()?.hubs;
    let hub = hubs.iter().find(|hub| hub.host.same_as(&device.source)).filter(|_| hubs.len() > 1)?;
    Some(hub.name.clone())
}

/// Of a device of an application, nothing tells which keys it has.
fn let_in_by(device: &Device) -> Option<String> {
    match (&device.key_group, device.own_keys) {
        (_, Some(_)) => Some("keys, or a certificate, of its own".to_owned()),
        (Some(group), None) => Some(format!("keys of group {group}")),
        (None, None) => None,
    }
}

/// `Refused: the device answered status 403`.
fn why(reason: Option<&str>, detail: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [reason, detail].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| capitalized(&parts.join(": ")))
}

/// A kind of fact in a word.
#[must_use]
pub fn stage_label(stage: Stage) -> &'static str {
    match stage {
        Stage::Registered => "Registered",
        Stage::Commanded => "Commanded",
        Stage::Acknowledged => "Acknowledged",
        Stage::Left => "Left the source",
        Stage::Provisioned => "Provisioned",
        Stage::Connected => "Connected",
        Stage::Sending => "Sending",
    }
}

fn facts(device: &Device) -> Vec<FactView> {
    let mut views = Vec::with_capacity(Stage::ALL.len());
    for stage in Stage::ALL {
        views.push(match device.facts.get(*stage) {
            Some(Fact { at, evidence }) => FactView {
                label: stage_label(*stage),
                at: Some((*at).into()),
                words: if *stage == Stage::Commanded { told_by(evidence, device.via) } else { evidence.clone() },
            },
            None => FactView { label: stage_label(*stage), at: None, words: absent(device, *stage).into() },
        });
    }
    views
}

/// Why there is no such fact, as far as that can be said.
fn absent(device: &Device, stage: Stage) -> &'static str {
    match stage {
        Stage::Registered => "not ahead of its arrival",
        Stage::Left if !device.is_of_a_hub() => "not observable",
        _ => "no evidence",
    }
}

fn told_by(evidence: &str, via: Option<Via>) -> String {
    match via {
        Some(Via::Canary) if evidence.is_empty() => "as the canary".to_owned(),
        Some(Via::Canary) => format!("{evidence}, as the canary"),
        // The evidence names the command or the job.
        Some(Via::Single | Via::Job) | None => evidence.to_owned(),
    }
}
