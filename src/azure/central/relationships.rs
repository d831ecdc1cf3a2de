//! Which devices are behind which gateway.

use serde::Deserialize;

use crate::azure::call::Path;
use crate::azure::central::Central;
use crate::azure::error::{ErrorKind, Result};
use crate::ids::DeviceId;

const PERMISSION: &str = "Device instances: view";

#[derive(Deserialize)]
struct Relationship {
    source: DeviceId,
    target: DeviceId,
}

impl Central {
    /// The devices behind a gateway, one level down (azure-api §7.4). A device that is none has none; that a device was put
    /// behind it can take minutes to show.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn children(&self, gateway: &DeviceId) -> Result<Vec<DeviceId>> {
        let path = Path::new("/api/devices").id(gateway.as_str()).then("/relationships");
        let all: Vec<Relationship> = match self.all("list the devices behind a gateway", PERMISSION, path).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound) => Vec::new(),
            all => all?,
        };
        Ok(all.into_iter().filter(|one| one.source == *gateway).map(|one| one.target).collect())
    }
}
