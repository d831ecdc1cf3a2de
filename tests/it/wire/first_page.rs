//! How much a browser that was never here has to fetch, and from whom.

use std::io::Read;

use flate2::read::GzDecoder;
use scraper::{Html, Selector};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::lab::Lab;
use crate::support::person::Person;
use crate::support::program::Program;

/// What a first page and everything that it needs may weigh, headers included.
const BUDGET: usize = 40_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_with_all_it_needs_is_light_and_comes_from_the_program_alone() {
    let lab = Lab::start(20).await;
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    assert_light(&program, "").await;
    ada.sign_in("Ada").await;
    let cookie = format!("iotc_migrator_{}={}", program.port, ada.cookie_of_program(&program));
    assert_light(&program, &cookie).await;
}

async fn assert_light(program: &Program, cookie: &str) {
    let (weight, page) = fetch(program, "/", cookie).await;
    let mut fetched = vec![("/".to_owned(), weight)];
    for path in needed(&page) {
        assert!(path.starts_with('/') && !path.starts_with("//"), "from elsewhere: {path}");
        let path = path.split('#').next().expect("a path").to_owned();
        if fetched.iter().any(|(known, _)| *known == path) {
            continue;
        }
        let (weight, content) = fetch(program, &path, cookie).await;
        assert!(!content.contains("@import") && !content.contains("url(http"), "{path} fetches more");
        fetched.push((path, weight));
    }
    let total: usize = fetched.iter().map(|(_, weight)| weight).sum();
    assert!(fetched.len() > 3, "{fetched:?}");
    assert!(total < BUDGET, "{total} bytes: {fetched:?}");
}

/// What a browser fetches by itself for a page.
fn needed(page: &str) -> Vec<String> {
    let document = Html::parse_document(page);
    let of = |selector: &str, attribute: &str| {
        let selector = Selector::parse(selector).expect("a selector");
        let found = document.select(&selector).filter_map(|element| element.value().attr(attribute).map(str::to_owned));
        found.collect::<Vec<_>>()
    };
    [
        of("link[href]", "href"),
        of("script[src]", "src"),
        of("img[src]", "src"),
        of("use[href]", "href"),
        of("[hx-trigger~=load][hx-get]", "hx-get"),
    ]
    .concat()
}

/// What crosses the wire for a path, in bytes, and the text that it carries.
async fn fetch(program: &Program, path: &str, cookie: &str) -> (usize, String) {
    let port = program.port;
    let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept-Encoding: gzip\r\n{cookie}Connection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("reads");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("headers") + 4;
    let headers = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    assert!(headers.starts_with("http/1.1 200"), "{path}: {headers}");
    assert!(!headers.contains("transfer-encoding"), "{path}: {headers}");
    let mut text = String::new();
    if headers.contains("content-encoding: gzip") {
        GzDecoder::new(&answer[end..]).read_to_string(&mut text).expect("gzip");
    } else {
        text = String::from_utf8(answer[end..].to_vec()).expect("text");
    }
    (answer.len(), text)
}
