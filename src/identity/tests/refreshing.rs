//! Tokens from the refresh token: one request at a time, the newest kept, trouble told apart.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::super::*;
use super::support::*;
use crate::azure::tokens::{Refusal, Resource, TokenError};

fn slowly(body: serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body).set_delay(Duration::from_millis(300))
}

/// The refresh requests so far, as forms.
async fn refreshes(entra: &FakeEntra) -> Vec<std::collections::HashMap<String, String>> {
    let requests = entra.token_requests().await;
    requests.iter().map(form).filter(|form| form["grant_type"] == "refresh_token").collect()
}

#[tokio::test]
async fn many_that_want_the_same_token_cause_one_request() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.answers("grant_type=refresh_token", slowly(granted("A2", Some("R2"), None))).await;
    let providers: Vec<_> = (0..40).map(|_| bench.tokens()).collect();
    let tokens = join_all(providers.iter().map(|tokens| tokens.token(Resource::Central, None))).await;
    assert!(tokens.into_iter().all(|token| exposed(token) == "A2"));
    assert_eq!(refreshes(&entra).await.len(), 1);
}

#[tokio::test]
async fn a_refresh_asks_for_one_resource_at_the_persons_tenant_with_the_origin() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.refreshes_with(200, granted("A2", Some("R2"), None)).await;
    exposed(bench.tokens().token(Resource::Central, None).await);
    let request = entra.token_requests().await.pop().expect("asked");
    assert_eq!(request.url.path(), format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(request.headers["origin"], "http://localhost:3000");
    let sent = form(&request);
    assert_eq!(sent["scope"], format!("{CENTRAL} openid profile offline_access"));
    assert_eq!(sent["refresh_token"], "R1");
    assert_eq!(sent.get("client_secret"), None);
}

#[tokio::test]
async fn two_resources_at_once_are_asked_for_one_after_the_other_each_with_the_newest_refresh_token() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.answers("refresh_token=R1", slowly(granted("A2", Some("R2"), None))).await;
    entra.answers("refresh_token=R2", slowly(granted("A3", Some("R3"), None))).await;
    let tokens = bench.tokens();
    let refused = Refusal::default();
    let (central, arm) =
        tokio::join!(tokens.token(Resource::Central, None), tokens.token(Resource::Arm, Some(&refused)));
    let mut both = [exposed(central), exposed(arm)];
    both.sort();
    assert_eq!(both, ["A2", "A3"]);
}

#[tokio::test]
async fn after_a_restart_tokens_come_from_the_database_and_it_holds_no_token_in_the_clear() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.refreshes_with(200, granted("A2", Some("R2-secret"), None)).await;
    exposed(bench.restarted(&entra).tokens(&ada()).token(Resource::Arm, None).await);
    exposed(bench.restarted(&entra).tokens(&ada()).token(Resource::Arm, None).await);
    let sent = refreshes(&entra).await;
    assert_eq!((sent[0]["refresh_token"].as_str(), sent[1]["refresh_token"].as_str()), ("R1", "R2-secret"));
    bench.store.close().await;
    for file in std::fs::read_dir(bench.folder.path()).expect("lists") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("reads");
        assert!(!bytes.windows(9).any(|part| part == b"R2-secret"));
    }
}

#[tokio::test]
async fn with_another_vault_key_the_person_must_sign_in_again() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    std::fs::remove_file(bench.folder.path().join("vault.key")).expect("removed");
    let refused = bench.restarted(&entra).tokens(&ada()).token(Resource::Arm, None).await;
    assert!(matches!(refused, Err(TokenError::SignInNeeded { .. })));
    assert_eq!(refreshes(&entra).await.len(), 0);
}

#[tokio::test]
async fn a_token_is_used_until_shortly_before_its_end() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let mut short = granted("A2", None, None);
    short["expires_in"] = json!(0);
    entra.refreshes_with(200, short).await;
    for _ in 0..2 {
        assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A2");
        assert_eq!(exposed(bench.tokens().token(Resource::Arm, None).await), "A1");
    }
    assert_eq!(refreshes(&entra).await.len(), 2, "the one that had ended was fetched again, the other was not");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_that_were_refused() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.refreshes_with(200, granted("A2", Some("R2"), None)).await;
    let tokens = bench.tokens();
    assert_eq!(exposed(tokens.token(Resource::Arm, None).await), "A1");
    for _ in 0..5 {
        assert_eq!(exposed(tokens.token(Resource::Arm, Some(&Refusal::default())).await), "A2");
    }
    assert_eq!(exposed(tokens.token(Resource::Arm, None).await), "A2");
    assert_eq!(refreshes(&entra).await.len(), 1);
}

