//! Delivers what a device takes along to the application that it went to.

use serde_json::{Map, Value, json};

use super::AtApp;
use crate::azure::central::{DeviceChange, DeviceTemplate};
use crate::engine::carry::{Carried, settled};
use crate::engine::halt::Halt;
use crate::migration::Device;
use crate::migration::belongings::{Belongings, Property};

pub(in crate::engine) async fn deliver(
    at: &AtApp,
    device: &Device,
    belongings: &Belongings,
    carried: &mut Carried,
) -> Result<(), Halt> {
    let name = DeviceChange { display_name: belongings.display_name.clone(), ..DeviceChange::default() };
    if name.display_name.is_some() {
        change(at, device, &name, "name", carried).await?;
    }
    if !belongings.organizations.is_empty() {
        let organizations =
            DeviceChange { organizations: Some(belongings.organizations.clone()), ..DeviceChange::default() };
        change(at, device, &organizations, "organization", carried).await?;
    }
    properties(at, device, belongings, carried).await
}

async fn change(
    at: &AtApp,
    device: &Device,
    change: &DeviceChange,
    what: &str,
    carried: &mut Carried,
) -> Result<(), Halt> {
    match at.central.change_device(&device.id, change).await {
        Ok(_) => carried.done.push(what.to_owned()),
        Err(error) => carried.left.push(format!("{what} ({})", settled(error)?)),
    }
    Ok(())
}

/// Only what the device's template there has: what is sent beside is refused as a whole.
async fn properties(at: &AtApp, device: &Device, belongings: &Belongings, carried: &mut Carried) -> Result<(), Halt> {
    if belongings.cloud.is_empty() && belongings.writable.is_empty() {
        return Ok(());
    }
    let own = at.see(&device.id).await?.and_then(|seen| seen.template);
    let templates = at.templates().await?;
    let template = templates.iter().find(|template| Some(&template.id) == own.as_ref());
    let mut body = Map::new();
    let mut number = 0;
    for (property, known) in all(belongings, template) {
        if known {
            number += 1;
            put(&mut body, property);
        } else {
            let name = property.component.as_ref().map_or_else(String::new, |component| format!("{component}."));
            carried.left.push(format!("{name}{} (not in its template there)", property.name));
        }
    }
    if body.is_empty() {
        return Ok(());
    }
    match at.central.change_device_properties(&device.id, &body).await {
        Ok(()) if number == 1 => carried.done.push("1 property".to_owned()),
        Ok(()) => carried.done.push(format!("{number} properties")),
        Err(error) => carried.left.push(format!("properties ({})", settled(error)?)),
    }
    Ok(())
}

/// Each property, and whether the template there has it as what it is.
fn all<'a>(
    belongings: &'a Belongings,
    template: Option<&'a DeviceTemplate>,
) -> impl Iterator<Item = (&'a Property, bool)> {
    let known = |property: &Property, names: Option<&Vec<String>>| {
        let name = match &property.component {
            Some(component) => format!("{component}.{}", property.name),
            None => property.name.clone(),
        };
        names.is_some_and(|names| names.contains(&name))
    };
    let cloud = belongings.cloud.iter();
    let cloud = cloud.map(move |property| (property, known(property, template.map(|template| &template.cloud))));
    let writable = belongings.writable.iter();
    cloud.chain(writable.map(move |property| (property, known(property, template.map(|template| &template.writable)))))
}

fn put(body: &mut Map<String, Value>, property: &Property) {
    match &property.component {
        None => drop(body.insert(property.name.clone(), property.value.clone())),
        Some(component) => {
            let level = body.entry(component.as_str()).or_insert_with(|| json!({}));
            level[property.name.as_str()] = property.value.clone();
        }
    }
}
