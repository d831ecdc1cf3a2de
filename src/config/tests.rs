use std::path::Path;

use clap::{CommandFactory, Parser};
use secrecy::ExposeSecret;

use super::{AzureChoice, Cli, CloudName, Environment, Problems, Settings, Sources};
use crate::identity::Platform;

const CLIENT: (&str, &str) = ("REACT_APP_AAD_APP_CLIENT_ID", "6f3c6b1e-3c5e-4a36-9d0e-0d9f6f0c5a11");
const TENANT: (&str, &str) = ("REACT_APP_AAD_APP_TENANT_ID", "0b1f4a52-7c0d-4e58-8f1a-5f0e4a1d2c33");
const REDIRECT: (&str, &str) = ("REACT_APP_AAD_APP_REDIRECT_URI", "http://localhost:3000");
const DATA: (&str, &str) = ("IOTC_MIGRATOR_DATA_DIR", "data");

fn cli(args: &[&str]) -> Cli {
    Cli::try_parse_from(std::iter::once("iotc-migrator").chain(args.iter().copied())).unwrap()
}

fn resolve<const N: usize>(args: &[&str], env: [(&str, &str); N]) -> Result<Settings, Problems> {
    let sources = Sources::new(cli(args), Environment::from(env), Path::new("does-not-exist"))?;
    Settings::resolve(&sources)
}

/// The only problem's key, what and remedy, of a configuration that is otherwise whole.
fn only_problem<const N: usize>(args: &[&str], env: [(&str, &str); N]) -> (String, String) {
    let problems = resolve(args, env).unwrap_err();
    assert_eq!(problems.list().len(), 1, "{problems}");
    let problem = &problems.list()[0];
    (problem.key.clone(), format!("{} {}", problem.what, problem.remedy))
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn an_env_file_of_the_official_guide_works_unchanged() {
    let settings = resolve(&[], [CLIENT, TENANT, REDIRECT, DATA]).unwrap();
    let AzureChoice::Entra(entra) = settings.azure else { panic!("not configured") };
    assert_eq!(settings.port, 3000);
    assert_eq!(entra.client_id, CLIENT.1);
    assert_eq!(entra.cloud, CloudName::Public);
    assert!(matches!(entra.platform, Platform::Spa));
}

#[test]
fn the_command_line_wins_over_the_environment_which_wins_over_the_env_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, "# ours\nPORT=4003\nIOTC_MIGRATOR_LOG=json\nIOTC_MIGRATOR_DATA_DIR=\"from file\"\n").unwrap();
    let env = [("PORT", "4002"), ("IOTC_MIGRATOR_DATA_DIR", "from-env")];
    let with = |args: &[&str], env| Settings::resolve(&Sources::new(cli(args), env, &file).unwrap()).unwrap();
    assert_eq!(with(&["--port", "4001"], env.into()).port, 4001);
    assert_eq!(with(&[], env.into()).port, 4002);
    let of_file = with(&[], Environment::default());
    assert_eq!(of_file.port, 4003);
    assert!(of_file.data_dir.ends_with("from file"));
    assert_eq!(of_file.log_format, super::LogFormat::Json);
}

#[test]
fn a_broken_env_file_is_named_without_quoting_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, "AAD_APP_CLIENT_SECRET='hush\n").unwrap();
    let problems = Sources::new(Cli::default(), Environment::default(), &file).unwrap_err().to_string();
    assert!(problems.contains(".env"), "{problems}");
    assert!(!problems.contains("hush"), "{problems}");
}

#[test]
fn nothing_configured_serves_the_set_up_page() {
    assert!(matches!(resolve(&[], [DATA]).unwrap().azure, AzureChoice::Unconfigured));
    let empty = [DATA, ("REACT_APP_AAD_APP_CLIENT_ID", "")];
    assert!(matches!(resolve(&[], empty).unwrap().azure, AzureChoice::Unconfigured));
}

#[test]
fn a_half_configured_registration_names_what_is_missing() {
    let problems = resolve(&[], [DATA, CLIENT]).unwrap_err();
    let keys: Vec<_> = problems.list().iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, [TENANT.0, REDIRECT.0]);
    let problems = resolve(&[], [DATA, ("AAD_APP_PLATFORM", "desktop")]).unwrap_err();
    assert_eq!(problems.list().len(), 3);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let env = [
        ("PORT", "http"),
        ("REACT_APP_AAD_APP_CLIENT_ID", "<client id>"),
        ("REACT_APP_AAD_APP_TENANT_ID", "contoso"),
        ("REACT_APP_AAD_APP_REDIRECT_URI", "localhost"),
        ("AAD_APP_PLATFORM", "mobile"),
        ("AZURE_CLOUD", "germany"),
        ("IOTC_MIGRATOR_VAULT_KEY", "c2hvcnQ="),
        ("IOTC_MIGRATOR_LOG", "xml"),
        ("IOTC_MIGRATOR_TEST_CLOCK", "now"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        DATA,
    ];
    let problems = resolve(&["--sandbox-speed", "5"], env).unwrap_err();
    assert_eq!(problems.list().len(), 11, "{problems}");
    let text = problems.to_string();
    for (key, _) in env.iter().filter(|(key, _)| *key != DATA.0) {
        assert!(text.contains(key), "{key} is not named in {text}");
    }
    assert!(!text.contains("c2hvcnQ="), "a secret is shown");
}

#[test]
fn a_client_id_that_is_not_a_guid_is_refused() {
    let (key, text) = only_problem(&[], [DATA, ("REACT_APP_AAD_APP_CLIENT_ID", "my-app"), TENANT, REDIRECT]);
    assert_eq!(key, CLIENT.0);
    assert!(text.contains("`my-app` (from the environment) is not a GUID"), "{text}");
    assert!(text.contains("Application (client) ID"), "{text}");
}

