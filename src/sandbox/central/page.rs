//! Collections: `{ "value": […], "nextLink": … }` with an absolute link that carries an opaque token.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::door::{Call, Version};
use super::fault::Fault;
use crate::sandbox::wire;

/// The most items that a client may ask for on one page.
const LARGEST: usize = 100;

/// The key after which the page that the client asks for begins.
pub(super) fn after(call: &Call) -> Result<Option<String>, Fault> {
    let token = wire::param(&call.uri, "$skiptoken");
    let wrong = || Fault::bad_request("The continuation token is not valid.");
    token.map(|token| decode(&token).ok_or_else(wrong)).transpose()
}

/// One page of `items`, which are ordered by their key. Only those on the page are shown: collections can be large.
pub(super) fn answer<'a, T>(
    call: &Call,
    items: impl IntoIterator<Item = (&'a str, T)>,
    show: impl Fn(T) -> Value,
) -> Result<Response, Fault> {
    let size = page_size(call)?;
    let after = after(call)?;
    let mut rest =
        items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after.as_str())).peekable();
    let (mut page, mut last) = (Vec::new(), String::new());
    while page.len() < size
        && let Some((key, item)) = rest.next()
    {
        key.clone_into(&mut last);
        page.push(show(item));
    }
    let mut body = json!({"value": page});
    if rest.peek().is_some() {
        body["nextLink"] = json!(next_link(call, &last));
    }
    Ok(wire::ok(&body))
}

fn page_size(call: &Call) -> Result<usize, Fault> {
    let default = call.shared.options().central_page_size;
    let asked = match call.version {
        Version::NewPreview => wire::param(&call.uri, "maxpagesize"),
        Version::Ga | Version::OldPreview => wire::param(&call.uri, "$top"),
    };
    let Some(asked) = asked else { return Ok(default) };
    match asked.parse::<usize>() {
        Ok(size @ 1..=LARGEST) => Ok(size),
        _ => Err(Fault::bad_request(format!("The page size must be from 1 to {LARGEST}."))),
    }
}

fn next_link(call: &Call, last: &str) -> String {
    let query = call.uri.query().unwrap_or_default();
    let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "$skiptoken");
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(kept);
    let token = URL_SAFE_NO_PAD.encode(format!("[\"{last}\"]"));
    // Azure writes its parameters with a bare dollar sign.
    let query = format!("{}&$skiptoken={token}", pairs.finish().replace("%24", "$"));
    format!("https://{}.azureiotcentral.com{}?{query}", call.sub, call.uri.path())
}

fn decode(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    Some(text.strip_prefix("[\"")?.strip_suffix("\"]")?.to_owned())
}
