//! Signing keys: rotation, rate, and where they may come from.

use super::super::*;
use super::support::*;

async fn key_requests(entra: &FakeEntra) -> usize {
    let requests = entra.server.received_requests().await.expect("recorded");
    requests.iter().filter(|request| request.url.path().ends_with("/keys")).count()
}

#[tokio::test]
async fn keys_are_fetched_once_for_many_sign_ins() {
    let entra = FakeEntra::start().await;
    let bench = Bench::spa(&entra).await;
    for _ in 0..3 {
        let start = bench.start();
        // Mocks match in the order of mounting, so that the answer of the last sign-in must go.
        let seen = key_requests(&entra).await;
        assert!(seen <= 1);
        entra.forgets().await;
        entra.grants(&entra.claims(&start)).await;
        bench.finish(start).await.expect("signs in");
    }
    assert_eq!(key_requests(&entra).await, 0, "after the first sign-in nobody asked for keys");
}

#[tokio::test]
async fn a_key_that_is_new_is_found_at_once_and_one_that_is_nowhere_is_not_searched_all_the_time() {
    let entra = FakeEntra::start().await;
    let bench = Bench::signed_in(&entra).await;
    entra.server.reset().await;
    entra.publishes(TENANT, &entra.issuer(TENANT), &[&NEXT_KEY]).await;
    let start = bench.start();
    let signed = NEXT_KEY.sign(&entra.claims(&start));
    entra.redeems_with(200, granted("A2", Some("R2"), Some(&signed))).await;
    bench.finish(start).await.expect("signs in with the key after the rotation");
    assert_eq!(key_requests(&entra).await, 1);

    for _ in 0..3 {
        entra.forgets().await;
        let start = bench.start();
        entra.grants(&entra.claims(&start)).await;
        let refused = bench.finish(start).await.expect_err("the old key is gone");
        assert!(matches!(refused, SignInError::IdToken(IdTokenError::UnknownKey)));
        assert_eq!(key_requests(&entra).await, 0, "searched less than a minute ago");
    }
}

#[tokio::test]
async fn keys_on_another_host_than_the_sign_in_are_not_believed() {
    let entra = FakeEntra::start().await;
    entra.server.reset().await;
    entra.publishes_at(TENANT, &entra.issuer(TENANT), "https://evil.example/keys").await;
    let bench = Bench::spa(&entra).await;
    let start = bench.start();
    entra.grants(&entra.claims(&start)).await;
    let refused = bench.finish(start).await.expect_err("refused");
    assert!(matches!(&refused, SignInError::BadAnswer(_)), "{refused}");
    assert_eq!(bench.identity.person(&ada()).await.expect("reads"), None);
}

#[tokio::test]
async fn a_key_that_is_published_for_another_issuer_signs_for_nobody_else() {
    for (of, good) in [(TENANT, true), ("{tenantid}", true), (OTHER_TENANT, false)] {
        let entra = FakeEntra::start().await;
        entra.server.reset().await;
        let mut key = KEY.published();
        key["issuer"] = serde_json::json!(entra.issuer(of));
        let of_another_kind = serde_json::json!({ "kty": "EC", "kid": "curve", "crv": "P-256" });
        entra.publishes_keys(TENANT, &entra.issuer(TENANT), vec![of_another_kind, key]).await;
        let bench = Bench::spa(&entra).await;
        let start = bench.start();
        entra.grants(&entra.claims(&start)).await;
        assert_eq!(bench.finish(start).await.is_ok(), good, "{of}");
    }
}
