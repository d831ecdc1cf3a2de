//! A person at a browser without JavaScript: follows redirects, keeps cookies, sends the forms that pages show.

use std::collections::HashMap;
use std::sync::Mutex;

use reqwest::header::{CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode, Url};

use super::lab::Lab;
use super::page::{Form, Page};
use super::program::Program;

/// Somebody with a browser of their own.
pub struct Person {
    http: reqwest::Client,
    home: String,
    cookies: Mutex<HashMap<String, HashMap<String, String>>>,
    trail: Mutex<Vec<Visit>>,
}

/// An answer that a browser got, redirects included.
#[derive(Debug, Clone)]
pub struct Visit {
    pub url: Url,
    pub status: u16,
    pub location: Option<String>,
    pub cache_control: String,
    pub body: String,
}

impl Person {
    /// A new browser, which reaches the simulated Azure through the lab's proxy.
    pub fn new(lab: &Lab, program: &Program) -> Self {
        let proxy = reqwest::Proxy::https(lab.sandbox.proxy_url()).expect("a proxy");
        let ca = reqwest::Certificate::from_pem(lab.sandbox.ca_pem().as_bytes()).expect("a certificate");
        Self::build(reqwest::Client::builder().proxy(proxy).tls_certs_merge([ca]), program)
    }

    fn build(builder: reqwest::ClientBuilder, program: &Program) -> Self {
        let http = builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, home: program.url(""), cookies: Mutex::default(), trail: Mutex::default() }
    }

    /// Opens a path of the program and follows redirects.
    pub async fn open(&self, path: &str) -> Page {
        self.send(Method::GET, self.absolute(path), None).await
    }

    /// Sends a form.
    pub async fn submit(&self, page: &Page, form: Form) -> Page {
        let base = Url::parse(&page.url).expect("a URL");
        let mut url = base.join(&form.action).expect("a URL");
        if form.method == "get" {
            url.query_pairs_mut().clear().extend_pairs(form.fields.iter());
            return self.send(Method::GET, url, None).await;
        }
        self.send(Method::POST, url, Some(form.fields)).await
    }

    /// Presses a button of a page without changing its form.
    pub async fn press(&self, page: &Page, button: &str) -> Page {
        let form = page.form_with_button(button);
        let form = form.unwrap_or_else(|| panic!("no button “{button}” on {}:\n{}", page.url, page.text()));
        self.submit(page, form).await
    }

    /// Signs in as somebody of the sandbox; gives the page on which that ends.
    pub async fn sign_in(&self, name: &str) -> Page {
        self.sign_in_to(name, "/").await
    }

    /// Signs in on the way to a page.
    pub async fn sign_in_to(&self, name: &str, path: &str) -> Page {
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let page = self.open(&format!("/sign-in?prompt=select_account&return_to={path}")).await;
        self.pick(&page, name).await
    }

    /// Picks an account on the sign-in page; once more where the tenant does not know IoT Central and it is asked again.
    pub async fn pick(&self, page: &Page, name: &str) -> Page {
        let page = self.press(page, &Self::account_button(page, name)).await;
        if page.url.starts_with(&self.home) {
            return page;
        }
        self.press(&page, &Self::account_button(&page, name)).await
    }

    /// The sign-in page's button for a person.
    fn account_button(page: &Page, name: &str) -> String {
        let found = page.texts("button").into_iter().find(|text| text.to_lowercase().contains(&name.to_lowercase()));
        found.unwrap_or_else(|| panic!("nobody called {name} on {}:\n{}", page.url, page.text()))
    }

    fn absolute(&self, path: &str) -> Url {
        Url::parse(&self.home).and_then(|home| home.join(path)).expect("a URL")
    }

    async fn send(&self, mut method: Method, mut url: Url, mut body: Option<Vec<(String, String)>>) -> Page {
        for _ in 0..12 {
            let mut request = self.http.request(method.clone(), url.clone());
            if let Some(cookies) = self.cookies_for(&url) {
                request = request.header(COOKIE, cookies);
            }
            if method == Method::POST {
                request = request.header(ORIGIN, url.origin().ascii_serialization());
            }
            if let Some(fields) = &body {
                request = request.form(fields);
            }
            let response = request.send().await.unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
            self.keep_cookies(&url, &response);
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let status = response.status();
            match location {
                Some(location) if status.is_redirection() => {
                    self.note(&url, status, Some(&location), String::new(), "");
                    url = url.join(&location).expect("a URL");
                    method = Method::GET;
                    body = None;
                }
                _ => {
                    let cache_control = text_of(&response, &CACHE_CONTROL);
                    let html = response.text().await.expect("a body");
                    self.note(&url, status, None, cache_control, &html);
                    return Page { url: url.to_string(), status: status.as_u16(), html };
                }
            }
        }
        panic!("too many redirects, at {url}");
    }

    /// Sends a form to the program as it is told, with these headers; follows nothing.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> StatusCode {
        let url = self.absolute(path);
        let mut request = self.http.post(url.clone()).form(fields);
        if let Some(cookies) = self.cookies_for(&url) {
            request = request.header(COOKIE, cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status()
    }

    /// Downloads a file: its status, what it is said to be, and its bytes.
    pub async fn download(&self, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let url = self.absolute(path);
        let cookies = self.cookies_for(&url).unwrap_or_default();
        let response = self.http.get(url).header(COOKIE, cookies).send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.bytes().await.expect("a body").to_vec())
    }

    /// What somebody sees at *Migration status* who uses copied cookie values instead of signing in.
    pub async fn with_cookie(&self, program: &Program, values: &[String]) -> Page {
        let name = format!("iotc_migrator_{}", program.port);
        let jar = values.iter().map(|value| (name.clone(), value.clone())).collect();
        self.cookies.lock().expect("not poisoned").insert("localhost".to_owned(), jar);
        self.open("/migrations").await
    }

    /// Closes the browser: its cookies go.
    pub fn close_browser(&self) {
        self.cookies.lock().expect("not poisoned").clear();
    }

    /// The value of the cookie that names this browser's session.
    pub fn cookie_of_program(&self, program: &Program) -> String {
        let kept = self.cookies.lock().expect("not poisoned");
        kept["localhost"][&format!("iotc_migrator_{}", program.port)].clone()
    }

    /// The values of all cookies.
    pub fn cookie_values(&self) -> Vec<String> {
        let kept = self.cookies.lock().expect("not poisoned");
        kept.values().flat_map(|jar| jar.values().cloned()).collect()
    }

    /// Everything that the browser was answered, oldest first.
    pub fn trail(&self) -> Vec<Visit> {
        self.trail.lock().expect("not poisoned").clone()
    }

    fn note(&self, url: &Url, status: StatusCode, location: Option<&str>, cache_control: String, body: &str) {
        self.trail.lock().expect("not poisoned").push(Visit {
            url: url.clone(),
            status: status.as_u16(),
            location: location.map(str::to_owned),
            cache_control,
            body: body.to_owned(),
        });
    }

    fn cookies_for(&self, url: &Url) -> Option<String> {
        let kept = self.cookies.lock().expect("not poisoned");
        let pairs = kept.get(url.host_str()?)?;
        Some(pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; "))
    }

    fn keep_cookies(&self, url: &Url, response: &reqwest::Response) {
        let mut kept = self.cookies.lock().expect("not poisoned");
        let jar = kept.entry(url.host_str().unwrap_or_default().to_owned()).or_default();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap_or_default();
            if let Some((name, value)) = text.split(';').next().and_then(|pair| pair.split_once('=')) {
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

fn text_of(response: &reqwest::Response, name: &HeaderName) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
