//! Enrollment groups, where the documentation leaves room.

use serde_json::{Value, json};

use crate::sandbox::fleet::{NEXT_APP, central_to_central_world, key};
use crate::sandbox::options::ForeignFields;
use crate::sandbox::sas::derive_key;
use crate::sandbox::testkit::{Answer, Bench};

fn bench() -> Bench {
    Bench::new(100, central_to_central_world)
}

fn group(primary: &str, secondary: &str) -> Value {
    let keys = json!({"primaryKey": key(primary), "secondaryKey": key(secondary)});
    json!({"displayName": "g", "type": "iot", "attestation": {"type": "symmetricKey", "symmetricKey": keys}})
}

async fn put(bench: &Bench, id: &str, body: Value) -> Answer {
    bench.app(NEXT_APP, "PUT", &format!("/enrollmentGroups/{id}"), body).await
}

#[tokio::test]
async fn a_group_whose_id_exists_conflicts_or_is_replaced_as_the_switch_says() {
    let bench = bench();
    assert_eq!(put(&bench, "one", group("a", "b")).await.status, 200);
    for same_or_other in [group("a", "b"), group("c", "d")] {
        assert_eq!(put(&bench, "one", same_or_other).await.status, 409);
    }
    bench.shared.flip(|switches| switches.existing_groups_are_replaced = true);
    let replaced = put(&bench, "one", group("c", "d")).await;
    assert_eq!(replaced.status, 200);
    assert_eq!(replaced.body["attestation"]["symmetricKey"]["primaryKey"], key("c"));
}

#[tokio::test]
async fn a_key_that_another_group_has_in_either_place_conflicts_unless_the_switch_says_otherwise() {
    let bench = bench();
    assert_eq!(put(&bench, "one", group("a", "b")).await.status, 200);
    for other in [group("a", "b"), group("b", "a"), group("a", "c"), group("c", "a")] {
        assert_eq!(put(&bench, "two", other).await.status, 409);
    }
    assert_eq!(put(&bench, "three", group("c", "d")).await.status, 200);
    bench.shared.flip(|switches| switches.groups_may_share_keys = true);
    assert_eq!(put(&bench, "two", group("a", "b")).await.status, 200);
}

#[tokio::test]
async fn a_foreign_field_beside_the_keys_is_refused_ignored_or_echoed() {
    for foreign in [ForeignFields::Refused, ForeignFields::Ignored, ForeignFields::Echoed] {
        let bench = bench();
        bench.shared.flip(|switches| switches.foreign_key_fields = foreign);
        let mut body = group("a", "b");
        body["attestation"]["symmetricKey"]["idScope"] = json!("0ne00A00001");
        let made = put(&bench, "one", body).await;
        let shown = bench.app(NEXT_APP, "GET", "/enrollmentGroups/one", Value::Null).await;
        let echoed = &shown.body["attestation"]["symmetricKey"]["idScope"];
        let own = derive_key(&key("a"), "new-01").unwrap();
        let body = json!({"registrationId": "new-01"});
        let registered = bench.device("PUT", "0ne00A00004", "new-01", "/register", &own, body).await.status;
        match foreign {
            ForeignFields::Refused => assert_eq!((made.status, shown.status, registered), (400, 404, 401)),
            ForeignFields::Ignored => {
                assert_eq!((made.status, registered, echoed), (200, 202, &Value::Null));
            }
            ForeignFields::Echoed => {
                assert_eq!((made.status, registered, echoed), (200, 202, &json!("0ne00A00001")));
                assert_eq!(made.body["attestation"], shown.body["attestation"]);
            }
        }
    }
}
