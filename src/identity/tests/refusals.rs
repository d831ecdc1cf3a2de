//! Sign-ins that fail: each refusal its own variant, with words and advice, and nobody signed in by it.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::super::*;
use super::support::*;

async fn refused_with(change: impl FnOnce(&FakeEntra, &mut Value) -> Option<String>) -> SignInError {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let mut claims = entra.claims(&start);
    let token = change(&entra, &mut claims).unwrap_or_else(|| KEY.sign(&claims));
    entra.redeems_with(200, granted("A1", Some("R1"), Some(&token))).await;
    let refused = bench.finish(start).await.expect_err("refused");
    assert_eq!(bench.identity.person(&ada()).await.expect("reads"), None, "nothing was recorded");
    assert!(bench.tokens().token(crate::azure::tokens::Resource::Arm, None).await.is_err());
    refused
}

async fn id_token_refused_with(change: impl FnOnce(&FakeEntra, &mut Value) -> Option<String>) -> IdTokenError {
    match refused_with(change).await {
        SignInError::IdToken(error) => error,
        other => panic!("{other:?}"),
    }
}

async fn claim_refused(name: &str, value: Value) -> IdTokenError {
    let name = name.to_owned();
    id_token_refused_with(move |_, claims| {
        claims[name] = value;
        None
    })
    .await
}

#[tokio::test]
async fn an_id_token_for_somebody_else_or_from_somewhere_else_is_refused() {
    assert_eq!(claim_refused("aud", json!("another-client")).await, IdTokenError::Audience);
    assert_eq!(claim_refused("iss", json!("https://evil.example/x/v2.0")).await, IdTokenError::Issuer);
    assert_eq!(claim_refused("tid", json!(OTHER_TENANT)).await, IdTokenError::Issuer);
    assert_eq!(claim_refused("nonce", json!("of-another-sign-in")).await, IdTokenError::Nonce);
    assert_eq!(claim_refused("nonce", Value::Null).await, IdTokenError::Nonce);
    assert_eq!(claim_refused("oid", Value::Null).await, IdTokenError::Malformed);
}

#[tokio::test]
async fn an_id_token_out_of_time_is_refused_beyond_five_minutes() {
    let now = Clock::system().now().unix_timestamp();
    assert!(matches!(claim_refused("exp", json!(now - 600)).await, IdTokenError::Expired { minutes: 9..=10 }));
    assert!(matches!(claim_refused("nbf", json!(now + 660)).await, IdTokenError::NotYetValid { minutes: 10..=11 }));
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let mut claims = entra.claims(&start);
    claims["nbf"] = json!(now + 240);
    claims["exp"] = json!(now - 240);
    entra.grants(&claims).await;
    bench.finish(start).await.expect("four minutes are no matter");
}

#[tokio::test]
async fn an_id_token_that_is_not_signed_by_entras_key_is_refused() {
    let forged = |header: Value| move |_: &FakeEntra, claims: &mut Value| Some(NEXT_KEY.sign_under(&header, claims));
    let none = forged(json!({ "alg": "none", "kid": "first" }));
    assert_eq!(id_token_refused_with(none).await, IdTokenError::Algorithm);
    let symmetric = forged(json!({ "alg": "HS256", "kid": "first" }));
    assert_eq!(id_token_refused_with(symmetric).await, IdTokenError::Algorithm);
    let strange = forged(json!({ "alg": "RS256", "kid": "nowhere" }));
    assert_eq!(id_token_refused_with(strange).await, IdTokenError::UnknownKey);
    let claiming = forged(json!({ "alg": "RS256", "kid": "first" }));
    assert_eq!(id_token_refused_with(claiming).await, IdTokenError::Signature);
    assert_eq!(id_token_refused_with(|_, _| Some("not.a.token".to_owned())).await, IdTokenError::Malformed);
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let (mine, other) = (bench.start(), bench.start());
    let stray = coming_back(&mine, &[("code", "C1")]);
    assert!(matches!(bench.identity.finish_sign_in(None, stray).await, Err(SignInError::NotStartedHere)));
    let crossed = coming_back(&other, &[("code", "C1")]);
    let refused = bench.identity.finish_sign_in(Some(mine.attempt), crossed).await;
    assert!(matches!(refused, Err(SignInError::StateMismatch)));
    assert_eq!(entra.token_requests().await.len(), 0, "no code was redeemed");
}

#[tokio::test]
async fn an_answer_counts_once_and_for_ten_minutes() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    entra.grants(&entra.claims(&start)).await;
    let again = SignInStart { attempt: start.attempt.clone(), authorize_url: start.authorize_url.clone() };
    let (first, second) = tokio::join!(bench.finish(start), bench.finish(again));
    assert!(first.is_ok());
    assert!(matches!(second, Err(SignInError::AlreadyUsed)));
    assert_eq!(entra.token_requests().await.len(), 1);

    let late = Clock::system().wrong_by(time::Duration::minutes(11));
    let later = identity(entra.settings(Platform::Spa), late, &bench.store, &bench.folder);
    let start = bench.start();
    let callback = coming_back(&start, &[("code", "C1")]);
    assert!(matches!(later.finish_sign_in(Some(start.attempt), callback).await, Err(SignInError::Expired)));
}

