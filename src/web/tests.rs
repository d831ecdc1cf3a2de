//! What the guards and the shell promise, over the whole router.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{get, post};
use serde::Deserialize;
use tower::ServiceExt;

use super::csrf::Verified;
use super::errors::PageError;
use super::router::{guarded, unconfigured};
use super::site::{SandboxLinks, Site};
use super::{assets, paths};
use crate::clock::Clock;
use crate::identity::{UserSession, Vault, session_layer};
use crate::store::Store;

fn site() -> Arc<Site> {
    Arc::new(Site { port: 3000, cloud: "public", sign_in_origin: None, sandbox: None })
}

fn get_of(path: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, "localhost:3000").body(Body::empty()).unwrap()
}

fn post_with(headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::post("/act")
        .header(header::HOST, "localhost:3000")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// A guarded router with an action that needs no token, and one that fails or panics.
fn plain() -> Router {
    let pages = Router::new()
        .route("/act", post(async || "done"))
        .route(
            "/fail",
            get(async || -> Result<(), PageError> { Err(PageError::Failed(anyhow::anyhow!("a cause within"))) }),
        )
        .route("/panic", get(async || -> () { panic!("on purpose") }))
        .fallback(async || PageError::NotFound);
    guarded(pages, site())
}

#[tokio::test]
async fn a_request_to_another_host_name_is_refused() {
    for host in ["evil.example:3000", "localhost", "localhost:3001", "localhost:3000.evil.example", "127.0.0.2:3000"] {
        let request = Request::get("/setup").header(header::HOST, host).body(Body::empty()).unwrap();
        let response = ask(&unconfigured(site()), request).await;
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(text(response).await.contains("Wrong address"));
    }
    let nameless = Request::get("/setup").body(Body::empty()).unwrap();
    assert_eq!(ask(&unconfigured(site()), nameless).await.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_loopback_names_are_ours() {
    for host in ["localhost:3000", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000"] {
        let request = Request::get("/setup").header(header::HOST, host).body(Body::empty()).unwrap();
        assert_eq!(ask(&unconfigured(site()), request).await.status(), StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let foreign = [
        vec![("origin", "https://evil.example")],
        vec![("origin", "http://localhost:4000")],
        vec![("origin", "http://127.0.0.1:3000")],
        vec![("origin", "null")],
        vec![("origin", "null"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("referer", "https://evil.example/page")],
    ];
    for headers in foreign {
        let response = ask(&plain(), post_with(&headers, "")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert!(text(response).await.contains("another site"));
    }
}

#[tokio::test]
async fn a_form_from_our_own_page_passes() {
    let own = [
        vec![("origin", "http://localhost:3000")],
        vec![("origin", "http://localhost:3000"), ("sec-fetch-site", "same-origin")],
        vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
        vec![("referer", "http://localhost:3000/migrations?page=2")],
        vec![],
    ];
    for headers in own {
        assert_eq!(ask(&plain(), post_with(&headers, "")).await.status(), StatusCode::OK, "{headers:?}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for path in ["/setup", "/nowhere", assets::url("app.css")] {
        let response = ask(&unconfigured(site()), get_of(path)).await;
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert!(headers.contains_key(header::REFERRER_POLICY));
    }
}

#[tokio::test]
async fn forms_may_lead_to_the_sign_in_host_and_nowhere_else() {
    let site = Site { sign_in_origin: Some("https://login.microsoftonline.com".into()), ..Site::clone(&site()) };
    let response = ask(&unconfigured(Arc::new(site)), get_of("/setup")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.ends_with("form-action 'self' https://login.microsoftonline.com"), "{policy}");
}

#[tokio::test]
async fn pages_are_not_kept_and_assets_are_kept_for_ever() {
    let page = ask(&unconfigured(site()), get_of("/setup")).await;
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    let url = assets::url("app.css");
    let asset = ask(&unconfigured(site()), get_of(url)).await;
    assert_eq!(asset.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(asset.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    let mut again = get_of(url);
    again.headers_mut().insert(header::IF_NONE_MATCH, asset.headers()[header::ETAG].clone());
    assert_eq!(ask(&unconfigured(site()), again).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_asset_asked_for_by_an_old_address_is_answered_but_not_kept() {
    let response = ask(&unconfigured(site()), get_of("/static/0123456789abcdef/app.css")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let mut request = get_of(assets::url("app.js"));
    *request.method_mut() = axum::http::Method::HEAD;
    let response = ask(&unconfigured(site()), request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.is_empty());
}

#[tokio::test]
async fn while_nothing_is_configured_every_address_leads_to_the_set_up_page() {
    for path in ["/", "/migrations", "/sign-in?return_to=/x"] {
        let response = ask(&unconfigured(site()), get_of(path)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], paths::SETUP);
    }
    let page = text(ask(&unconfigured(site()), get_of("/setup")).await).await;
    assert!(page.contains("http://localhost:3000"));
    assert!(
        page.contains("797f4846-ba00-4fd7-ba43-dac1f8f63013") && page.contains("9edfcdd9-0bc5-4bd4-b287-c3afc716aac7")
    );
}

#[tokio::test]
async fn the_migration_component_can_be_downloaded() {
    let response = ask(&unconfigured(site()), get_of(paths::DEVICE_MIGRATION_JSON)).await;
    assert!(response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    let model: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(model["@id"], "dtmi:azureiot:DeviceMigration;1");
    assert_eq!(model["contents"][0]["name"], "DeviceMove");
    assert_eq!(model["contents"][0]["request"]["schema"]["fields"][0]["name"], "idScope");
}

#[tokio::test]
async fn an_error_is_a_page_with_a_reference_and_without_its_cause() {
    for path in ["/fail", "/panic"] {
        let response = ask(&plain(), get_of(path)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let page = text(response).await;
        assert!(page.contains("<nav") && page.contains("Reference"), "{page}");
        assert!(!page.contains("a cause within") && !page.contains("on purpose"), "{page}");
    }
}

#[tokio::test]
async fn htmx_is_answered_with_a_message_in_place_of_a_page() {
    let mut request = get_of("/fail");
    request.headers_mut().insert("hx-request", "true".parse().unwrap());
    let fragment = text(ask(&plain(), request).await).await;
    assert!(fragment.contains("class=\"message error\"") && !fragment.contains("<html"), "{fragment}");
}

#[tokio::test]
async fn bare_errors_of_the_layers_become_pages_too() {
    let response = ask(&plain(), get_of("/act")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "POST");
    assert!(text(response).await.contains("cannot be done here"));
}

#[tokio::test]
async fn the_sandbox_is_announced_on_every_page() {
    let links = SandboxLinks {
        truth: "http://localhost:9/truth".into(),
        proxy: "http://127.0.0.1:8".into(),
        ca_file: "ca".into(),
    };
    let site = Arc::new(Site { sandbox: Some(links), ..Site::clone(&site()) });
    for path in ["/setup", "/about"] {
        let page = text(ask(&unconfigured(Arc::clone(&site)), get_of(path)).await).await;
        assert!(page.contains("simulated Azure") && page.contains("http://localhost:9/truth"), "{path}");
    }
}

#[derive(Deserialize)]
struct Wish {
    name: String,
}

/// A router whose `/token` gives the session's anti-forgery token and whose `/act` takes a form.
async fn with_sessions(dir: &std::path::Path) -> Router {
    let store = Store::open(&dir.join("test.db")).await.unwrap();
    let sessions = session_layer(store, Vault::open(dir, None).unwrap(), Clock::system(), 3000);
    let pages = Router::new()
        .route("/token", get(async |session: UserSession| session.csrf_token().await.unwrap()))
        .route("/act", post(async |Verified(wish): Verified<Wish>| wish.name))
        .layer(sessions);
    guarded(pages, site())
}

async fn session_and_token(router: &Router) -> (String, String) {
    let response = ask(router, get_of("/token")).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("iotc_migrator_3000=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax")
    );
    (cookie.split(';').next().unwrap().to_owned(), text(response).await)
}

#[tokio::test]
async fn a_form_is_read_only_with_the_token_of_its_own_session() {
    let dir = tempfile::tempdir().unwrap();
    let router = with_sessions(dir.path()).await;
    let (cookie, token) = session_and_token(&router).await;
    let (_, other) = session_and_token(&router).await;
    let send = async |cookie: &str, body: String| ask(&router, post_with(&[("cookie", cookie)], &body)).await;

    let good = send(&cookie, format!("_csrf={token}&name=line+1")).await;
    assert_eq!(good.status(), StatusCode::OK);
    assert_eq!(text(good).await, "line 1");
    for bad in ["name=x".to_owned(), "_csrf=&name=x".to_owned(), format!("_csrf={other}&name=x")] {
        let response = send(&cookie, bad).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(text(response).await.contains("Reload the page"));
    }
    assert_eq!(send("", format!("_csrf={token}&name=x")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&cookie, format!("_csrf={token}")).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_with_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let router = with_sessions(dir.path()).await;
    let (cookie, token) = session_and_token(&router).await;
    let body = format!("_csrf={token}&name={}", "x".repeat(2 * 1024 * 1024));
    let response = ask(&router, post_with(&[("cookie", &cookie)], &body)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(response).await.contains("Too much was sent"));
}
