//! The part *Target* of the form: a DPS and a hub, or an application and a template.

use super::{Remark, Select, applications, choice, field, keep, kind_of, select, tell_apart};
use crate::azure::arm::HubResource;
use crate::migration::preflight::DeviceMove;
use crate::web::components::{Field, Kind};
use crate::web::new::application::not_running_remark;
use crate::web::new::entered::Entered;
use crate::web::new::parse::{FieldKey, Mistake};
use crate::web::new::survey::template_facts;
use crate::web::new::surveyor::Offer;

/// The fields, by what the devices go to.
#[derive(Debug)]
pub(in crate::web::new) enum TargetChoices {
    /// A hub, by way of a DPS.
    Hub {
        dps: Box<Select>,
        dps_remark: Option<Remark>,
        hub: Box<Select>,
        hub_remark: Option<Remark>,
        /// DPS shall register each device as it arrives.
        on_arrival: bool,
    },
    /// An application.
    App {
        application: Box<Select>,
        application_remark: Option<Remark>,
        address: Field,
        template: Box<Select>,
        template_remark: Option<Remark>,
    },
}

impl TargetChoices {
    pub(super) fn new(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Self {
        match entered.is_into_central() {
            false => Self::Hub {
                dps: Box::new(dps(entered, offer, mistakes)),
                dps_remark: offer
                    .dps
                    .ready()
                    .map(|dps| Remark { kind: Kind::Info, text: format!("ID scope {}", dps.id_scope) }),
                hub: Box::new(hub(entered, offer, mistakes)),
                hub_remark: hub_remark(offer),
                on_arrival: !entered.on_arrival.is_empty(),
            },
            true => Self::App {
                application: Box::new(application(entered, offer, mistakes)),
                application_remark: not_running_remark(
                    offer.target_not_running(),
                    FieldKey::TargetApplication,
                    mistakes,
                ),
                address: Field { required: false, ..field(FieldKey::TargetAddress, mistakes) },
                template: Box::new(template(entered, offer, mistakes)),
                template_remark: template_remark(entered, offer),
            },
        }
    }
}

fn application(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let chosen = offer.chosen_target_app();
    let mut select = applications(FieldKey::TargetApplication, &entered.target_application, chosen, offer, mistakes);
    // The source has said that the list is missing or empty.
    select.trouble = None;
    select.field.hint = None;
    select
}

fn template(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let before = match offer.target_not_running() {
        Some(_) => "Not read: the application is not running",
        None => "Choose an application first",
    };
    let mut field = Field { required: false, ..field(FieldKey::TargetTemplate, mistakes) };
    field.hint = Some("For devices that do not announce a model, as those of the official samples.".into());
    let mut select = select(field, &offer.target_templates, before, |templates| {
        let of = |template: &crate::azure::central::DeviceTemplate| {
            (choice(template.id.as_str(), &template.display_name, &entered.target_template), template.id.to_string())
        };
        tell_apart(templates.iter().map(of).collect())
    });
    if offer.target_templates.ready().is_some() {
        select.empty = "None: devices stay unassigned unless they announce a model".into();
    }
    keep(&mut select, offer, &entered.target_template, None);
    select
}

fn template_remark(entered: &Entered, offer: &Offer) -> Option<Remark> {
    let templates = offer.target_templates.ready()?;
    let template = templates.iter().find(|template| template.id.as_str() == entered.target_template)?;
    Some(match template_facts(template).device_move {
        DeviceMove::Present { notice, .. } => Remark {
            kind: kind_of(&notice),
            text: "It carries DeviceMove, so the devices can be moved on, or back.".into(),
        },
        DeviceMove::Absent | DeviceMove::Queued => Remark {
            kind: Kind::Warning,
            text: "It does not carry DeviceMove as a command: from there, the devices could not be told to move on, or back."
                .into(),
        },
    })
}

fn dps(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let mut select = select(field(FieldKey::Dps, mistakes), &offer.inventory, "", |all| {
        tell_apart(
            all.dps
                .iter()
                .map(|dps| (choice(dps.service_host.as_str(), &dps.name, &entered.dps), dps.resource_group.clone()))
                .collect(),
        )
    });
    keep(&mut select, offer, &entered.dps, None);
    // The applications come with the same read.
    select.trouble = None;
    select
}

fn hub(entered: &Entered, offer: &Offer, mistakes: &[Mistake]) -> Select {
    let mut select = select(field(FieldKey::Hub, mistakes), &offer.dps, "Choose a DPS instance first", |_| {
        let entries = offer.linked_hubs();
        tell_apart(
            entries
                .into_iter()
                .map(|(host, hub)| {
                    let label = host.as_str().split('.').next().unwrap_or_default();
                    let label = hub.map_or(label, |hub| hub.name.as_str());
                    (choice(host.as_str(), label, &entered.hub), host.to_string())
                })
                .collect(),
        )
    });
    select.trouble = select.trouble.or_else(|| offer.hub.trouble().cloned());
    keep(&mut select, offer, &entered.hub, None);
    select
}

fn hub_remark(offer: &Offer) -> Option<Remark> {
    offer.hub.ready().map(|hub| Remark { kind: Kind::Info, text: size(hub) })
}

/// `S1 with 1 unit, westeurope`.
pub(super) fn size(hub: &HubResource) -> String {
    let units = if hub.units == 1 { "1 unit".to_owned() } else { format!("{} units", hub.units) };
    format!("{} with {units}, {}", hub.sku_name, hub.location)
}
