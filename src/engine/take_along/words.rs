//! What each family is called, for people and as a file.

use crate::azure::central::Family;

/// A family in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The name of its file.
    pub file: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What is in it.
    pub about: &'static str,
}

impl Words {
    /// Of this family.
    #[must_use]
    pub const fn of(family: Family) -> Self {
        let (file, title, about) = match family {
            Family::DeviceTemplates => {
                ("device-templates.json", "Device templates", "Published versions, with their capability models.")
            }
            Family::DeviceGroups => ("device-groups.json", "Device groups", "Their queries and organizations."),
            Family::Users => {
                ("users.json", "Users", "People, service principals and Entra groups, with roles and organizations.")
            }
            Family::Roles => ("roles.json", "Roles", "Ids and names only: no API tells what a role may do."),
            Family::Organizations => ("organizations.json", "Organizations", "The tree, by the parent of each."),
            Family::ExportDestinations => (
                "export-destinations.json",
                "Destinations of data exports",
                "Where data goes, without what it signs in with.",
            ),
            Family::Exports => {
                ("exports.json", "Data exports", "Sources, filters, enrichments, transformations, destinations by id.")
            }
            Family::Jobs => ("jobs.json", "Jobs", "Those of the last 30 days, which IoT Central keeps, with progress."),
            Family::ScheduledJobs => ("scheduled-jobs.json", "Scheduled jobs", "With their calendars."),
            Family::Dashboards => {
                ("dashboards.json", "Dashboards", "Those of the application and its organizations, and your own.")
            }
            Family::DeploymentManifests => {
                ("deployment-manifests.json", "Deployment manifests", "What IoT Edge devices run, without passwords.")
            }
            Family::FileUploads => {
                ("file-uploads.json", "File uploads", "The storage for files of devices: one or none.")
            }
        };
        Self { file, title, about }
    }
}
