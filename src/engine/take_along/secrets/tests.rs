//! No secret gets through, and what is none does.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MASK, left_out_of};

/// Cleans one item.
fn clean(item: Value) -> Value {
    left_out_of(vec![item]).items.remove(0)
}

fn paths(item: Value) -> Vec<String> {
    left_out_of(vec![item]).left_out.into_iter().collect()
}

#[test]
fn a_destination_keeps_where_it_leads_and_loses_what_it_signs_in_with() {
    let storage = json!({"authorization": {
        "type": "connectionString", "containerName": "central-data",
        "connectionString": "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=q83v/x==;EndpointSuffix=core.windows.net",
    }});
    let expected = json!({"authorization": {
        "type": "connectionString", "containerName": "central-data",
        "connectionString": "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=(left out);EndpointSuffix=core.windows.net",
    }});
    assert_eq!(clean(storage.clone()), expected);
    assert_eq!(paths(storage), ["authorization.connectionString"]);
    let bus =
        json!("Endpoint=sb://c.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=q83v=;EntityPath=e");
    let expected =
        "Endpoint=sb://c.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=(left out);EntityPath=e";
    assert_eq!(clean(json!({"connectionString": bus})), json!({"connectionString": expected}));
    let principal =
        json!({"clientId": "c", "tenantId": "t", "clientSecret": "s", "tokenUrl": "https://t.example/token"});
    let expected =
        json!({"clientId": "c", "tenantId": "t", "clientSecret": MASK, "tokenUrl": "https://t.example/token"});
    assert_eq!(clean(json!({"authorization": principal})), json!({"authorization": expected}));
}

#[test]
fn a_webhook_keeps_its_host_and_the_names_of_its_headers() {
    let hook = json!({
        "type": "webhook@v1", "authorization": {"type": "header", "value": "hunter2"},
        "url": "https://hooks.example/services/T01/9bda8769-d540-4d92-946b-48c5a01e59bd?plant=ulm&code=abc",
        "headerCustomizations": {"x-region": {"value": "west", "secret": false}, "x-key": {"value": "k", "secret": true}},
    });
    let expected = json!({
        "type": "webhook@v1", "authorization": {"type": "header", "value": MASK},
        "url": "https://hooks.example/services/T01/(left out)?plant=(left out)&code=(left out)",
        "headerCustomizations": {"x-region": {"value": MASK, "secret": false}, "x-key": {"value": MASK, "secret": true}},
    });
    assert_eq!(clean(hook.clone()), expected);
    let expected =
        ["authorization.value", "headerCustomizations.x-key.value", "headerCustomizations.x-region.value", "url"];
    assert_eq!(paths(hook), expected);
}

#[test]
fn a_value_is_a_secret_if_the_name_beside_it_is_one_of_a_secret() {
    let job = json!({"data": [{"path": "wifi.password", "value": "hunter2"}, {"path": "interval", "value": 60}]});
    let expected = json!({"data": [{"path": "wifi.password", "value": MASK}, {"path": "interval", "value": 60}]});
    assert_eq!(clean(job), expected);
    let property = json!({"@type": "Property", "name": "apiKey", "schema": "string", "initialValue": "k"});
    assert_eq!(clean(property)["initialValue"], MASK);
}

#[test]
fn json_within_a_text_is_looked_through_and_stays_json() {
    let options = json!({"createOptions": "{\"Env\":[\"DB=pg://u:p@h\"],\"HostConfig\":{\"Privileged\":true}}"});
    let inner: Value = serde_json::from_str(clean(options)["createOptions"].as_str().unwrap()).unwrap();
    assert_eq!(inner, json!({"Env": [MASK], "HostConfig": {"Privileged": true}}));
    let plain = json!({"createOptions": "{ \"HostConfig\": {} }"});
    assert_eq!(clean(plain.clone()), plain, "as it was written");
}

#[test]
fn secrets_in_a_text_are_told_by_how_they_are_written() {
    for (text, expected) in [
        ("https://a.example/x?sv=1&sig=a%2Fb&se=9", "https://a.example/x?sv=1&sig=(left out)&se=9"),
        ("SharedAccessSignature sr=h&sig=ab=&skn=p&se=1", "SharedAccessSignature sr=h&sig=(left out)&skn=p&se=1"),
        ("Authorization is Bearer AbC123", "Authorization is Bearer (left out)"),
        ("https://ada:pw@git.example/x", "https://(left out)@git.example/x"),
        ("the password: hunter2, the user: ada", "the password: (left out), the user: ada"),
        ("password = 'a b', plant = 1", "password = '(left out)', plant = 1"),
        ("token eyJhbGciOi.J9.x here", "token (left out) here"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "(left out)"),
        ("SharedAccessKey%3Dabc", "(left out)"),
    ] {
        assert_eq!(clean(json!({ "description": text })), json!({ "description": expected }));
    }
}

