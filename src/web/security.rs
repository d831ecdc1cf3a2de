//! The layers that stand before every page of a server on localhost: who may be meant by a request, where it may come
//! from, and what a browser may do with the answer.
//!
//! A page of any site can make the browser talk to localhost. The `Host` list ends DNS rebinding (where the browser
//! itself takes the foreign page for ours), the `Origin` rule and the anti-forgery token ([`super::csrf`]) end forged
//! forms, and the headers keep our pages from being framed, sniffed or scripted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::errors::PageError;
use super::site::Site;

/// Refuses requests that were made to another host name than ours.
pub async fn check_host(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let hosts = site.hosts();
    let ours = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    let mut named = request.headers().get_all(header::HOST).iter();
    let only = named.next().and_then(|host| host.to_str().ok()).filter(|_| named.next().is_none());
    let in_target = request.uri().authority().is_none_or(|authority| ours(authority.as_str()));
    if in_target && only.is_some_and(ours) { next.run(request).await } else { PageError::ForeignHost.into_response() }
}

/// Refuses requests that could change something and come from a page of another site.
pub async fn check_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || comes_from_us(request.headers()) {
        next.run(request).await
    } else {
        PageError::ForeignOrigin.into_response()
    }
}

/// `Origin` decides. Where the browser withholds it, `Sec-Fetch-Site` does, which pages cannot set, and else `Referer`.
/// What sends none of them is no browser, and has still to show the anti-forgery token.
fn comes_from_us(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let ours = format!("http://{host}");
    let site = text(HeaderName::from_static("sec-fetch-site"));
    match (text(header::ORIGIN), site, text(header::REFERER)) {
        (Some(origin), site, _) if origin != "null" => {
            origin.eq_ignore_ascii_case(&ours) && site.is_none_or(|site| site == "same-origin")
        }
        (_, Some(site), _) => site == "same-origin",
        (Some(_), None, _) => false,
        (None, None, Some(referer)) => {
            Url::parse(referer).is_ok_and(|url| url.origin().ascii_serialization().eq_ignore_ascii_case(&ours))
        }
        (None, None, None) => true,
    }
}

/// Puts the security headers on every answer.
pub async fn set_headers(State(headers): State<SecurityHeaders>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let answer = response.headers_mut();
    for (name, value) in headers.0.iter() {
        answer.insert(name, value.clone());
    }
    // Pages show a person's own devices and sometimes keys; assets say for themselves that they may be kept.
    answer.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The headers that are the same on every answer.
#[derive(Debug, Clone)]
pub struct SecurityHeaders(Arc<[(HeaderName, HeaderValue)]>);

impl SecurityHeaders {
    /// The headers of a site. Forms may lead to its sign-in host, because browsers apply `form-action` to redirects too
    /// and signing out ends there.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let sign_in = site.sign_in_origin.as_deref().unwrap_or_default();
        let policy = format!(
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; \
             base-uri 'none'; frame-ancestors 'none'; form-action 'self' {sign_in}"
        );
        let policy = HeaderValue::from_str(policy.trim_end())
            .unwrap_or(HeaderValue::from_static("default-src 'self'; base-uri 'none'; frame-ancestors 'none'"));
        let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
        Self(Arc::new([
            (header::CONTENT_SECURITY_POLICY, policy),
            fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            fixed(header::X_FRAME_OPTIONS, "DENY"),
            // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
            fixed(header::REFERRER_POLICY, "same-origin"),
            fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            fixed(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
        ]))
    }
}