#[tokio::test]
async fn claims_of_a_challenge_are_passed_on_and_never_answered_from_memory() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.refreshes_with(200, granted("A2", Some("R2"), None)).await;
    let challenge = Refusal { claims: Some(r#"{"access_token":{"nbf":{"essential":true}}}"#.to_owned()) };
    for _ in 0..2 {
        exposed(bench.tokens().token(Resource::Arm, Some(&challenge)).await);
    }
    let sent = refreshes(&entra).await;
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|form| Some(&form["claims"]) == challenge.claims.as_ref()));
}

#[tokio::test]
async fn a_sign_in_that_ended_names_the_person_and_entra_is_not_asked_again() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.refreshes_with(400, refusal("invalid_grant", 700_084)).await;
    for _ in 0..3 {
        let Err(TokenError::SignInNeeded { person, reason, consent_for, .. }) =
            bench.tokens().token(Resource::Central, None).await
        else {
            panic!("a sign-in is needed")
        };
        assert_eq!(person, "Ada Example (ada@contoso.com)");
        assert!(reason.contains("24 hours") && reason.contains("AADSTS700084"), "{reason}");
        assert_eq!(consent_for, None);
    }
    assert_eq!(refreshes(&entra).await.len(), 1);
    entra.forgets().await;
    bench.sign_in(&entra).await;
    entra.refreshes_with(200, granted("A9", Some("R9"), None)).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A9", "a new sign-in heals it");
}

#[tokio::test]
async fn what_a_person_can_end_by_signing_in_and_what_takes_a_setting_are_told_apart() {
    for (error, code, sign_in, consent) in [
        ("invalid_grant", 65_001, true, Some(Resource::Central)),
        ("interaction_required", 50_076, true, None),
        ("invalid_grant", 999_999, true, None),
        ("invalid_resource", 650_052, false, None),
        ("invalid_grant", 53_003, false, None),
        ("invalid_client", 7_000_222, false, None),
    ] {
        let entra = FakeEntra::start().await;
        let bench = Bench::signed_in(&entra).await;
        entra.refreshes_with(400, refusal(error, code)).await;
        match bench.tokens().token(Resource::Central, None).await.expect_err("refused") {
            TokenError::SignInNeeded { consent_for, .. } => {
                assert!(sign_in, "{code}");
                assert_eq!(consent_for, consent, "{code}");
            }
            TokenError::Misconfigured { hint, .. } => assert!(!sign_in && !hint.is_empty(), "{code}"),
            other @ TokenError::Transient { .. } => panic!("{code}: {other}"),
        }
        assert_eq!(exposed(bench.tokens().token(Resource::Arm, None).await), "A1", "{code} is of one resource only");
    }
}

#[tokio::test]
async fn claims_that_entra_wants_go_to_the_next_sign_in() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let mut body = refusal("interaction_required", 53_000);
    body["claims"] = json!(r#"{"access_token":{"capolids":{}}}"#);
    entra.refreshes_with(400, body).await;
    let refused = bench.tokens().token(Resource::Arm, Some(&Refusal::default())).await;
    let Err(TokenError::SignInNeeded { claims, .. }) = refused else { panic!("a sign-in is needed") };
    assert_eq!(claims.as_deref(), Some(r#"{"access_token":{"capolids":{}}}"#));
}

#[tokio::test]
async fn a_token_that_only_a_sign_in_can_replace_is_not_handed_out_again_before_it() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let mut body = refusal("interaction_required", 50_076);
    body["claims"] = json!("{}");
    entra.refreshes_with(400, body).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Arm, None).await), "A1");
    for refused in [Some(&Refusal::default()), None, None] {
        let answer = bench.tokens().token(Resource::Arm, refused).await;
        assert!(matches!(answer, Err(TokenError::SignInNeeded { .. })), "{answer:?}");
    }
    assert_eq!(refreshes(&entra).await.len(), 1, "Entra has said what it wants");
    assert_eq!(bench.identity.wanted_claims(&ada()).as_deref(), Some("{}"));
    entra.forgets().await;
    bench.sign_in(&entra).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Arm, None).await), "A1");
    assert_eq!(bench.identity.wanted_claims(&ada()), None);
}

