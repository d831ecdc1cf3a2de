//! Sign-in, tokens and everything that can be wrong with them.

use super::*;
use crate::sandbox::entra::{ResourceKind, unverified_claims};
use crate::sandbox::options::Platform;

#[tokio::test]
async fn a_person_signs_in_with_pkce_and_gets_tokens_for_one_resource_at_a_time() {
    let rig = Rig::start().await;
    let back = rig.sign_in("organizations", ADA, &[]).await;
    assert_eq!(back["state"], "the state");
    let tokens = rig.redeem("organizations", &back["code"]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let id = unverified_claims(tokens.text("id_token")).unwrap();
    assert_eq!((id["oid"].as_str(), id["nonce"].as_str()), (Some(ADA), Some("the nonce")));
    assert_eq!(id["iss"], format!("https://login.microsoftonline.com/{HOME}/v2.0"));
    let access = unverified_claims(tokens.text("access_token")).unwrap();
    assert_eq!(access["aud"], "https://management.azure.com");
    assert!((3600..=5400).contains(&tokens.body["expires_in"].as_u64().unwrap()));

    let central = rig.refresh("organizations", tokens.text("refresh_token"), CENTRAL_SCOPE).await;
    assert_eq!(unverified_claims(central.text("access_token")).unwrap()["aud"], "https://apps.azureiotcentral.com");
    assert_ne!(central.text("refresh_token"), tokens.text("refresh_token"));
    let again = rig.refresh("organizations", tokens.text("refresh_token"), ARM_SCOPE).await;
    assert_eq!(again.status, StatusCode::OK, "the old refresh token stays good");
}

#[tokio::test]
async fn id_tokens_verify_against_the_published_keys() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
    let rig = Rig::start().await;
    let discovery = format!("https://login.microsoftonline.com/{HOME}/v2.0/.well-known/openid-configuration");
    let document: Value = rig.client.get(discovery).send().await.unwrap().json().await.unwrap();
    let keys: JwkSet =
        rig.client.get(document["jwks_uri"].as_str().unwrap()).send().await.unwrap().json().await.unwrap();
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[DEFAULT_CLIENT_ID]);
    validation.set_issuer(&[document["issuer"].as_str().unwrap()]);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    jsonwebtoken::decode::<Value>(tokens.text("id_token"), &key, &validation).unwrap();
}

#[tokio::test]
async fn the_common_issuer_is_a_template() {
    let rig = Rig::start().await;
    let url = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
    let document: Value = rig.client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], "https://login.microsoftonline.com/{tenantid}/v2.0");
    let unknown = "https://login.microsoftonline.com/nowhere.example/v2.0/.well-known/openid-configuration";
    assert_eq!(rig.client.get(unknown).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_code_is_good_once_at_its_own_tenant_with_its_own_redirect_uri_and_verifier() {
    let rig = Rig::start().await;
    let code = rig.code("organizations", ADA).await;
    assert_eq!(rig.redeem("common", &code).await.code(), 700_005);
    let changed = |name: &'static str, value: &'static str| {
        let code = code.clone();
        let rig = &rig;
        async move {
            let mut fields = redemption(&code);
            fields.iter_mut().find(|(field, _)| *field == name).unwrap().1 = value;
            rig.token("organizations", &fields, true).await.code()
        }
    };
    assert_eq!(changed("redirect_uri", "http://localhost:3000/").await, 500_112);
    assert_eq!(changed("code_verifier", "another").await, 501_481);
    assert_eq!(changed("code_verifier", "").await, 9_002_325);
    assert_eq!(changed("grant_type", "password").await, 70003);
    assert_eq!(changed("client_id", "not a guid").await, 700_016);
    assert_eq!(changed("code", "0.unknown").await, 9_002_313);
    assert_eq!(changed("scope", FIRST_SCOPE).await, 700_022);
    assert_eq!(rig.redeem("organizations", &code).await.code(), 0, "no mistake has used the code up");
}

#[tokio::test]
async fn a_second_redemption_of_a_code_is_refused() {
    let rig = Rig::start().await;
    let code = rig.code(HOME, ADA).await;
    assert_eq!(rig.redeem(HOME, &code).await.status, StatusCode::OK);
    let second = rig.redeem(HOME, &code).await;
    assert_eq!((second.code(), second.text("error")), (54005, "invalid_grant"));
    assert!(second.text("error_description").starts_with("AADSTS54005: "));
}

#[tokio::test]
async fn a_single_page_registration_needs_an_origin_and_takes_no_secret() {
    let rig = Rig::start().await;
    let code = rig.code(HOME, ADA).await;
    let without = rig.token(HOME, &redemption(&code), false).await;
    assert_eq!((without.code(), without.status), (9_002_327, StatusCode::BAD_REQUEST));
    let mut fields = redemption(&code).to_vec();
    fields.push(("client_secret", "s"));
    let secret = rig.token(HOME, &fields, true).await;
    assert_eq!((secret.code(), secret.text("error")), (700_025, "invalid_client"));
}

#[tokio::test]
async fn desktop_and_web_registrations_have_their_own_rules() {
    let desktop = Rig::with(|options| options.redirect_uris = vec![(REDIRECT.to_owned(), Platform::Desktop)]).await;
    let code = desktop.code(HOME, ADA).await;
    assert_eq!(desktop.redeem(HOME, &code).await.code(), 9_002_326);
    assert_eq!(desktop.token(HOME, &redemption(&code), false).await.code(), 0);

    let web = Rig::with(|options| {
        options.redirect_uris = vec![(REDIRECT.to_owned(), Platform::Web)];
        options.client_secret = Some("right".to_owned());
    })
    .await;
    let code = web.code(HOME, ADA).await;
    let missing = web.token(HOME, &redemption(&code), false).await;
    assert_eq!((missing.code(), missing.status), (7_000_218, StatusCode::UNAUTHORIZED));
    let mut fields = redemption(&code).to_vec();
    fields.push(("client_secret", "right"));
    assert_eq!(web.token(HOME, &fields, false).await.code(), 0);
}

#[tokio::test]
async fn cancelling_and_silent_requests_come_back_as_errors() {
    let rig = Rig::start().await;
    let location = rig.answer_page(HOME, &[], &[("decision", "cancel")]).await;
    assert!(location.starts_with("http://localhost:3000/?error=access_denied"), "{location}");
    assert!(location.contains("AADSTS65004"));
    let silent = rig.client.get(authorize_url(&rig.sandbox, HOME, &[("prompt", "none")])).send().await.unwrap();
    assert!(silent.headers()["location"].to_str().unwrap().contains("error=login_required"));
}

#[tokio::test]
async fn an_unregistered_redirect_uri_is_told_to_the_person_only() {
    let rig = Rig::start().await;
    let url = authorize_url(&rig.sandbox, HOME, &[("redirect_uri", "https://evil.example/")]);
    let answer = rig.client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.headers().get("location").is_none());
    assert!(answer.text().await.unwrap().contains("AADSTS50011"));
}

