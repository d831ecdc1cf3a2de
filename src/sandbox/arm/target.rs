//! What an ARM path names. Paths are case-insensitive.

use super::failure::Failure;

/// The resource types that the sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IoT Central applications.
    App,
    /// DPS instances.
    Dps,
    /// IoT hubs.
    Hub,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::App, Self::Dps, Self::Hub];

    /// Provider and type as ARM spells them.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::App => "Microsoft.IoTCentral/iotApps",
            Self::Dps => "Microsoft.Devices/provisioningServices",
            Self::Hub => "Microsoft.Devices/IotHubs",
        }
    }

    fn has_provider(provider: &str) -> bool {
        let own = |kind: Self| kind.type_name().split('/').next().unwrap_or_default();
        Self::ALL.into_iter().any(|kind| own(kind).eq_ignore_ascii_case(provider))
    }

    fn parse(provider: &str, kind: &str) -> Option<Self> {
        let asked = format!("{provider}/{kind}");
        Self::ALL.into_iter().find(|kind| kind.type_name().eq_ignore_ascii_case(&asked))
    }
}

/// Where a path leads. Names are as written; compare them without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/tenants`
    Tenants,
    /// `/subscriptions`
    Subscriptions,
    /// `/subscriptions/{id}`
    Subscription(String),
    /// `/subscriptions/{id}/resourceGroups`
    ResourceGroups(String),
    /// `/subscriptions/{id}/resourceGroups/{name}`
    ResourceGroup(String, String),
    /// `/subscriptions/{id}/locations`
    Locations(String),
    /// `/subscriptions/{id}/providers`, or the one named.
    Providers(String, Option<String>),
    /// Resources of all types, of a subscription or of one of its groups.
    Resources {
        /// Subscription id.
        subscription: String,
        /// Resource group.
        group: Option<String>,
    },
    /// Something of a provider that is not simulated: a list, or the resource named.
    Foreign {
        /// Subscription id.
        subscription: String,
        /// Resource group.
        group: Option<String>,
        /// Resource type and, for a single one, its name.
        path: String,
        /// Whether the path names a single resource.
        single: bool,
    },
    /// All resources of a type, of a subscription or of one of its groups.
    List {
        /// Subscription id.
        subscription: String,
        /// Resource group.
        group: Option<String>,
        /// Type.
        kind: Kind,
    },
    /// One resource.
    One(Address),
    /// `…/listkeys` of all policies, or of the one named.
    Keys(Address, Option<String>),
    /// The CA certificates of a DPS, or the one named.
    Certificates(Address, Option<String>),
    /// Resource Graph.
    Graph,
}

/// Which resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Subscription id.
    pub subscription: String,
    /// Resource group.
    pub group: String,
    /// Type.
    pub kind: Kind,
    /// Resource name.
    pub name: String,
}

