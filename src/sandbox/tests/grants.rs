//! What clients of all kinds ask of Entra beside the sign-in of a single-page application.

use super::*;
use crate::sandbox::entra::{ResourceKind, unverified_claims};
use crate::sandbox::fleet;
use crate::sandbox::options::Platform;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const COMMAND_LINE: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const DEFAULT_SCOPE: &str = "https://management.core.windows.net//.default offline_access openid profile";

/// Begins the sign-in of a device and returns what it was told.
async fn begin(rig: &Rig) -> Value {
    let url = "https://login.microsoftonline.com/organizations/oauth2/v2.0/devicecode";
    let fields = [("client_id", COMMAND_LINE), ("scope", DEFAULT_SCOPE)];
    rig.client.post(url).form(&fields).send().await.unwrap().json().await.unwrap()
}

async fn poll(rig: &Rig, device_code: &str) -> Tokens {
    let fields = [("client_id", COMMAND_LINE), ("grant_type", DEVICE_GRANT), ("device_code", device_code)];
    rig.token("organizations", &fields, false).await
}

async fn enter(rig: &Rig, begun: &Value, form: &[(&str, &str)]) {
    let (page, code) = (begun["verification_uri"].as_str().unwrap(), begun["user_code"].as_str().unwrap());
    let page = url::Url::parse_with_params(page, [("otc", code)]).unwrap();
    let shown = rig.client.get(page.clone()).send().await.unwrap();
    assert!(shown.text().await.unwrap().contains("Pick an account"));
    assert_eq!(rig.client.post(page).form(form).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_device_waits_for_its_person_and_gets_tokens_once() {
    let rig = Rig::start().await;
    let begun = begin(&rig).await;
    let device_code = begun["device_code"].as_str().unwrap();
    assert_eq!((begun["expires_in"].as_u64(), begun["interval"].as_u64()), (Some(900), Some(5)));
    assert_eq!(poll(&rig, device_code).await.text("error"), "authorization_pending");
    enter(&rig, &begun, &[("person", ADA)]).await;
    let tokens = poll(&rig, device_code).await;
    assert_eq!(unverified_claims(tokens.text("access_token")).unwrap()["oid"], ADA);
    assert!(!tokens.text("refresh_token").is_empty() && !tokens.text("id_token").is_empty());
    assert_eq!(poll(&rig, device_code).await.text("error"), "bad_verification_code");
}

#[tokio::test]
async fn a_device_is_told_that_its_person_declined_or_came_too_late() {
    let rig = Rig::start().await;
    let declined = begin(&rig).await;
    enter(&rig, &declined, &[("decision", "cancel")]).await;
    assert_eq!(poll(&rig, declined["device_code"].as_str().unwrap()).await.text("error"), "authorization_declined");
    let late = begin(&rig).await;
    rig.shared().jump(Duration::from_secs(16 * 60));
    assert_eq!(poll(&rig, late["device_code"].as_str().unwrap()).await.text("error"), "expired_token");
    assert_eq!(poll(&rig, "another").await.text("error"), "bad_verification_code");
}

#[tokio::test]
async fn an_application_signs_in_as_itself_and_has_roles_of_its_own() {
    let rig = Rig::with(|options| {
        options.world = Some(fleet::empty_world());
        options.client_id = Some(DEFAULT_CLIENT_ID.to_owned());
    })
    .await;
    let ask = async |secret: &str, scope: &str| {
        let fields = [
            ("client_id", fleet::AUTOMATION),
            ("grant_type", "client_credentials"),
            ("client_secret", secret),
            ("scope", scope),
        ];
        rig.token(fleet::CONTOSO, &fields, false).await
    };
    let tokens = ask(fleet::AUTOMATION_SECRET, "https://management.azure.com/.default").await;
    assert!(tokens.body.get("refresh_token").is_none());
    let claims = unverified_claims(tokens.text("access_token")).unwrap();
    assert_eq!((claims["idtyp"].as_str(), claims.get("scp")), (Some("app"), None));
    let url = "https://management.azure.com/subscriptions?api-version=2022-12-01";
    let seen = rig.client.get(url).bearer_auth(tokens.text("access_token")).send().await.unwrap();
    let seen: Value = seen.json().await.unwrap();
    assert_eq!(seen["value"][0]["subscriptionId"], fleet::MAIN_SUBSCRIPTION);
    let wrong = ask("wrong", "https://management.azure.com/.default").await;
    assert_eq!((wrong.code(), wrong.status), (7_000_215, StatusCode::UNAUTHORIZED));
    assert_eq!(ask("", "https://management.azure.com/.default").await.code(), 7_000_218);
    let delegated = ask(fleet::AUTOMATION_SECRET, "https://management.azure.com/user_impersonation").await;
    assert_eq!(delegated.code(), 1_002_012);
}

#[tokio::test]
async fn the_answer_names_the_scope_that_was_asked_for() {
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    let answer = rig.refresh(HOME, tokens.text("refresh_token"), "https://management.azure.com/.default").await;
    let named = "https://management.azure.com/user_impersonation https://management.azure.com/.default";
    assert_eq!(answer.text("scope"), named);
    assert_eq!(unverified_claims(answer.text("access_token")).unwrap()["scp"], "user_impersonation");
}

#[tokio::test]
async fn scopes_are_checked_against_the_resource_and_the_registration() {
    let rig = Rig::with(|options| options.registered_resources = vec![ResourceKind::Arm]).await;
    let only_arm = [("scope", "openid offline_access https://management.azure.com/user_impersonation")];
    let code = rig.sign_in(HOME, ADA, &only_arm).await.remove("code").unwrap();
    let tokens = rig.redeem(HOME, &code).await;
    let refused = async |scope: &str| rig.refresh(HOME, tokens.text("refresh_token"), scope).await.code();
    assert_eq!(refused(CENTRAL_SCOPE).await, 650_057);
    assert_eq!(refused("https://management.azure.com/Device.Read").await, 650_053);
    assert_eq!(refused("https://management.azure.com").await, 70011);
    assert_eq!(refused("797f4846-ba00-4fd7-ba43-dac1f8f63013/.default").await, 0);
}

#[tokio::test]
async fn declared_capabilities_come_back_in_the_token_and_malformed_claims_are_refused() {
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    let ask = async |claims: &str| {
        let fields = [
            ("client_id", DEFAULT_CLIENT_ID),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.text("refresh_token")),
            ("scope", ARM_SCOPE),
            ("claims", claims),
        ];
        rig.token(HOME, &fields, true).await
    };
    rig.shared().demand_claims(ADA);
    let declared = ask(r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#).await;
    let token = unverified_claims(declared.text("access_token")).unwrap();
    assert_eq!(token["xms_cc"], serde_json::json!(["CP1"]));
    let answered = ask(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#).await;
    assert_eq!(answered.text("error"), "interaction_required");
    assert_eq!(ask("{").await.code(), 9_002_313);
}

#[tokio::test]
async fn a_single_page_application_without_a_challenge_is_refused_once_the_person_is_picked() {
    let rig = Rig::start().await;
    let back = rig.sign_in(HOME, ADA, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(back["error"], "invalid_request");
    assert!(back["error_description"].starts_with("AADSTS9002325"), "{back:?}");
}

#[tokio::test]
async fn a_web_application_may_prove_itself_by_an_assertion() {
    let web = Rig::with(|options| options.redirect_uris = vec![(REDIRECT.to_owned(), Platform::Web)]).await;
    let code = web.code(HOME, ADA).await;
    let claims = serde_json::json!({ "iss": DEFAULT_CLIENT_ID, "sub": DEFAULT_CLIENT_ID }).to_string();
    let assertion = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims));
    let mut fields = redemption(&code).to_vec();
    fields.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    fields.push(("client_assertion", &assertion));
    assert_eq!(web.token(HOME, &fields, false).await.code(), 0);
}

#[tokio::test]
async fn a_domain_and_the_id_of_its_tenant_are_the_same_authority() {
    let rig = Rig::start().await;
    let url = "https://login.windows.net/contoso.example/v2.0/.well-known/openid-configuration";
    let answer = rig.client.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let document: Value = answer.json().await.unwrap();
    let token_endpoint = format!("https://login.microsoftonline.com/{HOME}/oauth2/v2.0/token");
    assert_eq!(document["token_endpoint"], token_endpoint);
    assert!(document["device_authorization_endpoint"].is_string());
    let code = rig.code("contoso.example", ADA).await;
    assert_eq!(rig.redeem(HOME, &code).await.code(), 0);
    let older = format!("https://sts.windows.net/{HOME}/.well-known/openid-configuration");
    let older: Value = rig.client.get(older).send().await.unwrap().json().await.unwrap();
    assert_eq!(older["issuer"], format!("https://sts.windows.net/{HOME}/"));
}
