//! The settings of the way to Azure: proxies and certificate authorities.

use url::Url;

use super::problem::Problems;
use super::sources::Sources;
use crate::azure;

/// The variables that name a proxy, as everybody's HTTP clients read them.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// `SSL_CERT_FILE`: the certificates to trust instead of the system's.
pub(super) fn ca_pem(sources: &Sources, problems: &mut Problems) -> Option<Vec<u8>> {
    let said = sources.setting("SSL_CERT_FILE")?;
    let remedy = "Name a readable file of PEM certificates, or unset SSL_CERT_FILE to use the system's.";
    match std::fs::read(&said.value) {
        Ok(pem) if azure::are_certificates(&pem) => Some(pem),
        Ok(_) => {
            problems.add(&said, "holds no PEM certificate", remedy);
            None
        }
        Err(error) => {
            problems.add(&said, &format!("cannot be read ({})", error.kind()), remedy);
            None
        }
    }
}

/// A proxy whose address cannot be understood would be left out silently, and everything would go past it.
pub(super) fn check_proxies(sources: &Sources, problems: &mut Problems) {
    for key in PROXIES {
        if sources.environment(key).is_some_and(|value| !is_proxy(value)) {
            // Not shown: it may hold a password.
            problems.add_missing(
                key,
                "the value (from the environment) is not the address of a proxy",
                "Write it as http://proxy.example:8080, or unset it to go without a proxy.",
            );
        }
    }
}

/// `http://host:port`, `https://host:port`, or without a scheme.
fn is_proxy(value: &str) -> bool {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).ok();
    url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_with_or_without_scheme_port_and_password() {
        for good in [
            "http://proxy:8080",
            "https://proxy.example",
            "proxy.example:3128",
            "10.0.0.1",
            "http://me:secret@proxy:80/",
        ] {
            assert!(is_proxy(good), "{good}");
        }
        for bad in ["http://", "socks5://proxy:1080", "http://proxy:port", "//", "two words"] {
            assert!(!is_proxy(bad), "{bad}");
        }
    }
}