#[tokio::test]
async fn a_refresh_for_several_resources_gives_a_token_for_the_first_or_is_refused() {
    use crate::sandbox::options::SeveralResources;
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    let first = rig.refresh(HOME, tokens.text("refresh_token"), FIRST_SCOPE).await;
    assert_eq!(unverified_claims(first.text("access_token")).unwrap()["aud"], "https://management.azure.com");
    rig.shared().flip(|switches| switches.several_resources = SeveralResources::Refused);
    assert_eq!(rig.refresh(HOME, tokens.text("refresh_token"), FIRST_SCOPE).await.code(), 700_022);
}

#[tokio::test]
async fn a_guest_gets_tokens_of_the_tenant_that_invited_and_others_get_none() {
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    let guest = rig.refresh(OTHER, tokens.text("refresh_token"), ARM_SCOPE).await;
    let claims = unverified_claims(guest.text("access_token")).unwrap();
    assert_eq!(claims["tid"], OTHER);
    assert_ne!(claims["oid"], ADA, "a guest is another object than at home");
    let url = "https://management.azure.com/subscriptions?api-version=2022-12-01";
    let seen = rig.client.get(url).bearer_auth(guest.text("access_token")).send().await.unwrap();
    assert_eq!(seen.json::<Value>().await.unwrap()["value"].as_array().unwrap().len(), 1, "and has the same roles");
    let unknown_service = rig.refresh(OTHER, tokens.text("refresh_token"), CENTRAL_SCOPE).await;
    assert_eq!(unknown_service.code(), 650_052);
    let bob = rig.redeem(HOME, &rig.code(HOME, BOB).await).await;
    assert_eq!(rig.refresh(OTHER, bob.text("refresh_token"), ARM_SCOPE).await.code(), 50020);
}

#[tokio::test]
async fn a_tenant_without_iot_central_refuses_the_combined_sign_in() {
    let rig = Rig::start().await;
    let back = rig.sign_in(OTHER, ADA, &[]).await;
    assert!(back["error_description"].starts_with("AADSTS650052"), "{back:?}");
    let arm_only =
        rig.sign_in(OTHER, ADA, &[("scope", "openid offline_access https://management.azure.com/.default")]).await;
    assert!(arm_only.contains_key("code"));
}