impl Target {
    /// Reads a path.
    ///
    /// # Errors
    /// 404 in ARM's words for what it does not know.
    pub fn parse(path: &str) -> Result<Self, Failure> {
        let decoded: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(percent_decode).collect();
        let words: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let lower: Vec<String> = decoded.iter().map(|word| word.to_ascii_lowercase()).collect();
        let keys: Vec<&str> = lower.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["tenants"] => Ok(Self::Tenants),
            ["subscriptions"] => Ok(Self::Subscriptions),
            ["subscriptions", _] => Ok(Self::Subscription(words[1].to_owned())),
            ["subscriptions", _, "resourcegroups"] => Ok(Self::ResourceGroups(words[1].to_owned())),
            ["subscriptions", _, "resourcegroups", _] => {
                Ok(Self::ResourceGroup(words[1].to_owned(), words[3].to_owned()))
            }
            ["subscriptions", _, "locations"] => Ok(Self::Locations(words[1].to_owned())),
            ["subscriptions", _, "resources"] => Ok(Self::Resources { subscription: words[1].to_owned(), group: None }),
            ["subscriptions", _, "resourcegroups", _, "resources"] => {
                Ok(Self::Resources { subscription: words[1].to_owned(), group: Some(words[3].to_owned()) })
            }
            ["subscriptions", _, "providers"] => Ok(Self::Providers(words[1].to_owned(), None)),
            ["subscriptions", _, "providers", _] => Ok(Self::Providers(words[1].to_owned(), Some(words[3].to_owned()))),
            ["providers", "microsoft.resourcegraph", "resources"] => Ok(Self::Graph),
            ["subscriptions", _, "providers", ..] => Self::in_provider(words[1], None, &words[3..]),
            ["subscriptions", _, "resourcegroups", _, "providers", ..] => {
                Self::in_provider(words[1], Some(words[3]), &words[5..])
            }
            _ => Err(unknown(path)),
        }
    }

    fn in_provider(subscription: &str, group: Option<&str>, rest: &[&str]) -> Result<Self, Failure> {
        let (Some(provider), Some(kind)) = (rest.first(), rest.get(1)) else { return Err(unknown(&rest.join("/"))) };
        let subscription = subscription.to_owned();
        let Some(kind) = Kind::parse(provider, kind) else {
            if Kind::has_provider(provider) {
                let message = format!("The resource type '{kind}' could not be found in the namespace '{provider}'.");
                return Err(Failure::not_found("InvalidResourceType", message));
            }
            let (group, single) = (group.map(str::to_owned), rest.len() % 2 == 1);
            return Ok(Self::Foreign { subscription, group, path: rest.join("/"), single });
        };
        let Some((group, name)) = group.zip(rest.get(2)) else {
            return match rest.len() {
                2 => Ok(Self::List { subscription, group: group.map(str::to_owned), kind }),
                _ => Err(unknown(&rest.join("/"))),
            };
        };
        let address = Address { subscription, group: group.to_owned(), kind, name: (*name).to_owned() };
        let is = |word: &str, expected: &str| word.eq_ignore_ascii_case(expected);
        match (kind, &rest[3..]) {
            (_, []) => Ok(Self::One(address)),
            (Kind::Hub | Kind::Dps, [verb]) if is(verb, "listkeys") => Ok(Self::Keys(address, None)),
            (Kind::Hub, [keys, key, verb]) if is(keys, "iothubkeys") && is(verb, "listkeys") => {
                Ok(Self::Keys(address, Some((*key).to_owned())))
            }
            (Kind::Dps, [keys, key, verb]) if is(keys, "keys") && is(verb, "listkeys") => {
                Ok(Self::Keys(address, Some((*key).to_owned())))
            }
            (Kind::Dps, [certificates]) if is(certificates, "certificates") => Ok(Self::Certificates(address, None)),
            (Kind::Dps, [certificates, name]) if is(certificates, "certificates") => {
                Ok(Self::Certificates(address, Some((*name).to_owned())))
            }
            _ => Err(unknown(&rest.join("/"))),
        }
    }

    /// The subscription that the path is under.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        match self {
            Self::Tenants | Self::Subscriptions | Self::Graph => None,
            Self::Subscription(id) | Self::ResourceGroups(id) | Self::ResourceGroup(id, _) => Some(id),
            Self::Locations(id) | Self::Providers(id, _) => Some(id),
            Self::List { subscription, .. }
            | Self::Resources { subscription, .. }
            | Self::Foreign { subscription, .. } => Some(subscription),
            Self::One(address) | Self::Keys(address, _) | Self::Certificates(address, _) => Some(&address.subscription),
        }
    }

    /// The resource type whose API versions count.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::List { kind, .. } => Some(*kind),
            Self::One(address) | Self::Keys(address, _) | Self::Certificates(address, _) => Some(address.kind),
            _ => None,
        }
    }
}

fn percent_decode(segment: &str) -> String {
    // `+` is itself in a path, but a space in a form.
    let escaped = segment.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

fn unknown(path: &str) -> Failure {
    Failure::not_found("InvalidResourceType", format!("The path '{path}' leads to no resource type."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_without_regard_to_case() {
        let path =
            "/SUBSCRIPTIONS/s/resourcegroups/rg/providers/microsoft.devices/iothubs/h/IOTHUBKEYS/service/ListKeys";
        let Ok(Target::Keys(address, Some(key))) = Target::parse(path) else { panic!("no keys") };
        assert_eq!((address.kind, address.name.as_str(), key.as_str()), (Kind::Hub, "h", "service"));
    }

    #[test]
    fn a_list_may_be_of_a_subscription_or_of_a_group() {
        let path = "/subscriptions/s/providers/Microsoft.Devices/provisioningServices";
        assert!(matches!(Target::parse(path), Ok(Target::List { group: None, kind: Kind::Dps, .. })));
        let path = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.IoTCentral/iotApps";
        assert!(matches!(Target::parse(path), Ok(Target::List { group: Some(_), kind: Kind::App, .. })));
        let path = "/subscriptions/s/resourceGroups/rg/resources";
        assert!(matches!(Target::parse(path), Ok(Target::Resources { group: Some(_), .. })));
    }

    #[test]
    fn types_of_other_providers_exist_and_unknown_types_of_the_own_ones_do_not() {
        let sites = Target::parse("/subscriptions/s/providers/Microsoft.Web/sites");
        assert!(matches!(sites, Ok(Target::Foreign { single: false, .. })));
        let site = Target::parse("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/one");
        assert!(matches!(site, Ok(Target::Foreign { single: true, .. })));
        assert!(Target::parse("/subscriptions/s/providers/Microsoft.Devices/toasters").is_err());
    }
}
