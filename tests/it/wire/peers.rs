//! Whom the program connects to.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use iotc_migrator::sandbox::log::Service;
use tokio::task::JoinHandle;

use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::moment;
use crate::support::person::Person;
use crate::support::program::Program;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn with_proxy_and_ca_alone_a_fleet_moves_under_azures_own_names() {
    let lab = Lab::small(20, 6, 0).await;
    moves_and_talks_to_nobody_else(&lab, &lab.environment(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lower_case_names_of_the_proxy_settings_work_too() {
    let lab = Lab::small(20, 3, 0).await;
    let mut environment = lab.environment(0);
    for (key, _) in &mut environment {
        if key == "HTTPS_PROXY" {
            "https_proxy".clone_into(key);
        }
    }
    environment.push(("no_proxy".into(), "localhost,127.0.0.1".into()));
    moves_and_talks_to_nobody_else(&lab, &environment).await;
}

async fn moves_and_talks_to_nobody_else(lab: &Lab, environment: &[(String, String)]) {
    let port = Program::free_port();
    let environment: Vec<_> = environment
        .iter()
        .map(|(key, value)| match key.as_str() {
            "PORT" => (key.clone(), port.to_string()),
            "REACT_APP_AAD_APP_REDIRECT_URI" => (key.clone(), format!("http://localhost:{port}")),
            _ => (key.clone(), value.clone()),
        })
        .collect();
    let program = Program::start(lab.data.path(), port, &environment).await;
    let watch = Watch::begin(program.pid());
    let ada = Person::new(lab, &program);
    ada.sign_in("Ada").await;
    let journey = ada.start(&Wish::default()).await;
    ada.wait_for(&journey, "Completed:", PATIENCE).await;

    let calls = lab.shared().log().all();
    for (service, host) in [
        (Service::Entra, "login.microsoftonline.com"),
        (Service::Arm, "management.azure.com"),
        (Service::Central, "contoso-fleet.azureiotcentral.com"),
        (Service::DpsService, "contoso-dps.azure-devices-provisioning.net"),
        (Service::Hub, "contoso-hub.azure-devices.net"),
    ] {
        assert!(calls.iter().any(|call| call.service == service && call.host == host), "{host} was not called");
    }
    assert_eq!(lab.shared().log().refused_connects(), Vec::<String>::new());
    let proxy: SocketAddr = lab.sandbox.proxy_url().trim_start_matches("http://").parse().expect("an address");
    let peers = watch.end();
    assert!(peers.iter().any(|peer| peer.remote == proxy), "the connections to the proxy were seen: {peers:?}");
    for peer in peers {
        let from_browser = peer.local.port() == port && peer.remote.ip().is_loopback();
        assert!(peer.remote == proxy || from_browser, "a connection of its own: {peer:?}");
    }
}

/// A TCP connection of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Peer {
    local: SocketAddr,
    remote: SocketAddr,
}

/// Looks at a process's connections, again and again.
struct Watch {
    seen: Arc<Mutex<HashSet<Peer>>>,
    task: JoinHandle<()>,
}

impl Watch {
    fn begin(pid: u32) -> Self {
        let seen = Arc::<Mutex<HashSet<Peer>>>::default();
        let into = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                into.lock().expect("not poisoned").extend(peers(pid));
                moment().await;
            }
        });
        Self { seen, task }
    }

    fn end(self) -> HashSet<Peer> {
        self.task.abort();
        self.seen.lock().expect("not poisoned").clone()
    }
}

/// The connections that a process has now, those being made included, as Linux tells.
fn peers(pid: u32) -> Vec<Peer> {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let sockets: HashSet<String> = files
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
        .filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    let tables = ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")));
    let rows = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    rows.filter_map(|row| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let peer = Peer { local: address(fields.get(1)?)?, remote: address(fields.get(2)?)? };
        (sockets.contains(*fields.get(9)?) && peer.remote.port() != 0).then_some(peer)
    })
    .collect()
}

/// `0100007F:1F90`: words of four bytes, each in the machine's order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..ip.len()).step_by(8) {
        bytes.extend(u32::from_str_radix(ip.get(start..start + 8)?, 16).ok()?.to_ne_bytes());
    }
    match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => Some((Ipv4Addr::from(four), port).into()),
        Err(_) => {
            let six = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?);
            Some(SocketAddr::new(six.to_canonical(), port))
        }
    }
}
