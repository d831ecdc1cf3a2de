//! Pages of ARM lists.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::failure::Failure;

/// One page of `items` with an absolute `nextLink` if there is more.
///
/// # Errors
/// 400 for a skip token that was not made here.
pub fn page(items: &[Value], path: &str, query: &[(String, String)], size: usize) -> Result<Value, Failure> {
    let token = query.iter().find(|(key, _)| key.eq_ignore_ascii_case("$skiptoken")).map(|(_, value)| value.as_str());
    let from = match token {
        Some(token) => decode(token)
            .ok_or_else(|| Failure::bad_request("InvalidSkipToken", "The provided skip token is invalid."))?,
        None => 0,
    };
    let until = items.len().min(from.saturating_add(size.max(1)));
    let mut body = json!({ "value": items.get(from..until).unwrap_or_default() });
    if until < items.len() {
        let others = query.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("$skiptoken"));
        let next = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("$skiptoken", &encode(until))
            .finish();
        body["nextLink"] = json!(format!("https://management.azure.com{path}?{next}"));
    }
    Ok(body)
}

/// An opaque token for "go on from here".
#[must_use]
pub fn encode(from: usize) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "skip": from }).to_string())
}

/// What [`encode`] made.
#[must_use]
pub fn decode(token: &str) -> Option<usize> {
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    usize::try_from(value["skip"].as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_next_links_reads_everything_once() {
        let items: Vec<Value> = (0..5).map(Value::from).collect();
        let mut query = vec![("api-version".to_owned(), "2022-12-01".to_owned())];
        let mut seen = Vec::new();
        loop {
            let body = page(&items, "/subscriptions", &query, 2).unwrap();
            seen.extend(body["value"].as_array().unwrap().clone());
            let Some(next) = body["nextLink"].as_str() else { break };
            query = url::Url::parse(next).unwrap().query_pairs().into_owned().collect();
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn a_foreign_skip_token_is_refused() {
        assert!(page(&[], "/", &[("$skiptoken".to_owned(), "x".to_owned())], 2).is_err());
    }
}
