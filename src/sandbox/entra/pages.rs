//! The pages that a person sees while signing in. They work without JavaScript.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::scope::ResourceKind;
use crate::sandbox::world::Person;

/// One person on the sign-in page.
#[derive(Debug)]
pub struct Choice {
    oid: String,
    /// Display name.
    pub name: String,
    username: String,
    tenant: String,
    note: String,
    /// Named by the request's `login_hint`.
    pub suggested: bool,
}

impl Choice {
    /// How `person` is offered, given the name of the home tenant and the request's hint.
    #[must_use]
    pub fn new(person: &Person, tenant: String, hint: &str) -> Self {
        Self {
            oid: person.oid.clone(),
            name: person.name.clone(),
            username: person.username.clone(),
            tenant,
            note: person.note.clone(),
            suggested: !hint.is_empty() && person.username.eq_ignore_ascii_case(hint),
        }
    }
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>{{ title }} – simulated Azure</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark;color:light-dark(#1b1b1b,#f3f3f3);background:light-dark(#fff,#1a1a1a)}
.banner{background:light-dark(#fff4ce,#332500);border:1px solid #8a6d00;padding:.5rem 1rem}
ul{list-style:none;padding:0}li{margin:.5rem 0}
button{font:inherit;text-align:left;padding:.5rem 1rem;border:1px solid light-dark(#555,#8f8f8f);border-radius:4px;color:inherit;background:light-dark(#f5f5f5,#242424);cursor:pointer}
li button{width:100%}button:hover{background:light-dark(#e5efff,#10283f)}button:focus-visible{outline:3px solid light-dark(#0b5cad,#7ab8f5)}
small{display:block;color:light-dark(#444,#c2c2c2)}
</style></head><body><main>
<p class="banner">This is a simulated Azure. No real account is used.</p>
<h1>{{ title }}</h1>{{ body|safe }}</main></body></html>"#
)]
struct Page<'a> {
    title: &'a str,
    body: String,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<form method="post" action="{{ action }}"><ul>
{% for person in people %}<li><button name="person" value="{{ person.oid }}"{% if person.suggested %} autofocus{% endif %}>
{{ person.name }} <small>{{ person.username }} · {{ person.tenant }}{% if person.suggested %} · suggested{% endif %}</small>
{% if !person.note.is_empty() %}<small>{{ person.note }}</small>{% endif %}</button></li>
{% endfor %}</ul>
<p><button name="decision" value="cancel">Cancel</button></p></form>"#
)]
struct Picker {
    people: Vec<Choice>,
    action: String,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>{{ person.name }} ({{ person.username }}), this application would like to act for you in:</p>
<ul>{% for resource in resources %}<li>{{ resource }}</li>{% endfor %}</ul>
<form method="post" action="{{ action }}"><input type="hidden" name="person" value="{{ person.oid }}">
<button name="decision" value="accept">Accept</button> <button name="decision" value="cancel">Cancel</button></form>"#
)]
struct Consent<'a> {
    person: &'a Person,
    resources: Vec<&'static str>,
    action: String,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<form method="post" action="{{ target }}" id="back">
{% for field in fields %}<input type="hidden" name="{{ field.0 }}" value="{{ field.1 }}">
{% endfor %}<button>Continue</button></form><script>document.getElementById("back").submit()</script>"#
)]
struct FormPost<'a> {
    target: &'a str,
    fields: &'a [(&'a str, String)],
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<form><label for="otc">Code shown on your device</label>
<input id="otc" name="otc" autocomplete="off" required> <button>Next</button></form>
{% if unknown %}<p role="alert">That code didn’t work. Check the code and try again.</p>{% endif %}"#
)]
struct EnterCode {
    unknown: bool,
}

#[derive(Template)]
#[template(ext = "html", source = "<p>{{ text }}</p>")]
struct Paragraph<'a> {
    text: &'a str,
}

/// Pick an account.
#[must_use]
pub fn picker(people: Vec<Choice>, action: String) -> Response {
    page(StatusCode::OK, "Pick an account", &Picker { people, action })
}

/// Permissions requested.
#[must_use]
pub fn consent(person: &Person, resources: &[ResourceKind], action: String) -> Response {
    let resources = resources.iter().map(|kind| kind.display_name()).collect();
    page(StatusCode::OK, "Permissions requested", &Consent { person, resources, action })
}

/// Sends the browser back by POST (`response_mode=form_post`).
#[must_use]
pub fn form_post(target: &str, fields: &[(&str, String)]) -> Response {
    page(StatusCode::OK, "Signed in", &FormPost { target, fields })
}

/// An error that Microsoft shows itself and does not tell the application.
#[must_use]
pub fn failure(text: &str) -> Response {
    page(StatusCode::BAD_REQUEST, "Sorry, but we’re having trouble signing you in", &Paragraph { text })
}

/// Where the code of a device is entered; `unknown` after one that is not good.
#[must_use]
pub fn enter_code(unknown: bool) -> Response {
    page(StatusCode::OK, "Enter code to allow access", &EnterCode { unknown })
}

/// The end of a sign-in on another device.
#[must_use]
pub fn device_done(text: &str) -> Response {
    page(StatusCode::OK, "You can close this window", &Paragraph { text })
}

/// The end of a sign-out without a way back.
#[must_use]
pub fn signed_out() -> Response {
    page(StatusCode::OK, "You signed out of your account", &Paragraph { text: "You can close this window." })
}

fn page(status: StatusCode, title: &str, body: &impl Template) -> Response {
    let rendered = body.render().and_then(|body| Page { title, body }.render());
    match rendered {
        Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the sandbox's page did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
