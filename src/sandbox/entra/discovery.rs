//! The documents by which clients find everything else: OpenID configuration, keys, and MSAL's list of clouds.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::tenant::Authority;
use crate::sandbox::state::Shared;

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub async fn configuration(State(shared): State<Shared>, Path(tenant): Path<String>, headers: HeaderMap) -> Response {
    let Some(authority) = shared.look(|world| Authority::parse(world, &tenant)) else {
        return unknown_tenant(&tenant).into_token_response(shared.clock().now());
    };
    let base = format!("{}/{}", base_url(&shared, &headers), authority.segment());
    to_all(json!({
        "issuer": format!("https://login.microsoftonline.com/{}/v2.0", authority.issuer_tenant()),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }))
}

/// `GET /{tenant}/.well-known/openid-configuration`: the issuer and keys of access tokens of version 1.
pub async fn configuration_v1(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(authority) = shared.look(|world| Authority::parse(world, &tenant)) else {
        return unknown_tenant(&tenant).into_token_response(shared.clock().now());
    };
    let base = format!("{}/{}", base_url(&shared, &headers), authority.segment());
    to_all(json!({
        "issuer": format!("https://sts.windows.net/{}/", authority.issuer_tenant()),
        "authorization_endpoint": format!("{base}/oauth2/authorize"),
        "token_endpoint": format!("{base}/oauth2/token"),
        "device_authorization_endpoint": format!("{base}/oauth2/devicecode"),
        "jwks_uri": format!("{base}/discovery/keys"),
        "end_session_endpoint": format!("{base}/oauth2/logout"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }))
}

/// Scripts of any origin may read these documents.
fn to_all(body: Value) -> Response {
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(body)).into_response()
}

/// `GET /{tenant}/discovery/v2.0/keys`
pub async fn keys(State(shared): State<Shared>) -> Response {
    to_all(shared.peek_entra(|entra| entra.key.jwks()))
}

/// `GET /common/discovery/instance`: MSAL asks it whether the host is one of Microsoft's.
pub async fn instance() -> Response {
    let host = "login.microsoftonline.com";
    to_all(json!({
        "tenant_discovery_endpoint": format!("https://{host}/common/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": "login.windows.net",
            "aliases": [host, "login.windows.net", "login.microsoft.com", "sts.windows.net"] }],
    }))
}

/// Where the caller reached this: Entra's real name through the proxy, or the sign-in page's own address.
fn base_url(shared: &Shared, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host.starts_with("localhost") || host.starts_with("127.0.0.1") {
        shared.sign_in_base().to_owned()
    } else {
        "https://login.microsoftonline.com".to_owned()
    }
}

/// AADSTS90002.
pub fn unknown_tenant(tenant: &str) -> Failure {
    Failure::invalid_request(
        90002,
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud."
        ),
    )
}
