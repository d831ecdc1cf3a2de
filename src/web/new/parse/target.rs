//! The target that was chosen: a hub by way of a DPS, or an application.

use super::{FieldKey, Mistake, app_mistake, mistake, pick, unread};
use crate::azure::arm::{DpsResource, HubResource};
use crate::azure::central::DeviceTemplate;
use crate::migration::model::{AppTarget, AssignedTemplate, HubTarget, Target};
use crate::web::new::entered::Entered;
use crate::web::new::surveyor::Offer;

pub(super) fn target(entered: &Entered, offer: &Offer) -> Result<Target, Vec<Mistake>> {
    match entered.is_into_central() {
        true => app(entered, offer).map(Target::App).map_err(|mistake| vec![mistake]),
        false => hub(entered, offer).map(Target::Hub),
    }
}

fn app(entered: &Entered, offer: &Offer) -> Result<AppTarget, Mistake> {
    let (list, address) = (FieldKey::TargetApplication, FieldKey::TargetAddress);
    let app = match &offer.target_app {
        Some(Ok(app)) => app,
        Some(Err(of)) => return Err(app_mistake(of, list, address)),
        None if entered.target_application.is_empty() => {
            return Err(mistake(list, "Choose the application that the devices are to go to."));
        }
        None => return Err(mistake(list, unread("The applications"))),
    };
    if offer.is_the_source(app) {
        let words = "This is the application that the devices are in already. Choose another one.";
        return Err(mistake(if app.arm.is_some() { list } else { address }, words));
    }
    let templates = offer.target_templates.ready().map(|all| all.as_slice());
    if templates.is_none() {
        return Err(mistake(list, unread("The templates of the application")));
    }
    let assign = match entered.target_template.as_str() {
        "" => None,
        id => {
            let is = |template: &DeviceTemplate| template.id.as_str() == id;
            let template = pick(FieldKey::TargetTemplate, id, templates, is)?;
            Some(AssignedTemplate {
                template: template.id.clone(),
                template_name: template.display_name.clone(),
                model: template.model.clone(),
            })
        }
    };
    Ok(AppTarget {
        app_id: app.arm.as_ref().map(|arm| arm.id.clone()),
        app_name: app.arm.as_ref().map_or_else(|| app.subdomain.to_string(), |arm| arm.name.clone()),
        app_display_name: app.label().to_owned(),
        subdomain: app.subdomain.clone(),
        assign,
    })
}

fn hub(entered: &Entered, offer: &Offer) -> Result<HubTarget, Vec<Mistake>> {
    let instances = offer.inventory.ready().map(|inventory| inventory.dps.as_slice());
    let listed =
        pick(FieldKey::Dps, &entered.dps, instances, |dps: &DpsResource| dps.service_host.same_as(&entered.dps));
    if let Err(mistake) = listed {
        return Err(vec![mistake]);
    }
    let Some(dps) = offer.dps.ready() else {
        return Err(vec![mistake(FieldKey::Dps, unread("The DPS"))]);
    };
    let linked = offer.linked_hubs();
    let host = match entered.hub.as_str() {
        "" => return Err(vec![mistake(FieldKey::Hub, "Choose the hub that the devices are to reach.")]),
        host => linked.iter().map(|(linked, _)| linked).find(|linked| linked.same_as(host)),
    };
    if host.is_none() {
        let words = format!("This hub is not linked to the DPS {}. Choose one of the list.", dps.name);
        return Err(vec![mistake(FieldKey::Hub, words)]);
    }
    let Some(hub) = offer.hub.ready() else {
        return Err(vec![mistake(FieldKey::Hub, unread("The hub"))]);
    };
    Ok(hub_target(dps, hub))
}

fn hub_target(dps: &DpsResource, hub: &HubResource) -> HubTarget {
    HubTarget {
        dps_id: dps.id.clone(),
        dps_name: dps.name.clone(),
        dps_host: dps.service_host.clone(),
        id_scope: dps.id_scope.clone(),
        hub_id: hub.id.clone(),
        hub_name: hub.name.clone(),
        hub_host: hub.host.clone(),
        hub_sku: hub.sku_name.clone(),
        hub_units: hub.units,
    }
}
