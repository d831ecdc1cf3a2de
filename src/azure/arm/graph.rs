//! Resource Graph: applications, DPS instances and hubs of all subscriptions in one query. It can be minutes stale.

use serde::Deserialize;
use serde_json::json;

use crate::azure::arm::{Arm, CentralApp, DpsResource, HubResource, wire};
use crate::azure::call::{Call, Path};
use crate::azure::error::Result;
use crate::azure::pace::Scope;
use crate::azure::page::{AllPages, NextPage, Page};

/// The id is projected and ordered by, else Resource Graph gives no token for the next page.
const QUERY: &str = "resources | where type in~ ('microsoft.iotcentral/iotapps','microsoft.devices/provisioningservices',\
                     'microsoft.devices/iothubs') | project id, name, type, location, subscriptionId, resourceGroup, \
                     tenantId, sku, properties | order by id asc";
const API: &str = "2021-03-01";
const OPERATION: &str = "list resources";

/// A resource that Resource Graph listed.
#[derive(Debug, Clone)]
pub enum Listed {
    /// An IoT Central application.
    App(CentralApp),
    /// A DPS.
    Dps(DpsResource),
    /// An IoT hub.
    Hub(HubResource),
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<wire::Resource>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
}

impl Arm {
    /// All applications, DPS instances and hubs that the person may read in the tenant.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn graph_resources(&self) -> Result<Vec<Listed>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.graph_page(pages.next()).await?;
            if let Some(resources) = pages.add(page).map_err(self.channel.circle(OPERATION))? {
                return Ok(resources.into_iter().filter_map(Listed::read).collect());
            }
        }
    }

    async fn graph_page(&self, next: Option<&NextPage>) -> Result<Page<wire::Resource>> {
        let mut options = json!({ "resultFormat": "objectArray", "$top": 1000 });
        if let Some(next) = next {
            options["$skipToken"] = next.as_str().into();
        }
        let call = Call::ask(OPERATION, Path::new("/providers/Microsoft.ResourceGraph/resources"))
            .query("api-version", API)
            .body(json!({ "query": QUERY, "options": options }))
            .pace(Scope::Graph(self.person), 1);
        let answer: Answer = self.channel.json(call).await?;
        Ok(Page { items: answer.data, next: NextPage::from_answer(answer.skip_token) })
    }
}

impl Listed {
    fn read(wire: wire::Resource) -> Option<Self> {
        match wire.kind.to_ascii_lowercase().as_str() {
            "microsoft.iotcentral/iotapps" => CentralApp::read(wire).map(Self::App),
            "microsoft.devices/provisioningservices" => DpsResource::read(wire).map(Self::Dps),
            "microsoft.devices/iothubs" => HubResource::read(wire).map(Self::Hub),
            _ => None,
        }
    }
}