#[test]
fn tenants_may_be_ids_domains_and_the_two_names_for_any() {
    for tenant in [TENANT.1, "contoso.onmicrosoft.com", "organizations", "Common"] {
        assert!(resolve(&[], [DATA, CLIENT, (TENANT.0, tenant), REDIRECT]).is_ok(), "{tenant}");
    }
    let (key, text) = only_problem(&[], [DATA, CLIENT, (TENANT.0, "consumers"), REDIRECT]);
    assert_eq!(key, TENANT.0);
    assert!(text.contains("personal accounts"), "{text}");
}

#[test]
fn a_redirect_uri_of_another_port_is_refused_with_both_ways_out() {
    let (key, text) = only_problem(&["--port", "3100"], [DATA, CLIENT, TENANT, REDIRECT]);
    assert_eq!(key, REDIRECT.0);
    assert!(text.contains("names port 3000, but the program serves port 3100"), "{text}");
    assert!(text.contains("--port 3000") && text.contains("http://localhost:3100"), "{text}");
}

#[test]
fn a_redirect_uri_must_lead_back_to_this_program() {
    let cases = [
        ("https://migrator.example.com:3000", "localhost"),
        ("http://127.0.0.1:3000", "localhost"),
        ("https://localhost:3000", "http"),
        ("http://localhost:3000/callback", "path"),
        ("http://localhost:3000?x=1", "query"),
        ("http://localhost", "port 80"),
    ];
    for (uri, word) in cases {
        let (key, text) = only_problem(&[], [DATA, CLIENT, TENANT, (REDIRECT.0, uri)]);
        assert_eq!(key, REDIRECT.0);
        assert!(text.contains(word), "{uri}: {text}");
    }
    assert!(resolve(&[], [DATA, CLIENT, TENANT, (REDIRECT.0, "http://localhost:3000/")]).is_ok());
}

#[test]
fn a_secret_goes_with_the_web_platform_and_with_no_other() {
    let secret = ("AAD_APP_CLIENT_SECRET", "hush");
    let (key, text) = only_problem(&[], [DATA, CLIENT, TENANT, REDIRECT, secret]);
    assert_eq!(key, secret.0);
    assert!(!text.contains("hush"), "{text}");
    let (key, text) = only_problem(&[], [DATA, CLIENT, TENANT, REDIRECT, ("AAD_APP_PLATFORM", "web")]);
    assert_eq!(key, secret.0);
    assert!(text.contains("missing"), "{text}");
    let settings = resolve(&[], [DATA, CLIENT, TENANT, REDIRECT, ("AAD_APP_PLATFORM", "Web"), secret]).unwrap();
    assert!(!format!("{settings:?}").contains("hush"));
    let AzureChoice::Entra(entra) = settings.azure else { panic!("not configured") };
    assert!(matches!(entra.platform, Platform::Web { secret } if secret.expose_secret() == "hush"));
}

#[test]
fn the_sandbox_ignores_the_registration_and_the_private_ca() {
    let env = [DATA, ("REACT_APP_AAD_APP_CLIENT_ID", "nonsense"), ("SSL_CERT_FILE", "/nowhere"), ("AZURE_CLOUD", "x")];
    let settings = resolve(&["--sandbox", "--sandbox-speed", "20", "--port", "4000"], env).unwrap();
    assert!(matches!(settings.azure, AzureChoice::Sandbox { speed: 20 }));
    assert!(settings.ca_pem.is_none());
}

#[test]
fn a_speed_needs_the_sandbox_and_has_bounds() {
    assert_eq!(only_problem(&["--sandbox-speed", "2"], [DATA]).0, "--sandbox-speed");
    for speed in ["0", "1001", "-1", "fast"] {
        let arg = format!("--sandbox-speed={speed}");
        assert_eq!(only_problem(&["--sandbox", &arg], [DATA]).0, "--sandbox-speed", "{speed}");
    }
}

#[test]
fn a_certificate_file_must_hold_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "hello").unwrap();
    let (key, text) = only_problem(&[], [DATA, ("SSL_CERT_FILE", path)]);
    assert_eq!(key, "SSL_CERT_FILE");
    assert!(text.contains("holds no PEM certificate"), "{text}");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n…").unwrap();
    assert_eq!(only_problem(&[], [DATA, ("SSL_CERT_FILE", path)]).0, "SSL_CERT_FILE");
    let authority = rcgen::generate_simple_self_signed(["proxy.example".to_owned()]).unwrap();
    std::fs::write(&file, authority.cert.pem()).unwrap();
    assert!(resolve(&[], [DATA, ("SSL_CERT_FILE", path)]).unwrap().ca_pem.is_some());
}

#[test]
fn without_a_home_the_data_directory_must_be_named() {
    assert_eq!(only_problem(&[], []).0, "IOTC_MIGRATOR_DATA_DIR");
}

#[test]
#[cfg(target_os = "linux")]
fn the_data_directory_is_the_platforms_by_default() {
    let of = |env| resolve(&[], env).unwrap().data_dir;
    assert_eq!(of([("HOME", "/home/adele")]), Path::new("/home/adele/.local/share/iotc-migrator"));
    assert_eq!(of([("XDG_DATA_HOME", "/srv/data")]), Path::new("/srv/data/iotc-migrator"));
}

#[test]
fn a_test_clock_runs_at_its_speed_and_may_be_wrong() {
    let settings = resolve(&[], [DATA, ("IOTC_MIGRATOR_TEST_CLOCK", "1700000000,20,-3600")]).unwrap();
    assert_eq!(settings.test_clock.unwrap().speed(), 20);
    assert!(super::parse_clock("1700000000,0,0").is_none());
    assert!(super::parse_clock("1700000000,1,0,7").is_none());
}
