//! Style sheet, scripts and icons: built into the program, compressed once, and addressed by their content.
//!
//! An address carries a hash of the content, so a browser may keep an asset for ever and still never shows an old one.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, DirEntry, include_dir};

use super::errors::PageError;
use super::paths;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static");
static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    collect(&FILES, &mut assets);
    assets
});

#[derive(Debug)]
struct Asset {
    content: &'static [u8],
    /// Absent where compressing gains nothing.
    gzip: Option<Vec<u8>>,
    hash: String,
    url: String,
    media_type: HeaderValue,
}

fn collect(dir: &'static Dir<'static>, assets: &mut BTreeMap<&'static str, Asset>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, assets),
            DirEntry::File(file) => {
                if let Some(path) = file.path().to_str() {
                    assets.insert(path, Asset::new(path, file.contents()));
                }
            }
        }
    }
}

impl Asset {
    fn new(path: &str, content: &'static [u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, content);
        let hash: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let media_type = mime_guess::from_path(path).first_or_octet_stream();
        let charset = if media_type.type_() == "text" { "; charset=utf-8" } else { "" };
        Self {
            content,
            gzip: gzip(content).filter(|packed| packed.len() < content.len()),
            url: format!("{}/{hash}/{path}", paths::STATIC),
            hash,
            media_type: HeaderValue::from_str(&format!("{media_type}{charset}"))
                .unwrap_or(HeaderValue::from_static("application/octet-stream")),
        }
    }

    fn answer(&self, asked_hash: &str, headers: &HeaderMap) -> Response {
        let keep = if asked_hash == self.hash { "public, max-age=31536000, immutable" } else { "no-cache" };
        let etag = format!("\"{}\"", self.hash);
        let mut answer = HeaderMap::new();
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(value) = HeaderValue::from_str(&etag) {
            answer.insert(header::ETAG, value);
        }
        if names_etag(headers, &etag) {
            return (StatusCode::NOT_MODIFIED, answer).into_response();
        }
        answer.insert(header::CONTENT_TYPE, self.media_type.clone());
        match &self.gzip {
            Some(packed) if accepts_gzip(headers) => {
                answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                (answer, packed.clone()).into_response()
            }
            _ => (answer, self.content).into_response(),
        }
    }
}

/// The content, compressed.
pub(super) fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

/// Whether `If-None-Match` names the entity tag (weak comparison, as for GET).
pub(super) fn names_etag(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether a browser takes compressed content.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        is_gzip && !parts.any(|weight| weight.trim_start_matches("q=").parse() == Ok(0.0_f32))
    })
}

/// The address of an asset, for templates. A name that is not embedded leads to a 404; a test looks through the
/// templates for such names.
#[must_use]
pub fn url(path: &str) -> &'static str {
    ASSETS.get(path).map_or(paths::STATIC, |asset| &asset.url)
}

/// Compresses everything now, so that the first page does not wait for it.
pub fn prepare() {
    LazyLock::force(&ASSETS);
}

/// Routes of the assets. HEAD is answered like GET, without the body.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(&format!("{}/{{hash}}/{{*path}}", paths::STATIC), get(asset))
}

async fn asset(Path((hash, path)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, PageError> {
    let asset = ASSETS.get(path.as_str()).ok_or(PageError::NotFound)?;
    Ok(asset.answer(&hash, &headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(content: &[u8]) -> String {
        digest::digest(&digest::SHA256, content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn vendored_scripts_are_the_ones_that_were_reviewed() {
        let list = FILES.get_file("vendor/SHA256SUMS").unwrap().contents_utf8().unwrap();
        let listed: Vec<_> = list.lines().filter_map(|line| line.split_once("  ")).collect();
        let scripts =
            FILES.get_dir("vendor").unwrap().files().filter(|f| f.path().extension().unwrap_or_default() == "js");
        assert_eq!(listed.len(), scripts.count(), "a script is not listed, or listed without being there");
        for (sum, name) in listed {
            let file = FILES.get_file(format!("vendor/{name}")).unwrap();
            assert_eq!(hex(file.contents()), sum, "{name}");
        }
    }

    #[test]
    fn templates_name_only_assets_that_exist() {
        static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");
        let mut files = Vec::new();
        let mut dirs = vec![&TEMPLATES];
        while let Some(dir) = dirs.pop() {
            files.extend(dir.files());
            dirs.extend(dir.dirs());
        }
        let mut named = 0;
        for file in files {
            for after in file.contents_utf8().unwrap().split("assets::url(\"").skip(1) {
                let name = after.split('"').next().unwrap();
                assert!(ASSETS.contains_key(name), "{}: {name}", file.path().display());
                named += 1;
            }
        }
        assert!(named >= 6);
    }

    #[test]
    fn a_cold_first_page_loads_less_than_40_kb() {
        let wire = |name: &str| ASSETS[name].gzip.as_ref().map_or(ASSETS[name].content.len(), Vec::len);
        let parts = ["app.css", "app.js", "icons.svg", "favicon.svg"].into_iter();
        let vendor = ["vendor/htmx-2.0.11.min.js", "vendor/idiomorph-ext-0.8.0.min.js"];
        let total: usize = parts.chain(vendor).map(wire).sum();
        // The rest of the 40 KB is for the page itself and the headers.
        assert!(total < 30 * 1024, "{total} bytes");
    }

    #[test]
    fn a_browser_is_given_gzip_only_if_it_takes_it() {
        let asked = |coding: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
            accepts_gzip(&headers)
        };
        assert!(asked("gzip, deflate, br"));
        assert!(asked("br;q=1.0, GZIP;q=0.5"));
        assert!(!asked("br"));
        assert!(!asked("gzip;q=0"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
