//! A simulated Azure in the test's own process: its log, its faults and its devices' truth can be read directly.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use iotc_migrator::sandbox::clock::SandboxClock;
use iotc_migrator::sandbox::fleet::{self, Spec};
use iotc_migrator::sandbox::options::DEFAULT_CLIENT_ID;
use iotc_migrator::sandbox::world::World;
use iotc_migrator::sandbox::{Sandbox, SandboxOptions, Shared};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::person::Person;
use super::program::Program;

/// The sandbox, and where the program keeps its data.
pub struct Lab {
    pub sandbox: Sandbox,
    pub data: TempDir,
    pub anchor: OffsetDateTime,
    pub speed: u32,
    /// By how many seconds the program's clock is not the sandbox's as it was at the start.
    offset: AtomicI64,
    _sandbox_dir: TempDir,
}

impl Lab {
    /// A sandbox `speed` times as fast as life.
    pub async fn start(speed: u32) -> Self {
        Self::with(speed, |_| {}).await
    }

    /// A sandbox with other options.
    pub async fn with(speed: u32, change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut options = SandboxOptions { speed, dir: dir.path().to_owned(), ..SandboxOptions::default() };
        options.anchor = options.anchor.replace_nanosecond(0).expect("zero is a nanosecond");
        change(&mut options);
        let anchor = options.anchor;
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        Self {
            sandbox,
            data: TempDir::new().expect("a directory"),
            anchor,
            speed,
            offset: AtomicI64::new(0),
            _sandbox_dir: dir,
        }
    }

    pub fn shared(&self) -> Shared {
        self.sandbox.shared()
    }

    /// The settings that let the program work against this sandbox, with no option but proxy and CA.
    pub fn environment(&self, port: u16) -> Vec<(String, String)> {
        let anchor = self.anchor.unix_timestamp();
        let offset = self.offset.load(Ordering::SeqCst);
        [
            ("HTTPS_PROXY", self.sandbox.proxy_url()),
            ("SSL_CERT_FILE", self.sandbox.ca_file().display().to_string()),
            ("REACT_APP_AAD_APP_CLIENT_ID", DEFAULT_CLIENT_ID.to_owned()),
            ("REACT_APP_AAD_APP_TENANT_ID", "organizations".to_owned()),
            ("REACT_APP_AAD_APP_REDIRECT_URI", format!("http://localhost:{port}")),
            ("IOTC_MIGRATOR_TEST_CLOCK", format!("{anchor},{},{offset}", self.speed)),
            ("PORT", port.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// The program, on the lab's data directory.
    pub async fn program(&self) -> Program {
        let port = Program::free_port();
        Program::start(self.data.path(), port, &self.environment(port)).await
    }

    /// A sandbox of this world, the program, and Ada at her browser.
    pub async fn with_ada(speed: u32, world: impl FnOnce(&SandboxClock) -> World) -> (Self, Program, Person) {
        let lab = Self::with(speed, |options| {
            options.world = Some(world(&SandboxClock::new(options.anchor, options.speed)));
        })
        .await;
        let program = lab.program().await;
        let ada = Person::new(&lab, &program);
        ada.sign_in("Ada").await;
        (lab, program, ada)
    }

    /// A world of some obedient boilers, and these many more that are switched off.
    pub async fn small(speed: u32, online: usize, offline: usize) -> Self {
        Self::with(speed, |options| {
            let clock = SandboxClock::new(options.anchor, options.speed);
            let mut world = fleet::simple_world(&clock, online, "S2", 10);
            let off = Spec { online: false, ..Spec::new(fleet::BOILER) };
            fleet::add_devices(&mut world, fleet::MAIN_APP, "boiler", online + 1, offline, &off, clock.now());
            options.world = Some(world);
        })
        .await
    }

    /// Lets time pass at once, in Azure and on the clock of every program started from now on.
    pub fn jump(&self, by: Duration) {
        self.shared().jump(by);
        self.offset.fetch_add(by.as_secs().cast_signed(), Ordering::SeqCst);
    }

    /// Puts the workstation's clock wrong by some seconds, for every program started from now on.
    pub fn put_clock_wrong(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Waits on the sandbox's clock.
    pub async fn sleep(&self, virtual_time: Duration) {
        self.shared().clock().sleep(virtual_time).await;
    }
}
