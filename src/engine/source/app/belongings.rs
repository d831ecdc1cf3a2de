//! What a device of an application has besides its identity.

use super::FromApp;
use crate::engine::carry::{Carried, settled};
use crate::engine::halt::Halt;
use crate::migration::Device;
use crate::migration::belongings::Belongings;

/// Reads it; what cannot be had is added to `carried`.
pub(in crate::engine) async fn read(at: &FromApp, device: &Device, carried: &mut Carried) -> Result<Belongings, Halt> {
    let mut belongings = match at.template().await? {
        Some(template) => match at.central.device_properties(&device.id).await {
            Ok(properties) => Belongings::of(properties.as_value(), &template.cloud, &template.writable),
            Err(error) => {
                carried.left.push(format!("properties ({})", settled(error)?));
                Belongings::default()
            }
        },
        None => {
            carried.left.push("properties (the source no longer has the template)".into());
            Belongings::default()
        }
    };
    belongings.display_name.clone_from(&device.display_name);
    belongings.organizations.clone_from(&device.organizations);
    Ok(belongings)
}