#[tokio::test]
async fn a_single_page_refresh_token_and_its_descendants_die_a_day_after_sign_in() {
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    rig.shared().age_grants(time::Duration::hours(23));
    let child = rig.refresh(HOME, tokens.text("refresh_token"), ARM_SCOPE).await;
    assert_eq!(child.code(), 0);
    rig.shared().age_grants(time::Duration::hours(2));
    let late = rig.refresh(HOME, child.text("refresh_token"), ARM_SCOPE).await;
    assert_eq!((late.code(), late.text("error")), (700_084, "invalid_grant"));
}

#[tokio::test]
async fn a_desktop_refresh_token_slides_for_ninety_days() {
    let rig = Rig::with(|options| options.redirect_uris = vec![(REDIRECT.to_owned(), Platform::Desktop)]).await;
    let code = rig.code(HOME, ADA).await;
    let tokens = rig.token(HOME, &redemption(&code), false).await;
    let fields = |token| {
        [
            ("client_id", DEFAULT_CLIENT_ID),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", ARM_SCOPE),
        ]
    };
    rig.shared().age_grants(time::Duration::days(60));
    let child = rig.token(HOME, &fields(tokens.text("refresh_token")), false).await;
    rig.shared().age_grants(time::Duration::days(60));
    assert_eq!(rig.token(HOME, &fields(child.text("refresh_token")), false).await.code(), 0);
    assert_eq!(rig.token(HOME, &fields(tokens.text("refresh_token")), false).await.code(), 700_082);
}

#[tokio::test]
async fn a_code_dies_after_ten_minutes() {
    let rig = Rig::start().await;
    let code = rig.code(HOME, ADA).await;
    rig.shared().age_grants(time::Duration::minutes(11));
    assert_eq!(rig.redeem(HOME, &code).await.code(), 70008);
}

#[tokio::test]
async fn a_revoked_sign_in_must_be_made_again() {
    let rig = Rig::start().await;
    let tokens = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    rig.shared().require_sign_in_again(ADA);
    assert_eq!(rig.refresh(HOME, tokens.text("refresh_token"), ARM_SCOPE).await.code(), 50173);
}

#[tokio::test]
async fn missing_consent_is_asked_for_on_the_page() {
    let rig = Rig::start().await;
    rig.shared().withdraw_consent(ADA, ResourceKind::Central);
    let arm = [("scope", "openid offline_access https://management.azure.com/user_impersonation")];
    let code = rig.sign_in(HOME, ADA, &arm).await.remove("code").unwrap();
    let tokens = rig.redeem(HOME, &code).await;
    let refused = rig.refresh(HOME, tokens.text("refresh_token"), CENTRAL_SCOPE).await;
    assert_eq!((refused.code(), refused.text("suberror")), (65001, "consent_required"));

    let url = authorize_url(&rig.sandbox, HOME, &[]);
    let page = rig.client.post(url).form(&[("person", ADA)]).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Azure IoT Central"));
    rig.answer_page(HOME, &[], &[("person", ADA), ("decision", "accept")]).await;
    assert_eq!(rig.refresh(HOME, tokens.text("refresh_token"), CENTRAL_SCOPE).await.code(), 0);
}

#[tokio::test]
async fn a_claims_challenge_goes_to_clients_that_handle_it_and_lasts_until_the_next_sign_in() {
    let rig = Rig::start().await;
    let declared = [("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)];
    let code = rig.sign_in(HOME, ADA, &declared).await.remove("code").unwrap();
    let tokens = rig.redeem(HOME, &code).await;
    let unaware = rig.refresh(HOME, tokens.text("refresh_token"), ARM_SCOPE).await;
    let ask = |token: String| {
        let url = "https://management.azure.com/tenants?api-version=2022-12-01";
        rig.client.get(url).bearer_auth(token).send()
    };
    rig.shared().demand_claims(ADA);
    assert_eq!(ask(unaware.text("access_token").to_owned()).await.unwrap().status(), StatusCode::OK);
    rig.shared().flip(|switches| switches.challenge_all_clients = true);
    assert_eq!(ask(unaware.text("access_token").to_owned()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    rig.shared().flip(|switches| switches.challenge_all_clients = false);
    let refused = ask(tokens.text("access_token").to_owned()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("error=\"insufficient_claims\""));
    let fresh = rig.redeem(HOME, &rig.code(HOME, ADA).await).await;
    assert_eq!(ask(fresh.text("access_token").to_owned()).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn signing_out_goes_back_to_a_registered_address_only() {
    let rig = Rig::start().await;
    let logout = |back: &str| {
        let base = format!("{}/common/oauth2/v2.0/logout", rig.sandbox.sign_in_base());
        rig.client.get(url::Url::parse_with_params(&base, [("post_logout_redirect_uri", back)]).unwrap()).send()
    };
    assert_eq!(logout("http://localhost:3000/").await.unwrap().status(), StatusCode::FOUND);
    assert_eq!(logout("https://evil.example/").await.unwrap().status(), StatusCode::OK);
}