#[tokio::test]
async fn passing_trouble_is_met_again_before_it_is_told() {
    let entra = FakeEntra::start().await;
    let clock = Clock::scaled(Clock::system().now(), 50);
    let bench = Bench::new(entra.settings(Platform::Spa), clock).await;
    bench.sign_in(&entra).await;
    let trouble = ResponseTemplate::new(500).set_body_string("oops");
    wiremock::Mock::given(wiremock::matchers::body_string_contains("refresh_token=R1"))
        .respond_with(trouble)
        .up_to_n_times(2)
        .mount(&entra.server)
        .await;
    entra.refreshes_with(200, granted("A2", None, None)).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A2");
    assert_eq!(refreshes(&entra).await.len(), 3);
}

#[tokio::test]
async fn when_entra_says_when_to_come_back_nobody_comes_back_before() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "60").set_body_string("");
    entra.answers("grant_type=refresh_token", busy).await;
    for _ in 0..3 {
        let Err(TokenError::Transient { retry_after: Some(wait), .. }) =
            bench.tokens().token(Resource::Central, None).await
        else {
            panic!("passing trouble with a time")
        };
        assert!(wait <= Duration::from_secs(60) && wait > Duration::from_secs(50), "{wait:?}");
    }
    assert_eq!(refreshes(&entra).await.len(), 1);
}

#[tokio::test]
async fn a_new_sign_in_is_not_overwritten_by_the_answer_to_an_older_request() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.answers("refresh_token=R1", slowly(granted("A2", Some("R2-of-the-old-sign-in"), None))).await;
    let (tokens, next) = (bench.tokens(), bench.start());
    let id_token = KEY.sign(&entra.claims(&next));
    let (old, _) = tokio::join!(tokens.token(Resource::Central, None), async {
        while refreshes(&entra).await.is_empty() {
            tokio::task::yield_now().await;
        }
        let mut anew = granted("A5", Some("R5"), Some(&id_token));
        anew["expires_in"] = json!(1);
        wiremock::Mock::given(wiremock::matchers::body_string_contains("code=C-new"))
            .respond_with(ResponseTemplate::new(200).set_body_json(anew))
            .with_priority(1)
            .mount(&entra.server)
            .await;
        let callback = coming_back(&next, &[("code", "C-new")]);
        bench.identity.finish_sign_in(Some(next.attempt.clone()), callback).await.expect("signs in");
    });
    assert_eq!(exposed(old), "A2", "who waited gets the token, which is good");
    entra.answers("refresh_token=R5", ResponseTemplate::new(200).set_body_json(granted("A6", None, None))).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A6", "the newest refresh token is used");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_lose_the_new_refresh_token() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.answers("refresh_token=R1", slowly(granted("A2", Some("R2"), None))).await;
    entra.answers("refresh_token=R2", ResponseTemplate::new(200).set_body_json(granted("A3", None, None))).await;
    let tokens = bench.tokens();
    let gone = tokio::spawn(async move { tokens.token(Resource::Central, None).await });
    while refreshes(&entra).await.is_empty() {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.expect_err("cut off").is_cancelled());
    assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A2", "the request went on by itself");
    assert_eq!(exposed(bench.tokens().token(Resource::Arm, Some(&Refusal::default())).await), "A3");
}

#[tokio::test]
async fn nobody_gets_a_token_of_somebody_who_never_signed_in() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    let refused = bench.tokens().token(Resource::Arm, None).await;
    assert!(matches!(refused, Err(TokenError::SignInNeeded { .. })));
    assert_eq!(entra.token_requests().await.len(), 0);
}

#[tokio::test]
async fn a_sign_out_during_a_request_leaves_no_token_behind() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.answers("refresh_token=R1", slowly(granted("A2", Some("R2"), None))).await;
    let tokens = bench.tokens();
    let (_, ()) = tokio::join!(tokens.token(Resource::Central, None), async {
        while refreshes(&entra).await.is_empty() {
            tokio::task::yield_now().await;
        }
        bench.identity.release(&ada()).await.expect("releases");
    });
    assert!(matches!(tokens.token(Resource::Central, None).await, Err(TokenError::SignInNeeded { .. })));
    assert!(bench.store.lookup_grant(&ada()).await.expect("reads").is_none());
}

#[tokio::test]
async fn numbers_out_of_all_bounds_do_no_harm() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    let mut body = granted("A2", None, None);
    body["expires_in"] = json!(u64::MAX);
    entra.refreshes_with(200, body).await;
    assert_eq!(exposed(bench.tokens().token(Resource::Central, None).await), "A2");
}
