//! How an application is set up, family by family, as its API lists it: for keeping, not for working with.
//!
//! Facts: azure-rest-api-specs `iotcentral/data-plane`. Data exports, dashboards and deployment manifests are in the preview
//! only. Rules are in no version.

use serde_json::Value;

use crate::azure::call::{Call, Path};
use crate::azure::central::{API, Central, List};
use crate::azure::error::Result;
use crate::azure::page::{AllPages, NextPage, Page};
use crate::ids::JobId;

const PREVIEW: &str = "2022-10-31-preview";

/// A family of what an application is set up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Published device templates.
    DeviceTemplates,
    /// Device groups.
    DeviceGroups,
    /// Users: people, service principals and groups of Entra.
    Users,
    /// Roles. Only their names are told.
    Roles,
    /// Organizations.
    Organizations,
    /// Where data exports go.
    ExportDestinations,
    /// Data exports.
    Exports,
    /// Jobs of the last 30 days.
    Jobs,
    /// Jobs that begin by the calendar.
    ScheduledJobs,
    /// Dashboards of the application, and the asker's own.
    Dashboards,
    /// What IoT Edge devices run.
    DeploymentManifests,
    /// Storage for files that devices upload: one or none.
    FileUploads,
}

/// How a family is asked for.
struct Question {
    operation: &'static str,
    permission: &'static str,
    path: &'static str,
    version: &'static str,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::DeviceTemplates,
        Self::DeviceGroups,
        Self::Users,
        Self::Roles,
        Self::Organizations,
        Self::ExportDestinations,
        Self::Exports,
        Self::Jobs,
        Self::ScheduledJobs,
        Self::Dashboards,
        Self::DeploymentManifests,
        Self::FileUploads,
    ];

    fn question(self) -> Question {
        let (operation, permission, path, version) = match self {
            Self::DeviceTemplates => ("list device templates", "Device templates: view", "/api/deviceTemplates", API),
            Self::DeviceGroups => ("list device groups", "Device groups: view", "/api/deviceGroups", API),
            Self::Users => ("list users", "Users: view", "/api/users", API),
            Self::Roles => ("list roles", "Roles: view", "/api/roles", API),
            Self::Organizations => ("list organizations", "Organizations: view", "/api/organizations", API),
            Self::ExportDestinations => {
                ("list destinations of data exports", "Data export: view", "/api/dataExport/destinations", PREVIEW)
            }
            Self::Exports => ("list data exports", "Data export: view", "/api/dataExport/exports", PREVIEW),
            Self::Jobs => ("list jobs", "Jobs: view", "/api/jobs", API),
            Self::ScheduledJobs => ("list scheduled jobs", "Jobs: view", "/api/scheduledJobs", API),
            Self::Dashboards => ("list dashboards", "Dashboards: view", "/api/dashboards", PREVIEW),
            Self::DeploymentManifests => {
                ("list deployment manifests", "Deployment manifests: view", "/api/deploymentManifests", PREVIEW)
            }
            Self::FileUploads => ("read the storage for uploaded files", "File uploads: view", "/api/fileUploads", API),
        };
        Question { operation, permission, path, version }
    }
}

impl Central {
    /// Everything of a family, as the application shows it.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn family(&self, family: Family) -> Result<Vec<Value>> {
        let mut pages = AllPages::new();
        loop {
            let page = self.family_page(family, pages.next()).await?;
            if let Some(items) = pages.add(page).map_err(self.channel.circle(family.question().operation))? {
                return Ok(items);
            }
        }
    }

    /// A page of a family.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn family_page(&self, family: Family, next: Option<&NextPage>) -> Result<Page<Value>> {
        let Question { operation, permission, path, version } = family.question();
        let call = self.call_of(version, Call::list(operation, Path::new(path), next), permission);
        if family == Family::FileUploads {
            let one: Option<Value> = self.channel.find(call).await?;
            return Ok(Page { items: one.into_iter().collect(), next: None });
        }
        let list: List<Value> = self.channel.json(call).await?;
        Ok(Page { items: list.value, next: NextPage::from_answer(list.next_link) })
    }

    /// One job as the application shows it, with its progress; `None` if it is gone.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn shown_job(&self, id: &JobId) -> Result<Option<Value>> {
        let call = Call::get("read the job", Path::new("/api/jobs").id(id.as_str())).target(id.as_str());
        self.channel.find(self.call(call, Family::Jobs.question().permission)).await
    }
}
