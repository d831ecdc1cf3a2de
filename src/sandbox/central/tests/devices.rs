//! Single devices: made, changed, taken away.

use serde_json::{Value, json};

use crate::sandbox::fleet::{BOILER, MAIN_APP, NEXT_APP, PUMP, central_to_central_world};
use crate::sandbox::testkit::{Answer, Bench};

fn bench() -> Bench {
    Bench::new(100, central_to_central_world)
}

#[tokio::test]
async fn a_temporary_device_tells_the_id_scope_and_leaves_no_trace() {
    let bench = bench();
    let state = || bench.shared.look(|world| serde_json::to_value(&world.apps[NEXT_APP]).unwrap());
    let before = state();
    let path = "/devices/migrator-probe-0a1b2c3d";
    let probe = json!({"displayName": "Probe", "simulated": false, "enabled": true});
    let made = bench.app(NEXT_APP, "PUT", path, probe).await;
    assert_eq!((made.status, &made.body["provisioned"]), (200, &json!(false)));
    let credentials = bench.app(NEXT_APP, "GET", &format!("{path}/credentials"), Value::Null).await;
    assert_eq!((credentials.status, &credentials.body["idScope"]), (200, &json!("0ne00A00004")));
    assert!(credentials.body["symmetricKey"]["primaryKey"].is_string());
    assert_eq!(bench.app(NEXT_APP, "DELETE", path, Value::Null).await.status, 204);
    assert_eq!(bench.app(NEXT_APP, "GET", path, Value::Null).await.status, 404);
    assert_eq!(bench.app(NEXT_APP, "DELETE", path, Value::Null).await.status, 404);
    assert_eq!(state(), before);
}

#[tokio::test]
async fn credentials_of_a_simulated_device_have_the_id_scope_or_not_as_the_switch_says() {
    let bench = bench();
    let scope = |id: &'static str| {
        let bench = &bench;
        async move {
            let credentials = bench.app(MAIN_APP, "GET", &format!("/devices/{id}/credentials"), Value::Null).await;
            assert_eq!(credentials.status, 200);
            credentials.body["idScope"].as_str().map(str::to_owned)
        }
    };
    let own = Some("0ne00A00001".to_owned());
    assert_eq!(scope("boiler-0017").await, own);
    bench.shared.flip(|switches| switches.simulated_devices_lack_id_scope = true);
    assert_eq!(scope("boiler-0017").await, None);
    for real in ["boiler-0001", "boiler-0015", "boiler-0018"] {
        assert_eq!(scope(real).await, own, "{real}");
    }
}

#[tokio::test]
async fn a_patch_changes_name_template_and_organisation_and_nothing_else() {
    let bench = bench();
    let path = "/devices/boiler-0021";
    let patch = |body: Value| bench.app(NEXT_APP, "PATCH", path, body);
    let shown = |answer: &Answer| {
        ["displayName", "template", "organizations", "enabled", "provisioned"].map(|name| answer.body[name].clone())
    };
    bench.app(NEXT_APP, "PUT", "/organizations/plant-a", json!({"displayName": "Plant A"})).await;
    let named = patch(json!({"displayName": "Boiler of plant A", "organizations": ["plant-a"]})).await;
    assert_eq!(named.status, 200);
    let expected = [json!("Boiler of plant A"), json!(BOILER), json!(["plant-a"]), json!(true), json!(false)];
    assert_eq!(shown(&named), expected);
    let assigned = patch(json!({"template": PUMP, "provisioned": true})).await;
    let expected = [json!("Boiler of plant A"), json!(PUMP), json!(["plant-a"]), json!(true), json!(false)];
    assert_eq!(shown(&assigned), expected, "provisioned is only read");
    for (refused, status) in [
        (json!({"template": "dtmi:contoso:Boiler;2"}), 422),
        (json!({"organizations": ["nowhere"]}), 422),
        (json!({"organizations": ["plant-a", "plant-a"]}), 400),
        (json!({"organizations": "plant-a"}), 400),
        (json!({"displayName": ""}), 400),
        (json!({"colour": "red"}), 400),
    ] {
        assert_eq!(patch(refused.clone()).await.status, status, "{refused}");
    }
    assert_eq!(shown(&bench.app(NEXT_APP, "GET", path, Value::Null).await), expected);
    let freed = patch(json!({"organizations": []})).await;
    assert_eq!((freed.status, &freed.body["organizations"]), (200, &Value::Null));
}
