//! From a template to an answer.

use askama::Template;
use aws_lc_rs::digest;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets::names_etag;
use super::errors::PageError;

/// Whether the request was made by htmx, which wants a fragment.
#[must_use]
pub fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

/// A page or fragment, answered with 200.
///
/// # Errors
/// The template cannot be rendered.
pub fn page(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render()?).into_response())
}

/// A form shown again with its mistakes, answered with 422, which htmx swaps like a success.
///
/// # Errors
/// The template cannot be rendered.
pub fn rejected_form(template: &impl Template) -> Result<Response, PageError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(template.render()?)).into_response())
}

/// A fragment that is polled: its entity tag is a hash of its content, and who has it already gets a bare 304.
///
/// # Errors
/// The template cannot be rendered.
pub fn polled(template: &impl Template, asked: &HeaderMap) -> Result<Response, PageError> {
    let html = template.render()?;
    let hash = digest::digest(&digest::SHA256, html.as_bytes());
    let etag = hash.as_ref().iter().take(12).fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    let mut answer =
        if names_etag(asked, &etag) { StatusCode::NOT_MODIFIED.into_response() } else { Html(html).into_response() };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}