#[test]
fn what_is_harmless_is_kept_as_it_is() {
    let template = json!({
        "@id": "dtmi:modelDefinition:contoso:apiKey:token;1", "@type": ["ModelDefinition", "DeviceModel"],
        "displayName": "Basic thermostat", "etag": "\"~Key=\"",
        "capabilityModel": {"contents": [
            {"name": "password", "schema": "string", "comment": "The key to success"},
            {"schema": {"@type": "Map", "mapKey": {"name": "module", "schema": "string"}}},
        ]},
    });
    let job = json!({
        "description": "AUTOMATED-DEVICE-MOVE", "progress": {"total": 12, "completed": 9},
        "data": [{"type": "command", "path": "migration.DeviceMove", "value": {"idScope": "0ne00C0DE01"}}],
    });
    let group = json!({"filter": "SELECT * FROM devices WHERE $template = \"dtmi:a;1\" AND $provisioned = true"});
    let export = json!({
        "filter": "SELECT * FROM dtmi:a;1 WHERE code = 5", "enrichments": {"Plant": {"value": "Ulm"}},
        "destinations": [{"id": "d", "transform": "{ code: .code, at: .enqueuedTime }"}],
        "errors": [{"code": "Unauthorized", "message": "The destination refused."}],
    });
    for item in [template, job, group, export] {
        let cleaned = left_out_of(vec![item.clone()]);
        assert_eq!((cleaned.items, cleaned.left_out.len()), (vec![item], 0));
    }
}

/// JSON of which nothing is secret.
fn harmless() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ a-z;.,$-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("(id|displayName|target|group|a|b|contents|organizations)", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A secret in one of its dresses: under a name, beside one, or in a text.
fn planted(secret: &str, dress: usize) -> Value {
    match dress {
        0 => json!({"authorization": {"connectionString": format!("AccountName=a;AccountKey={secret};X={secret}")}}),
        1 => json!({"primaryKey": {"nested": [secret]}}),
        2 => json!({"type": "webhook@v1", "url": format!("https://h.example/in?x={secret}")}),
        3 => json!({"headerCustomizations": {"x-anything": {"value": secret, "secret": false}}}),
        4 => json!({"path": "component.apiKey", "value": secret}),
        5 => json!({"note": format!("SharedAccessSignature sr=h&sig={secret}&se=1")}),
        6 => json!({"note": format!("Bearer {secret}")}),
        7 => json!({"createOptions": json!({"Env": [format!("A={secret}")]}).to_string()}),
        8 => json!({"registryCredentials": {"r": {"username": "u", "password": secret}}}),
        9 => json!({"authorization": secret}),
        10 => json!({"note": format!("https://u:{secret}@h.example/")}),
        _ => json!({"note": format!("Shared_Access_Key=\"{secret}\"")}),
    }
}

fn insert(into: Value, own: Value) -> Value {
    match into {
        Value::Object(mut fields) => {
            fields.insert("planted".to_owned(), own);
            Value::Object(fields)
        }
        Value::Array(mut items) => {
            items.push(own);
            Value::Array(items)
        }
        other => json!([other, own]),
    }
}

proptest! {
    #[test]
    fn harmless_json_comes_through_unchanged(item in harmless()) {
        prop_assert_eq!(clean(item.clone()), item);
    }

    #[test]
    fn no_planted_secret_comes_through_wherever_it_is(
        around in harmless(), secret in "[A-Z]{3}[0-9][a-zA-Z0-9]{12}[a-z]{3}", dress in 0_usize..12,
    ) {
        let item = insert(around, planted(&secret, dress));
        let cleaned = left_out_of(vec![item]);
        prop_assert!(!serde_json::to_string(&cleaned.items).unwrap().contains(&secret), "{:?}", cleaned);
        prop_assert!(!cleaned.left_out.is_empty());
        let again = left_out_of(cleaned.items.clone());
        prop_assert_eq!(again.items, cleaned.items);
    }
}

#[test]
fn options_of_a_container_that_were_cut_into_pieces_are_left_out_whole() {
    let settings = json!({
        "image": "mcr.example/reader:1.2",
        "createOptions": "{\"Env\":[\"LICENSE=part-of-",
        "createOptions01": "the-licence\"],\"Hostname\":\"reader\"}"
    });
    let clean = left_out_of(vec![settings]).items.remove(0);
    assert_eq!(clean["image"], "mcr.example/reader:1.2");
    assert!(clean["createOptions"] == MASK && clean["createOptions01"] == MASK, "{clean}");
}

#[test]
fn keys_of_networks_arguments_and_names_before_a_host_are_secrets_too() {
    let item = json!({
        "wifi": { "ssid": "plant", "psk": "hunter22" },
        "Cmd": ["--password", "hunter33"],
        "source": "https://ghp_hunter44@git.example/repo"
    });
    let clean = left_out_of(vec![item]).items.remove(0);
    assert_eq!(clean["wifi"]["ssid"], "plant");
    assert!(!clean.to_string().contains("hunter"), "{clean}");
}