#[tokio::test]
async fn a_refusal_on_the_way_back_is_told_by_its_code() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let declined = [("error", "access_denied"), ("error_description", "AADSTS65004: The resource owner declined")];
    let start = bench.start();
    let callback = coming_back(&start, &declined);
    let refused = bench.identity.finish_sign_in(Some(start.attempt), callback).await.expect_err("refused");
    assert_eq!(refused.to_string(), "Consent was declined. (AADSTS65004)");
    assert!(!refused.advice().is_empty());

    let start = bench.start();
    let callback =
        coming_back(&start, &[("error", "server_error<script>"), ("error_uri", "https://x/error?code=50105")]);
    let refused = bench.identity.finish_sign_in(Some(start.attempt), callback).await.expect_err("refused");
    assert_eq!(refused.to_string(), "The account is not assigned to this application. (AADSTS50105)");

    let start = bench.start();
    let callback = coming_back(&start, &[]);
    let refused = bench.identity.finish_sign_in(Some(start.attempt), callback).await;
    assert!(matches!(refused, Err(SignInError::NoCode)));
}

#[tokio::test]
async fn a_platform_that_does_not_fit_the_registration_says_which_setting_is_wrong() {
    for (platform, code, expected) in [
        (
            Platform::Spa,
            9_002_326,
            "AAD_APP_PLATFORM is spa, but http://localhost:3000 is not registered under Single-page",
        ),
        (Platform::Desktop, 9_002_327, "set AAD_APP_PLATFORM=spa"),
        (Platform::Desktop, 7_000_218, "set AAD_APP_PLATFORM=web with AAD_APP_CLIENT_SECRET"),
        (Platform::Web { secret: "s3".into() }, 700_025, "remove AAD_APP_CLIENT_SECRET"),
    ] {
        let entra = FakeEntra::start().await;
        let bench = Bench::new(entra.settings(platform), Clock::system()).await;
        let start = bench.start();
        entra.redeems_with(400, refusal("invalid_request", code)).await;
        let refused = bench.finish(start).await.expect_err("refused");
        assert!(refused.advice().contains(expected), "{}", refused.advice());
        assert!(refused.is_set_up());
    }
}

#[tokio::test]
async fn a_code_that_nobody_here_knows_is_shown_with_its_trace() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    entra.redeems_with(400, refusal("invalid_grant", 123_456)).await;
    let refused = bench.finish(start).await.expect_err("refused");
    assert_eq!(refused.to_string(), "Entra no longer accepts this sign-in. (AADSTS123456, trace trace-7)");
}

#[tokio::test]
async fn trouble_at_entra_is_met_again_and_then_told() {
    let entra = FakeEntra::start().await;
    let clock = Clock::scaled(Clock::system().now(), 50);
    let bench = Bench::new(entra.settings(Platform::Spa), clock).await;
    let start = bench.start();
    entra.answers("grant_type", ResponseTemplate::new(503).set_body_string("<html>down</html>")).await;
    let refused = bench.finish(start).await.expect_err("refused");
    assert!(matches!(&refused, SignInError::Unreachable { .. }), "{refused:?}");
    assert_eq!(entra.token_requests().await.len(), 3);
}

#[tokio::test]
async fn an_answer_of_another_shape_is_refused_without_repeating_it() {
    for body in ["<html>a captive portal with R1</html>", "{\"access_token\":\"A1\"", "{}"] {
        let entra = FakeEntra::start().await;
        let bench = Bench::spa(&entra).await;
        let start = bench.start();
        entra.answers("grant_type", ResponseTemplate::new(200).set_body_string(body)).await;
        let refused = bench.finish(start).await.expect_err("refused");
        assert!(matches!(&refused, SignInError::BadAnswer(_)), "{refused:?}");
        assert!(!format!("{refused:?}").contains("R1"));
    }
}

#[tokio::test]
async fn a_grant_that_does_not_last_is_refused() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    let token = KEY.sign(&entra.claims(&start));
    entra.redeems_with(200, granted("A1", None, Some(&token))).await;
    assert!(matches!(bench.finish(start).await, Err(SignInError::NoRefreshToken)));
}

#[tokio::test]
async fn nothing_secret_shows_in_debug_output() {
    let entra = FakeEntra::start().await;
    let bench = Bench::new(entra.settings(Platform::Web { secret: "s3cret-value".into() }), Clock::system()).await;
    let start = bench.start();
    let token = KEY.sign(&entra.claims(&start));
    entra.redeems_with(200, granted("access-secret", Some("refresh-secret"), Some(&token))).await;
    let callback = coming_back(&start, &[("code", "code-secret")]);
    let asked = query(&start.authorize_url);
    let shown = format!("{:?} {:?} {callback:?}", bench.identity, start.attempt);
    let finished = bench.identity.finish_sign_in(Some(start.attempt), callback).await.expect("signs in");
    let shown = format!("{shown} {finished:?} {:?} {:?}", bench.identity, bench.tokens());
    for secret in ["s3cret-value", "access-secret", "refresh-secret", "code-secret", &asked["state"], &asked["nonce"]] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
