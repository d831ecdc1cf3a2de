//! Secrets within a text, told by how they are written.

use url::Url;
use url::form_urlencoded;

use super::{MASK, names};

/// A part of an address that is as long as this, and no word, is taken for the secret that lets callers in.
const TELLING_LENGTH: usize = 16;

/// The text without the secrets in it; `None` if there are none.
pub(super) fn without_secrets(text: &str) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some(MASK.to_owned());
    }
    let clean = words(&accounts(&pairs(text)));
    if clean != text {
        return Some(clean);
    }
    // `SharedAccessKey%3D…`: what is encoded cannot be cut to pieces here.
    if !text.contains('%') {
        return None;
    }
    let decoded = form_urlencoded::parse(text.as_bytes());
    let mut decoded = decoded.flat_map(|(name, value)| [name.into_owned(), value.into_owned()]);
    let hides = |part: &String| part.contains('=') && pairs(part) != *part;
    decoded.any(|part| hides(&part)).then(|| MASK.to_owned())
}

/// A connection string: where it leads is kept, everything else is left out.
pub(super) fn connection_string(text: &str) -> String {
    let kept = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let shown = if names::says_where(name) && without_secrets(value).is_none() { value } else { MASK };
        Some(format!("{name}={shown}"))
    };
    let parts = text.split(';').filter(|part| !part.is_empty());
    let parts: Option<Vec<String>> = parts.map(kept).collect();
    parts.filter(|parts| !parts.is_empty()).map_or_else(|| MASK.to_owned(), |parts| parts.join(";"))
}

/// The address of a webhook: often a secret in itself. Kept are the host, the words of the path and the names of parameters.
pub(super) fn address(text: &str) -> String {
    let Some(url) = Url::parse(text).ok().filter(|url| url.origin().is_tuple()) else { return MASK.to_owned() };
    let shown = |segment: &str| if is_telling(segment) { MASK.to_owned() } else { segment.to_owned() };
    let path: Vec<String> = url.path().split('/').map(shown).collect();
    let mut clean = format!("{}{}", url.origin().ascii_serialization(), path.join("/"));
    let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}={MASK}")).collect();
    if !names.is_empty() {
        clean.push('?');
        clean.push_str(&names.join("&"));
    }
    // As it was given, where nothing had to go.
    if url.as_str() == clean { text.to_owned() } else { clean }
}

fn is_telling(segment: &str) -> bool {
    segment.len() >= TELLING_LENGTH && segment != MASK && is_opaque(segment)
}

/// `name=value` and `name: value` wherever the name is one of a secret: in connection strings, signatures, addresses, notes.
fn pairs(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sign, value)) = split_at_sign(rest) {
        clean.push_str(before);
        clean.push_str(sign);
        rest = value;
        let (name, in_address) = name_before(before);
        let secret = if in_address { names::is_secret_in_address(name) } else { names::is_secret(name) };
        if secret {
            let opening = value.len() - value.trim_start_matches([' ', '"', '\'']).len();
            let (opening, inner) = value.split_at(opening);
            let length = length_of_value(opening, inner);
            if length > 0 && !inner.starts_with(MASK) {
                clean.push_str(opening);
                clean.push_str(MASK);
                rest = &inner[length..];
            }
        }
    }
    clean + rest
}

/// The text before the first sign that gives a name its value, the sign, and the text after it. A colon alone is in too many
/// ids to be one.
fn split_at_sign(text: &str) -> Option<(&str, &str, &str)> {
    let equals = text.find('=').map(|at| (at, 1));
    let colon = text.find(": ").map(|at| (at, 2));
    let (at, length) = [equals, colon].into_iter().flatten().min()?;
    Some((&text[..at], &text[at..at + length], &text[at + length..]))
}

/// The name that a text ends with, and whether it is one of a parameter of an address.
fn name_before(text: &str) -> (&str, bool) {
    let text = text.trim_end_matches([' ', '"', '\'']);
    let start = text.len() - text.chars().rev().take_while(|letter| is_of_name(*letter)).count();
    (&text[start..], text[..start].ends_with(['?', '&']))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// How long a value is that begins after `opening`: to the closing quotation mark, if it was opened by one.
fn length_of_value(opening: &str, inner: &str) -> usize {
    let ends = |letter: char| match opening.chars().next_back() {
        Some(mark @ ('"' | '\'')) => letter == mark,
        _ => letter.is_whitespace() || matches!(letter, ';' | '&' | '"' | '\'' | ',' | '<' | '>'),
    };
    inner.find(ends).unwrap_or(inner.len())
}

/// `https://user:password@host`: who signs in is left out with it.
fn accounts(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"'));
        let authority = &after[..end.unwrap_or(after.len())];
        rest = after;
        if let Some(host) = authority.rfind('@')
            && &authority[..host] != MASK
        {
            clean.push_str(MASK);
            rest = &after[host..];
        }
    }
    clean + rest
}

/// `Bearer …`, `Basic …`, and tokens that show what they are by how they begin.
fn words(text: &str) -> String {
    let mut after_scheme = false;
    let clean = text.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim_end();
        let secret = is_token(bare) || (after_scheme && is_opaque(bare));
        after_scheme = matches!(bare.to_ascii_lowercase().trim_start_matches(['"', '\'']), "bearer" | "basic");
        if secret { format!("{MASK}{}", &word[bare.len()..]) } else { word.to_owned() }
    });
    clean.collect()
}

/// No word of a language: *Basic thermostat* is one, what a browser sends after *Basic* is none.
fn is_opaque(word: &str) -> bool {
    let looks_made = |letter: char| letter.is_ascii_digit() || matches!(letter, '=' | '+' | '/' | '_');
    word.contains(looks_made) || word.chars().skip(1).any(|letter| letter.is_ascii_uppercase())
}

/// A JSON Web Token: three parts, of which the first is JSON in base64.
fn is_token(word: &str) -> bool {
    let word = word.trim_matches(|letter: char| matches!(letter, '"' | '\'' | ',' | ';'));
    word.starts_with("eyJ") && word.matches('.').count() >= 2
}
