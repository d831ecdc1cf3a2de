//! The address of an application, as people copy it from their browser.

use crate::ids::Subdomain;

/// The subdomain in an application's address, which must be of this cloud: nothing of a person's is ever sent elsewhere.
pub(super) fn subdomain_of(address: &str, suffix: &str) -> Result<Subdomain, String> {
    let example = format!("Give it as https://contoso.{suffix}.");
    let text = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let wrong = || format!("This is not the address of an IoT Central application. {example}");
    let url = url::Url::parse(&text).map_err(|_| wrong())?;
    if url.scheme() != "https" || url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let host = url.host_str().unwrap_or_default();
    let Some(label) = host.strip_suffix(suffix).and_then(|label| label.strip_suffix('.')) else {
        return Err(format!("Applications of this cloud end in {suffix}. {example}"));
    };
    subdomain(label).ok_or_else(wrong)
}

/// The subdomain that a text is, if it can be one.
pub(in crate::web) fn subdomain(label: &str) -> Option<Subdomain> {
    let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let fits = plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    fits.then(|| Subdomain::new(label))
}

#[cfg(test)]
mod tests {
    use super::subdomain_of;

    const SUFFIX: &str = "azureiotcentral.com";

    #[test]
    fn an_application_can_be_given_by_its_address_however_it_was_copied() {
        for address in [
            "https://contoso.azureiotcentral.com",
            "https://Contoso.azureiotcentral.com/devices?x=1",
            "contoso.azureiotcentral.com",
        ] {
            assert_eq!(subdomain_of(address, SUFFIX).expect(address).as_str(), "contoso");
        }
    }

    #[test]
    fn an_address_of_another_host_is_refused() {
        for address in [
            "https://contoso.evil.example",
            "https://contoso.azureiotcentral.com.evil.example",
            "https://evilazureiotcentral.com",
            "https://azureiotcentral.com",
            "https://a.b.azureiotcentral.com",
            "http://contoso.azureiotcentral.com",
            "https://contoso.azureiotcentral.com:8443",
            "https://me:secret@contoso.azureiotcentral.com",
            "javascript:alert(1)",
            "contoso",
            "https://-x.azureiotcentral.com",
        ] {
            assert!(subdomain_of(address, SUFFIX).is_err(), "{address}");
        }
    }
}
