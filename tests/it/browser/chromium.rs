//! A Chromium of a test's own, with a ChromeDriver of its own; both end with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::command::{Command, ExtensionCommand};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::process::{Child, Command as Process};
use tokio::sync::{Mutex, MutexGuard};

use crate::support::program::Program;

/// Browsers are heavy, and slow ones look like faults: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROMEDRIVER: [&str; 2] = ["chromedriver", "chromium.chromedriver"];
const SWITCHES: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// A running browser.
pub struct Chromium {
    pub driver: WebDriver,
    chromedriver: Child,
    profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Chromium {
    /// Starts it; nothing where it is not installed.
    pub async fn open() -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (installed(&CHROMIUM), installed(&CHROMEDRIVER)) else {
            println!("skipped: no Chromium or no ChromeDriver here; apt-get install chromium chromium-driver");
            return None;
        };
        let turn = ONE_AT_A_TIME.lock().await;
        let profile = TempDir::new().expect("a directory");
        let port = Program::free_port();
        let chromedriver = Process::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("ChromeDriver starts");
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&chromium.display().to_string()).expect("a capability");
        for switch in SWITCHES {
            wanted.add_arg(switch).expect("a capability");
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).expect("a capability");
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).expect("a capability");
        let driver = session(port, wanted).await;
        Some(Self { driver, chromedriver, profile, _turn: turn })
    }

    /// A command of the DevTools protocol, to the window in front.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = DevTools(json!({ "cmd": command, "params": parameters }));
        let answer = self.driver.cmd(Command::ExtensionCommand(Box::new(command))).await.expect("DevTools answer");
        answer.value_json().expect("JSON")
    }
}

/// ChromeDriver needs a moment to listen.
async fn session(port: u16, wanted: ChromeCapabilities) -> WebDriver {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match WebDriver::new(format!("http://127.0.0.1:{port}"), wanted.clone()).await {
            Ok(driver) => return driver,
            Err(error) if Instant::now() > until => panic!("Chromium does not start: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Drop for Chromium {
    /// A test that failed has not closed its browser: ChromeDriver is killed, and its Chromium is found by its profile.
    fn drop(&mut self) {
        let _ = self.chromedriver.start_kill();
        for process in users_of(self.profile.path()) {
            let _ = std::process::Command::new("kill").args(["-KILL", &process]).stderr(Stdio::null()).status();
        }
    }
}

/// The ids of the processes that were started with this profile.
fn users_of(profile: &Path) -> Vec<String> {
    let wanted = format!("--user-data-dir={}", profile.display());
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|id| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|argument| argument == wanted.as_bytes())
        })
        .collect()
}

fn installed(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

#[derive(Debug)]
struct DevTools(Value);

impl ExtensionCommand for DevTools {
    fn parameters_json(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn method(&self) -> axum::http::Method {
        axum::http::Method::POST
    }

    fn endpoint(&self) -> std::sync::Arc<str> {
        "/goog/cdp/execute".into()
    }
}
