//! The source that was chosen: a group of an application, or hubs.

use super::{FieldKey, Mistake, app_mistake, both, mistake, pick, unread, wrong};
use crate::azure::central::{DeviceGroup, DeviceTemplate};
use crate::migration::model::{CentralSource, HubSource, Source, SourceDps, SourceHub};
use crate::web::new::entered::Entered;
use crate::web::new::from_hub::{CameBy, HubOffer};
use crate::web::new::surveyor::Offer;

/// The longest that a hub waits for a device to connect, and then to answer (azure-api §5.5).
const SECONDS_MAX: u16 = 300;
/// The shortest that a device is given to answer.
const RESPONSE_MIN: u16 = 5;

pub(super) fn source(entered: &Entered, offer: &Offer) -> Result<Source, Vec<Mistake>> {
    match entered.is_from_hub() {
        true => hubs(entered, offer).map(Source::Hub),
        false => app(entered, offer).map(Source::App),
    }
}

fn app(entered: &Entered, offer: &Offer) -> Result<CentralSource, Vec<Mistake>> {
    let app = match &offer.app {
        Some(Ok(app)) => app,
        Some(Err(mistake)) => return Err(vec![app_mistake(mistake, FieldKey::Application, FieldKey::Address)]),
        None if entered.application.is_empty() => {
            return Err(vec![mistake(FieldKey::Application, "Choose the application that the devices are in.")]);
        }
        None => return Err(vec![mistake(FieldKey::Application, unread("The applications"))]),
    };
    let contents = offer.contents.ready();
    let group =
        pick(FieldKey::Group, &entered.group, contents.map(|all| all.groups.as_slice()), |group: &DeviceGroup| {
            group.id.as_str() == entered.group
        });
    let template = pick(
        FieldKey::Template,
        &entered.template,
        contents.map(|all| all.templates.as_slice()),
        |template: &DeviceTemplate| template.id.as_str() == entered.template,
    );
    let (group, template) = both(group, template)?;
    Ok(CentralSource {
        app_id: app.arm.as_ref().map(|arm| arm.id.clone()),
        app_name: app.arm.as_ref().map_or_else(|| app.subdomain.to_string(), |arm| arm.name.clone()),
        app_display_name: app.label().to_owned(),
        subdomain: app.subdomain.clone(),
        group: Some(group.id.clone()),
        group_name: group.display_name.clone(),
        template: Some(template.id.clone()),
        template_name: template.display_name.clone(),
        component: template.migration.as_ref().and_then(|command| command.component.clone()),
    })
}

fn hubs(entered: &Entered, offer: &Offer) -> Result<HubSource, Vec<Mistake>> {
    let came = both(dps(offer), chosen(entered, offer));
    let connect = seconds(FieldKey::Connect, &entered.connect_seconds, HubSource::CONNECT_SECONDS, 0);
    let respond = seconds(FieldKey::Respond, &entered.response_seconds, HubSource::RESPONSE_SECONDS, RESPONSE_MIN);
    match (came, both(connect, respond)) {
        (Ok((dps, hubs)), Ok((connect_seconds, response_seconds))) => {
            Ok(HubSource { dps, hubs, component: component(entered, offer), connect_seconds, response_seconds })
        }
        (came, patience) => Err(came.err().into_iter().chain(patience.err()).flatten().collect()),
    }
}

fn dps(offer: &Offer) -> Result<Option<SourceDps>, Mistake> {
    let field = FieldKey::SourceDps;
    match offer.from_hub.as_ref().map(|from| &from.came_by) {
        Some(CameBy::NoDps) => Ok(None),
        Some(CameBy::Dps(dps)) => match dps.ready() {
            Some(dps) => {
                Ok(Some(SourceDps { id: dps.id.clone(), name: dps.name.clone(), host: dps.service_host.clone() }))
            }
            None => wrong(field, unread("The DPS")),
        },
        Some(CameBy::NotListed) => wrong(field, "What was chosen is not in the list any more. Choose again."),
        Some(CameBy::Unsaid) if offer.inventory.ready().is_some() => {
            wrong(field, "Choose the DPS instance by which the devices came to their hubs, or None.")
        }
        Some(CameBy::Unsaid) | None => wrong(field, unread("The DPS instances")),
    }
}

fn chosen(entered: &Entered, offer: &Offer) -> Result<Vec<SourceHub>, Mistake> {
    let field = FieldKey::SourceHubs;
    let Some(from) = &offer.from_hub else { return wrong(field, unread("The hubs")) };
    if entered.source_hubs.is_empty() {
        return wrong(field, "Choose at least one hub whose devices are to move.");
    }
    let Some(offered) = from.hubs.ready() else { return wrong(field, unread("The hubs")) };
    if let Some(stale) = entered.source_hubs.iter().find(|host| !offered.iter().any(|hub| hub.host.same_as(host))) {
        return wrong(field, not_offered(from, stale));
    }
    from.chosen()
        .map(|hub| match (hub.read.ready(), &hub.listed) {
            (Some(hub), _) => Ok(SourceHub {
                id: hub.id.clone(),
                name: hub.name.clone(),
                host: hub.host.clone(),
                sku: hub.sku_name.clone(),
                units: hub.units,
            }),
            (None, None) => wrong(field, format!("The hub {} is in no subscription that you can read.", hub.host)),
            (None, Some(listed)) => wrong(field, unread(&format!("The hub {}", listed.name))),
        })
        .collect()
}

fn not_offered(from: &HubOffer, host: &str) -> String {
    match from.dps() {
        Some(dps) => format!("The hub {host} is not linked to the DPS {}. Choose from the list.", dps.name),
        None => format!("The hub {host} is not in the list any more. Choose again."),
    }
}

fn seconds(field: FieldKey, text: &str, unless: u16, least: u16) -> Result<u16, Mistake> {
    match text.trim() {
        "" => Ok(unless),
        text => match text.parse() {
            Ok(seconds) if (least..=SECONDS_MAX).contains(&seconds) => Ok(seconds),
            _ => wrong(field, format!("Give a whole number of seconds from {least} to {SECONDS_MAX}.")),
        },
    }
}

/// Where the devices that are to get a template carry its command, it is named as that does; else as is customary.
fn component(entered: &Entered, offer: &Offer) -> Option<String> {
    let templates = offer.target_templates.ready().map(|all| all.as_slice()).unwrap_or_default();
    let assigned = templates.iter().find(|template| template.id.as_str() == entered.target_template);
    match assigned.and_then(|template| template.migration.as_ref()) {
        Some(command) => command.component.clone(),
        None => Some(HubSource::COMPONENT.to_owned()),
    }
}
