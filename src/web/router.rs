//! All routes, and the layers around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, RequestId, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use super::errors::{self, PageError};
use super::security::{self, SecurityHeaders};
use super::site::Site;
use super::state::Web;
use super::{about, assets, clean_up, home, keys, migration, new, packing, paths, setup, sign_in, status, take_along};
use crate::identity::SessionLayer;

/// The largest form taken, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How long a page may take. Longer work runs in the background, and pages poll for it.
const TIME_OUT: Duration = Duration::from_secs(30);
/// How long may take what is read from applications while it is waited for: each shows 20 pages a second.
const SLOW_TIME_OUT: Duration = Duration::from_secs(600);

/// The program with sign-in.
pub fn configured(web: Web, sessions: SessionLayer) -> Router {
    let site = Arc::clone(&web.site);
    let pages = Router::new()
        .merge(home::router())
        .merge(new::router())
        .merge(new::create_router())
        .merge(keys::router())
        .merge(sign_in::router())
        .merge(setup::router())
        .merge(about::router())
        .merge(migration::router())
        .merge(clean_up::router())
        .merge(status::router())
        .merge(take_along::router())
        .fallback(async || PageError::NotFound)
        .layer(from_fn_with_state(web.clone(), errors::tell_viewer))
        .layer(sessions.clone())
        .merge(assets::router())
        .layer(time_out(TIME_OUT));
    let slow = take_along::downloads()
        .merge(status::slow_router())
        .layer(from_fn_with_state(web.clone(), errors::tell_viewer))
        .layer(sessions)
        .layer(time_out(SLOW_TIME_OUT));
    guarded(pages.merge(slow).with_state(web), site)
}

/// The program before anything is configured: every address leads to the set-up page.
pub fn unconfigured(site: Arc<Site>) -> Router {
    let pages = Router::new()
        .merge(setup::router())
        .merge(about::router())
        .merge(assets::router())
        .fallback(async || Redirect::to(paths::SETUP))
        .layer(time_out(TIME_OUT))
        .with_state(Arc::clone(&site));
    guarded(pages, site)
}

/// Puts the layers around; the first named is the first that a request meets.
pub(super) fn guarded(pages: Router, site: Arc<Site>) -> Router {
    let trace =
        TraceLayer::new_for_http().make_span_with(span).on_response(DefaultOnResponse::new().level(Level::DEBUG));
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(trace)
        .layer(from_fn_with_state(SecurityHeaders::of(&site), security::set_headers))
        .layer(from_fn(packing::pack))
        .layer(from_fn_with_state(Arc::clone(&site), errors::dress))
        .layer(CatchPanicLayer::custom(errors::after_panic))
        .layer(from_fn_with_state(site, security::check_host))
        .layer(from_fn(security::check_origin))
        .layer(RequestBodyLimitLayer::new(MAX_BODY));
    pages.layer(layers)
}

fn time_out(limit: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limit)
}

/// The span of a request: its path, never its query, which can carry an authorization code.
fn span<B>(request: &Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}
