//! Names under which secrets stand. Case, dashes and underscores make no difference.

/// Names that are secrets by what is in them.
const ANYWHERE: [&str; 13] = [
    "password",
    "passphrase",
    "passwd",
    "secret",
    "connectionstring",
    "accesskey",
    "accountkey",
    "apikey",
    "privatekey",
    "sharedaccess",
    "sastoken",
    "sasuri",
    "sasurl",
];
/// Names that are secrets by how they end.
const ENDINGS: [&str; 8] = ["key", "keys", "token", "tokens", "pwd", "psk", "passcode", "signature"];
/// Names that are secrets as they are.
const EXACT: [&str; 6] = ["sas", "sig", "cookie", "setcookie", "pass", "pin"];
/// Names that only look like it. A map of DTDL has a `mapKey`; the name of a policy opens nothing.
const HARMLESS: [&str; 6] =
    ["mapkey", "sharedaccesskeyname", "sharedaccesspolicyname", "partitionkey", "rowkey", "publickey"];
/// Parameters of an address that let whoever has it in; elsewhere these words mean other things.
const IN_ADDRESSES: [&str; 5] = ["code", "auth", "credential", "subscriptionkey", "apikey"];

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whatever stands under that name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = plain(name);
    !HARMLESS.contains(&name.as_str())
        && (EXACT.contains(&name.as_str())
            || ANYWHERE.iter().any(|part| name.contains(part))
            || ENDINGS.iter().any(|end| name.ends_with(end)))
}

/// The same, or one that is a secret in an address.
pub(super) fn is_secret_in_address(name: &str) -> bool {
    is_secret(name) || is_sign_in(name) || IN_ADDRESSES.contains(&plain(name).as_str())
}

/// How somebody signs in stands under that name: parts of it are secrets.
pub(super) fn is_sign_in(name: &str) -> bool {
    matches!(plain(name).as_str(), "authorization" | "proxyauthorization" | "credential" | "credentials")
}

/// Under that name stand values whose names somebody chose, and which are secrets as often as not: headers and parameters of
/// webhooks, environment variables and arguments of containers.
pub(super) fn holds_secrets(name: &str) -> bool {
    matches!(
        plain(name).as_str(),
        "headercustomizations"
            | "querycustomizations"
            | "headers"
            | "env"
            | "environmentvariables"
            | "cmd"
            | "entrypoint"
            | "args"
    )
}

/// Options of a container as a deployment manifest has them: one text of JSON, or the pieces of one.
pub(super) fn is_container_options(name: &str) -> bool {
    plain(name).starts_with("createoptions")
}

/// Parts of it may be shown.
pub(super) fn is_connection_string(name: &str) -> bool {
    plain(name).ends_with("connectionstring")
}

/// A field that tells what another one beside it is the value of.
pub(super) fn is_label(name: &str) -> bool {
    matches!(name, "name" | "path" | "key" | "header")
}

/// That other one.
pub(super) fn is_given_value(name: &str) -> bool {
    matches!(plain(name).as_str(), "value" | "initialvalue" | "defaultvalue")
}

/// Parts of connection strings that say where, not with what.
pub(super) fn says_where(part: &str) -> bool {
    matches!(
        plain(part).as_str(),
        "endpoint"
            | "defaultendpointsprotocol"
            | "accountname"
            | "endpointsuffix"
            | "blobendpoint"
            | "hostname"
            | "entitypath"
            | "sharedaccesskeyname"
    )
}
