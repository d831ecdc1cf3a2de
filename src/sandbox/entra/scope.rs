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

    /// Its application id, the same in every tenant.
    #[must_use]
    pub fn app_id(self) -> &'static str {
        match self {
            Self::Arm => "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            Self::Central => "9edfcdd9-0bc5-4bd4-b287-c3afc716aac7",
            Self::Graph => "00000003-0000-0000-c000-000000000000",
            // Not published; they stand for themselves in error texts only.
            Self::IotHub => "https://iothubs.azure.net",
            Self::Dps => "https://azure-devices-provisioning.net",
        }
    }

    /// Its usual URI.
    fn uri(self) -> &'static str {
        match self {
            Self::Arm => "https://management.azure.com",
            Self::Central => "https://apps.azureiotcentral.com",
            Self::Graph => "https://graph.microsoft.com",
            Self::IotHub => "https://iothubs.azure.net",
            Self::Dps => "https://azure-devices-provisioning.net",
        }
    }

    /// Its delegated permissions. The first one is what `.default` stands for.
    fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Graph => &[
                "User.Read",
                "User.ReadBasic.All",
                "User.Read.All",
                "Directory.Read.All",
                "Group.Read.All",
                "Application.Read.All",
            ],
            _ => &["user_impersonation"],
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Arm, Self::Central, Self::Graph, Self::IotHub, Self::Dps];
        let bare = name.trim_end_matches('/');
        if bare == "https://management.core.windows.net" {
            return Some(Self::Arm);
        }
        all.into_iter().find(|kind| kind.uri() == bare || kind.app_id().eq_ignore_ascii_case(bare))
    }
}

/// One resource and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The resource.
    pub kind: ResourceKind,
    /// The token's audience: its URI as written, or its usual one where its application id was written.
    pub audience: String,
    /// Its name as written.
    pub written: String,
    /// Permission names, or `.default`.
    pub permissions: Vec<String>,
}

impl Asked {
    /// What is asked for where no resource is named.
    #[must_use]
    pub fn graph() -> Self {
        let uri = ResourceKind::Graph.uri().to_owned();
        Self {
            kind: ResourceKind::Graph,
            audience: uri.clone(),
            written: uri,
            permissions: vec!["User.Read".to_owned()],
        }
    }

    /// The permissions that a token carries in its `scp`.
    #[must_use]
    pub fn granted(&self) -> Vec<&str> {
        let default = self.kind.permissions().first().copied().unwrap_or_default();
        self.permissions.iter().map(|name| if name == ".default" { default } else { name }).collect()
    }

    /// The scopes named in the answer: what was granted, and `.default` if that was asked for, since clients look their
    /// tokens up by what they asked for.
    #[must_use]
    pub fn scope(&self) -> String {
        let mut names = self.granted();
        names.extend(self.permissions.iter().map(String::as_str).filter(|name| *name == ".default"));
        names.iter().map(|name| format!("{}/{name}", self.written)).collect::<Vec<_>>().join(" ")
    }
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
    /// AADSTS650053.
    UnknownPermission {
        /// As written.
        permission: String,
        /// The resource that does not have it.
        resource: ResourceKind,
    },
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
        let (written, permission) = match word.rsplit_once('/') {
            Some((written, permission)) if word.contains("://") || uuid::Uuid::try_parse(written).is_ok() => {
                (written, permission)
            }
            None => (ResourceKind::Graph.uri(), word),
            Some(_) => return Err(ScopeError::Invalid(word.to_owned())),
        };
        // Without a permission, what stands before the last slash is no resource but a part of a scheme.
        if permission.is_empty() || written.ends_with(":/") {
            return Err(ScopeError::Invalid(word.to_owned()));
        }
        let kind = ResourceKind::of(written).ok_or_else(|| ScopeError::UnknownResource(written.to_owned()))?;
        if permission != ".default" && !kind.permissions().contains(&permission) {
            return Err(ScopeError::UnknownPermission { permission: permission.to_owned(), resource: kind });
        }
        let audience = if written.contains("://") { written } else { kind.uri() };
        match self.resources.iter_mut().find(|asked| asked.kind == kind) {
            Some(asked) => asked.permissions.push(permission.to_owned()),
            None => self.resources.push(Asked {
                kind,
                audience: audience.to_owned(),
                written: written.to_owned(),
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
    fn the_answer_names_what_default_stands_for_and_default_itself() {
        let scopes = Scopes::parse("https://management.core.windows.net//.default").unwrap();
        assert_eq!(scopes.resources[0].granted(), ["user_impersonation"]);
        let named =
            "https://management.core.windows.net//user_impersonation https://management.core.windows.net//.default";
        assert_eq!(scopes.resources[0].scope(), named);
    }

    #[test]
    fn a_resource_may_be_named_by_its_application_id() {
        let scopes = Scopes::parse("9edfcdd9-0bc5-4bd4-b287-c3afc716aac7/.default").unwrap();
        assert_eq!(scopes.resources[0].kind, ResourceKind::Central);
        assert_eq!(scopes.resources[0].audience, "https://apps.azureiotcentral.com");
    }

    #[test]
    fn every_resource_has_permissions_of_its_own() {
        for scope in ["https://management.azure.com/User.Read", "https://graph.microsoft.com/user_impersonation", "foo"]
        {
            assert!(matches!(Scopes::parse(scope), Err(ScopeError::UnknownPermission { .. })), "{scope}");
        }
        for scope in ["https://management.azure.com", "https://management.azure.com/", "a/b"] {
            assert!(matches!(Scopes::parse(scope), Err(ScopeError::Invalid(_))), "{scope}");
        }
    }

    #[test]
    fn a_resource_that_nobody_knows_is_refused() {
        assert!(matches!(Scopes::parse("https://example.com/x.y"), Err(ScopeError::UnknownResource(_))));
    }
}
