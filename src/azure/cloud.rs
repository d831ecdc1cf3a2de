//! The Azure clouds: which hosts they have, and which hosts named in answers may be trusted with a credential.
//!
//! Facts: "Azure Government developer guide", "Compare Azure Government and global Azure", ARM tool-kit environment list.

use url::Url;

use crate::azure::error::{AzureError, ErrorKind, Result, Service};
use crate::ids::{ArmId, DpsHost, HubHost, JobId, Subdomain, TenantId};

/// The endpoints of one Azure cloud.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// The name settings use: `public`, `usgovernment`, `china`.
    pub name: &'static str,
    /// Entra's base for back-channel calls (tokens, keys, discovery).
    pub login: Url,
    /// Entra's base for the browser (authorize, logout). Equal to `login`, except in the sandbox.
    pub authorize: Url,
    /// Base of Azure Resource Manager and Resource Graph.
    pub arm: Url,
    /// Base of the Azure portal.
    pub portal: Url,
    /// Suffix of IoT Central applications, without leading dot.
    pub central_suffix: &'static str,
    /// Suffix of IoT hubs.
    pub hub_suffix: &'static str,
    /// Suffix of DPS service hosts.
    pub dps_suffix: &'static str,
    /// The host that devices provision through.
    pub global_dps_host: &'static str,
    /// Scope of access tokens for ARM.
    pub arm_resource: &'static str,
    /// Scope of access tokens for IoT Central.
    pub central_resource: &'static str,
}

fn fixed(url: &str) -> Url {
    Url::parse(url).expect("a literal that the tests parse")
}

impl Cloud {
    /// The public cloud.
    #[must_use]
    pub fn public() -> Self {
        Self {
            name: "public",
            login: fixed("https://login.microsoftonline.com"),
            authorize: fixed("https://login.microsoftonline.com"),
            arm: fixed("https://management.azure.com"),
            portal: fixed("https://portal.azure.com"),
            central_suffix: "azureiotcentral.com",
            hub_suffix: "azure-devices.net",
            dps_suffix: "azure-devices-provisioning.net",
            global_dps_host: "global.azure-devices-provisioning.net",
            arm_resource: "https://management.azure.com/user_impersonation",
            central_resource: "https://apps.azureiotcentral.com/user_impersonation",
        }
    }

    /// Azure Government. That IoT Central has the public suffix there is unconfirmed.
    #[must_use]
    pub fn us_government() -> Self {
        Self {
            name: "usgovernment",
            login: fixed("https://login.microsoftonline.us"),
            authorize: fixed("https://login.microsoftonline.us"),
            arm: fixed("https://management.usgovcloudapi.net"),
            portal: fixed("https://portal.azure.us"),
            central_suffix: "azureiotcentral.com",
            hub_suffix: "azure-devices.us",
            dps_suffix: "azure-devices-provisioning.us",
            global_dps_host: "global.azure-devices-provisioning.us",
            arm_resource: "https://management.usgovcloudapi.net/user_impersonation",
            central_resource: "https://apps.azureiotcentral.com/user_impersonation",
        }
    }

    /// Azure operated by 21Vianet.
    #[must_use]
    pub fn china() -> Self {
        Self {
            name: "china",
            login: fixed("https://login.chinacloudapi.cn"),
            authorize: fixed("https://login.chinacloudapi.cn"),
            arm: fixed("https://management.chinacloudapi.cn"),
            portal: fixed("https://portal.azure.cn"),
            central_suffix: "azureiotcentral.com",
            hub_suffix: "azure-devices.cn",
            dps_suffix: "azure-devices-provisioning.cn",
            global_dps_host: "global.azure-devices-provisioning.cn",
            arm_resource: "https://management.chinacloudapi.cn/user_impersonation",
            central_resource: "https://apps.azureiotcentral.com/user_impersonation",
        }
    }

    /// The cloud that a setting names, without regard to case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::public(), Self::us_government(), Self::china()].into_iter().find(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// True if `host` is an IoT hub of this cloud.
    #[must_use]
    pub fn trusts_hub(&self, host: &HubHost) -> bool {
        is_below(host.as_str(), self.hub_suffix)
    }

