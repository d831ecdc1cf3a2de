//! Settings that are wrong: all of them are said at once, each with its key and what to do, and the exit code is 2.

use tempfile::TempDir;

use crate::support::program::Program;

/// Starts the program with settings that are wrong; gives what it says.
async fn refused(environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let data = TempDir::new().expect("a directory");
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    // A port of its own: a program that does not refuse must not be mistaken for one that found its port taken.
    let mut settings = vec![("PORT".to_owned(), Program::free_port().to_string())];
    settings.extend(environment.iter().map(owned));
    let (code, said) = Program::refuse(data.path(), &settings, arguments).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(!data.path().join("migrator.db").exists(), "nothing was begun");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_ca_file_is_said_with_its_name_and_what_to_do() {
    let said = refused(&[("SSL_CERT_FILE", "/nowhere/company-ca.pem")], &[]).await;
    assert!(said.contains("SSL_CERT_FILE") && said.contains("/nowhere/company-ca.pem"), "{said}");
    assert!(said.contains("Name a readable file of PEM certificates"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_without_a_certificate_is_said() {
    let data = TempDir::new().expect("a directory");
    let file = data.path().join("ca.pem");
    for content in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, content).expect("writes");
        let said = refused(&[("SSL_CERT_FILE", &file.display().to_string())], &[]).await;
        assert!(said.contains("SSL_CERT_FILE"), "{content}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_named_at_once_with_key_and_remedy() {
    let said = refused(
        &[
            ("PORT", "eighty"),
            ("REACT_APP_AAD_APP_CLIENT_ID", "not-a-guid"),
            ("REACT_APP_AAD_APP_TENANT_ID", "two words"),
            ("REACT_APP_AAD_APP_REDIRECT_URI", "http://example.com:3000"),
            ("AAD_APP_PLATFORM", "mainframe"),
            ("AZURE_CLOUD", "mars"),
            ("SSL_CERT_FILE", "/nowhere/ca.pem"),
            ("IOTC_MIGRATOR_VAULT_KEY", "c2hvcnQ="),
            ("IOTC_MIGRATOR_LOG", "xml"),
        ],
        &["--sandbox-speed", "fast"],
    )
    .await;
    for key in [
        "PORT:",
        "REACT_APP_AAD_APP_CLIENT_ID:",
        "REACT_APP_AAD_APP_TENANT_ID:",
        "REACT_APP_AAD_APP_REDIRECT_URI:",
        "AAD_APP_PLATFORM:",
        "AZURE_CLOUD:",
        "SSL_CERT_FILE:",
        "IOTC_MIGRATOR_VAULT_KEY:",
        "IOTC_MIGRATOR_LOG:",
        "--sandbox-speed:",
    ] {
        let place = said.find(key).unwrap_or_else(|| panic!("{key} is not named:\n{said}"));
        let mut lines = said[place..].lines();
        assert!(lines.next().is_some_and(|what| what.len() > key.len() + 10), "{key}: {said}");
        let remedy = lines.next().unwrap_or_default().trim();
        assert!(remedy.len() > 15 && remedy.ends_with('.'), "{key} has no remedy: {remedy:?}\n{said}");
    }
    assert!(!said.contains("c2hvcnQ="), "a key is not repeated: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_of_another_port_is_a_mistake() {
    let said = refused(
        &[
            ("REACT_APP_AAD_APP_CLIENT_ID", "0a4f1f5c-7d1e-4b62-9d58-51c6b0a5e7c1"),
            ("REACT_APP_AAD_APP_TENANT_ID", "organizations"),
            ("REACT_APP_AAD_APP_REDIRECT_URI", "http://localhost:3000"),
        ],
        &["--port", "3999"],
    )
    .await;
    assert!(said.contains("REACT_APP_AAD_APP_REDIRECT_URI") && said.contains("3999"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_no_address_is_a_mistake() {
    for (key, value) in [("HTTPS_PROXY", "http://"), ("https_proxy", "socks5://me:secret@proxy:1080")] {
        let said = refused(&[(key, value)], &[]).await;
        assert!(said.contains(&format!("{key}:")) && said.contains("http://proxy.example:8080"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}
