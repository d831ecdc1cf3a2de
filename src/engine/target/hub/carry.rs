//! Delivers what a device takes along into its twin.

use super::AtHub;
use super::records;
use crate::azure::error::ErrorKind;
use crate::engine::carry::{Carried, settled};
use crate::engine::halt::Halt;
use crate::migration::Device;
use crate::migration::belongings::Belongings;

pub(in crate::engine) async fn deliver(
    at: &AtHub,
    device: &Device,
    belongings: &Belongings,
    carried: &mut Carried,
) -> Result<(), Halt> {
    let parcel = belongings.for_twin();
    carried.left.extend(parcel.left.iter().cloned());
    if parcel.is_empty() {
        return Ok(());
    }
    let mut sent = at.hub.patch_twin(&device.id, &parcel.tags, &parcel.desired).await;
    if sent.as_ref().is_err_and(|error| matches!(error.kind, ErrorKind::NotFound))
        && let Some(record) = records::of_device(at, &device.id).await?
    {
        // DPS spells some ids in its own way.
        sent = at.hub.patch_twin(record.id_at_hub(&device.id), &parcel.tags, &parcel.desired).await;
    }
    match sent {
        Ok(()) => {
            let counted = |number: usize, one: &str, many: &str| match number {
                0 => None,
                1 => Some(format!("1 {one}")),
                number => Some(format!("{number} {many}")),
            };
            carried.done.extend(counted(parcel.tags.len(), "tag", "tags"));
            carried.done.extend(counted(parcel.desired.len(), "desired property", "desired properties"));
        }
        Err(error) => carried.left.push(format!("everything ({})", settled(error)?)),
    }
    Ok(())
}