    /// True if `host` is a DPS of this cloud.
    #[must_use]
    pub fn trusts_dps(&self, host: &DpsHost) -> bool {
        is_below(host.as_str(), self.dps_suffix)
    }

    /// The host of an IoT Central application.
    ///
    /// # Errors
    /// [`ErrorKind::UntrustedHost`] if the subdomain is not one host label.
    pub fn central_host(&self, app: &Subdomain) -> Result<String> {
        let host = format!("{app}.{}", self.central_suffix);
        if !app.as_str().contains('.') && is_below(&host, self.central_suffix) {
            return Ok(host.to_ascii_lowercase());
        }
        Err(AzureError::local(
            Service::Central,
            "address the application",
            app.as_str(),
            ErrorKind::UntrustedHost,
            format!("\"{app}\" is not the subdomain of an IoT Central application"),
        ))
    }

    /// A link to a resource in the portal, for people.
    #[must_use]
    pub fn portal_link(&self, tenant: &TenantId, resource: &ArmId) -> String {
        format!("{}#@{tenant}/resource{resource}/overview", self.portal)
    }

    /// A link to an application, for people. `None` if the subdomain is not one.
    #[must_use]
    pub fn central_app_link(&self, app: &Subdomain) -> Option<String> {
        self.central_host(app).ok().map(|host| format!("https://{host}"))
    }

    /// A link to a job of an application, for people. `None` if the subdomain is not one.
    #[must_use]
    pub fn central_job_link(&self, app: &Subdomain, job: &JobId) -> Option<String> {
        self.central_app_link(app).map(|link| format!("{link}/jobs/instances/{job}"))
    }
}

/// True if `host` is a plain host name strictly below `suffix`: no port, no path, no user.
fn is_below(host: &str, suffix: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(suffix)
        .and_then(|labels| labels.strip_suffix('.'))
        .is_some_and(|labels| labels.split('.').all(is_label))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_below_the_clouds_suffix_are_trusted() {
        let cloud = Cloud::public();
        assert!(cloud.trusts_hub(&HubHost::new("Contoso-Hub.azure-devices.net")));
        for host in [
            "azure-devices.net",
            ".azure-devices.net",
            "evilazure-devices.net",
            "contoso.azure-devices.net.evil.example",
            "evil.example/.azure-devices.net",
            "evil.example?.azure-devices.net",
            "user@contoso.azure-devices.net",
            "contoso.azure-devices.net:8443",
            "contoso.azure-devices-provisioning.net",
        ] {
            assert!(!cloud.trusts_hub(&HubHost::new(host)), "{host}");
        }
        assert!(cloud.trusts_dps(&DpsHost::new("contoso.azure-devices-provisioning.net")));
        assert!(!Cloud::us_government().trusts_hub(&HubHost::new("contoso.azure-devices.net")));
    }

    #[test]
    fn an_application_is_addressed_by_one_label_only() {
        let cloud = Cloud::public();
        assert_eq!(cloud.central_host(&Subdomain::new("Fleet")).unwrap(), "fleet.azureiotcentral.com");
        for subdomain in ["", "a.b", "evil.example/", "x@y", "a b"] {
            assert!(cloud.central_host(&Subdomain::new(subdomain)).is_err(), "{subdomain}");
        }
    }

    #[test]
    fn a_setting_names_a_cloud_in_any_case() {
        assert_eq!(Cloud::by_name("USGovernment").unwrap().hub_suffix, "azure-devices.us");
        assert_eq!(Cloud::by_name("china").unwrap().name, "china");
        assert!(Cloud::by_name("mars").is_none());
    }

    #[test]
    fn links_lead_people_to_the_portal_and_the_application() {
        let cloud = Cloud::public();
        assert_eq!(
            cloud.portal_link(&TenantId::new("t-1"), &ArmId::new("/subscriptions/s/x")),
            "https://portal.azure.com/#@t-1/resource/subscriptions/s/x/overview"
        );
        assert_eq!(
            cloud.central_job_link(&Subdomain::new("fleet"), &JobId::new("j-1")).unwrap(),
            "https://fleet.azureiotcentral.com/jobs/instances/j-1"
        );
    }
}
