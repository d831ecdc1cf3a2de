//! Scopes: which resource an access token is asked for, and which parts of OpenID Connect come with it.

use serde::{Deserialize, Serialize};

/// A resource that the simulated directory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceKind {
    /// Azure Resource Manager.
    Arm,
    /// Azure IoT Central.
    Central,
    /// Microsoft Graph.
    Graph,
    /// Data plane of IoT hubs.
    IotHub,
    /// Data plane of DPS.
    Dps,
}

impl ResourceKind {
    /// Its name on consent pages and in error texts.
    #[must_use]
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Arm => "Azure Resource Manager",
            Self::Central => "Azure IoT Central",
            Self::Graph => "Microsoft Graph",
            Self::IotHub => "IoT Hub",
            Self::Dps => "Azure Device Provisioning Service",
        }
    }

    fn of(uri: &str) -> Option<Self> {
        match uri.trim_end_matches('/') {
            "https://management.azure.com" | "https://management.core.windows.net" => Some(Self::Arm),
            "https://apps.azureiotcentral.com" => Some(Self::Central),
            "https://graph.microsoft.com" => Some(Self::Graph),
            "https://iothubs.azure.net" => Some(Self::IotHub),
            "https://azure-devices-provisioning.net" => Some(Self::Dps),
            _ => None,
        }
    }
}

/// One resource and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The resource.
    pub kind: ResourceKind,
    /// Its URI as written, which becomes the token's audience.
    pub audience: String,
    /// Permission names, or `.default`.
    pub permissions: Vec<String>,
}

/// A scope parameter, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// `openid`: an ID token.
    pub openid: bool,
    /// `profile`: names in the ID token.
    pub profile: bool,
    /// `offline_access`: a refresh token.
    pub offline: bool,
    /// Resources in the order in which they were named.
    pub resources: Vec<Asked>,
}

/// Why a scope parameter is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeError {
    /// AADSTS70011.
    Invalid(String),
    /// AADSTS500011.
    UnknownResource(String),
}

impl Scopes {
    /// Takes a `scope` parameter apart.
    ///
    /// # Errors
    /// A resource that nobody knows, or a combination that Entra refuses.
    pub fn parse(scope: &str) -> Result<Self, ScopeError> {
        let mut scopes = Self::default();
        for word in scope.split_whitespace() {
            match word {
                "openid" => scopes.openid = true,
                "profile" => scopes.profile = true,
                "offline_access" => scopes.offline = true,
                "email" => {}
                _ => scopes.ask(word)?,
            }
        }
        let mixed = |asked: &Asked| asked.permissions.len() > 1 && asked.permissions.iter().any(|p| p == ".default");
        if scopes.resources.iter().any(mixed) {
            return Err(ScopeError::Invalid(scope.to_owned()));
        }
        Ok(scopes)
    }

    fn ask(&mut self, word: &str) -> Result<(), ScopeError> {
        let (audience, permission) = match word.rsplit_once('/') {
            Some((audience, permission)) if word.contains("://") => (audience, permission),
            None => ("https://graph.microsoft.com", word),
            Some(_) => return Err(ScopeError::Invalid(word.to_owned())),
        };
        let known = permission == "user_impersonation" || permission == ".default" || permission.contains('.');
        if permission.is_empty() || !known {
            return Err(ScopeError::Invalid(word.to_owned()));
        }
        let kind = ResourceKind::of(audience).ok_or_else(|| ScopeError::UnknownResource(audience.to_owned()))?;
        match self.resources.iter_mut().find(|asked| asked.kind == kind) {
            Some(asked) => asked.permissions.push(permission.to_owned()),
            None => self.resources.push(Asked {
                kind,
                audience: audience.to_owned(),
                permissions: vec![permission.to_owned()],
            }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_first_scope_names_two_resources() {
        let scopes = Scopes::parse(
            "openid profile offline_access https://management.azure.com/user_impersonation \
             https://apps.azureiotcentral.com/user_impersonation",
        )
        .unwrap();
        let kinds: Vec<_> = scopes.resources.iter().map(|asked| asked.kind).collect();
        assert_eq!(kinds, [ResourceKind::Arm, ResourceKind::Central]);
        assert!(scopes.openid && scopes.profile && scopes.offline);
    }

    #[test]
    fn a_doubled_slash_keeps_the_slash_in_the_audience() {
        let scopes = Scopes::parse("https://management.azure.com//.default").unwrap();
        assert_eq!(scopes.resources[0].audience, "https://management.azure.com/");
        assert_eq!(scopes.resources[0].kind, ResourceKind::Arm);
    }

    #[test]
    fn default_goes_with_no_other_permission_of_its_resource() {
        let scope = "https://management.azure.com/.default https://management.azure.com/user_impersonation";
        assert!(matches!(Scopes::parse(scope), Err(ScopeError::Invalid(_))));
    }

    #[test]
    fn a_resource_that_nobody_knows_is_refused() {
        assert!(matches!(Scopes::parse("https://example.com/x.y"), Err(ScopeError::UnknownResource(_))));
    }
}
