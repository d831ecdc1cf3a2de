//! Answers of other shapes than the usual, all of them within what Azure's documentation leaves open.

use axum::http::{HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iotc_migrator::sandbox::faults::{Action, Altered, Rule};
use serde_json::{Map, Value, json};

use super::calls::{
    BULK, COMMAND, DEVICES, DPS_GROUPS, HISTORY, HUB_QUERY, JOB, JOB_DEVICES, Kind, MEMBERS, PUT_JOB, RECORD, RECORDS,
    TWIN, Wall, at_numbers, status,
};
use super::world::{Case, PATIENCE, Way};

/// A rule that alters all answers to a kind of call.
fn always(kind: Kind, change: impl Fn(&mut Altered) + Send + Sync + 'static) -> Rule {
    Rule::new(Action::alter(change), move |seen| kind.is(seen))
}

/// A migration under these rules ends as an undisturbed one.
async fn ends_all_the_same(way: Way, rules: Vec<Rule>) {
    let case = Case::new(way).await;
    for rule in rules {
        case.lab.shared().faults().add(rule);
    }
    let (journey, _) = case.keys_page().await;
    case.start(&journey).await;
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}

/// Changes every object of an answer.
fn each_object(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, change)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| each_object(field, change));
            change(fields);
        }
        _ => {}
    }
}

fn objects(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Action {
    Action::alter(move |answer| {
        if answer.status.is_success() {
            each_object(&mut answer.body, &change);
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_nobody_knows_do_not_matter() {
    let more = objects(|fields| {
        fields.insert("someNewField".into(), json!({"a": [1, null, {"b": true}]}));
        fields.insert("another".into(), json!(0.5));
    });
    ends_all_the_same(
        Way::Job,
        vec![Rule::new(more, |seen| !seen.path.contains("/oauth2/") && !seen.path.contains("/keys"))],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_as_good_as_absent() {
    const OPTIONAL: [&str; 16] = [
        "description",
        "organizations",
        "tags",
        "etag",
        "nextLink",
        "substatus",
        "payload",
        "iotHubHostName",
        "customAllocationDefinition",
        "initialTwin",
        "lastActivityTime",
        "statusReason",
        "deviceScope",
        "parentScopes",
        "errorMessage",
        "optionalDeviceInformation",
    ];
    let nulls = objects(|fields| {
        for name in OPTIONAL.iter().filter(|name| **name != "nextLink") {
            if fields.contains_key(*name) {
                fields.insert((*name).to_owned(), Value::Null);
            }
        }
        if fields.contains_key("value") || fields.contains_key("status") {
            fields.entry("nextLink").or_insert(Value::Null);
            fields.entry("errorCode").or_insert(Value::Null);
        }
    });
    let data = |host: &str| !host.contains("login") && !host.contains("management");
    ends_all_the_same(Way::Job, vec![Rule::new(nulls, move |seen| data(seen.host))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_may_spell_its_words_otherwise_and_leave_out_its_progress() {
    let spell = |kind, finished: &'static str, working: &'static str| {
        always(kind, move |answer| {
            if let Some(fields) = answer.body.as_object_mut() {
                fields.remove("progress");
                let ended = fields.get("status").is_some_and(|status| status == "complete");
                fields.insert("status".into(), json!(if ended { finished } else { working }));
            }
        })
    };
    let verdicts = always(JOB_DEVICES, |answer| {
        each_object(&mut answer.body, &|fields| {
            if fields.get("status").is_some_and(|status| status == "completed") {
                fields.insert("status".into(), json!("Complete"));
            }
        });
    });
    let rules = vec![spell(JOB, "COMPLETED", "InProgress"), spell(PUT_JOB, "Completed", "Queued"), verdicts];
    ends_all_the_same(Way::Job, rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_unknown_end_is_over_when_nothing_is_pending() {
    let odd = always(JOB, |answer| {
        if let Some(fields) = answer.body.as_object_mut() {
            fields.insert("status".into(), json!("wrappingUp"));
        }
    });
    ends_all_the_same(Way::Job, vec![odd]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_calls_failed_is_moved_all_the_same_once_the_target_shows_it() {
    let failed = always(JOB_DEVICES, |answer| {
        each_object(&mut answer.body, &|fields| {
            if fields.get("status").is_some_and(|status| status == "completed") {
                fields.insert("status".into(), json!("failed"));
            }
        });
    });
    ends_all_the_same(Way::Job, vec![failed]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_may_come_with_their_ids_only() {
    let case = Case::with(Way::Job, |options| {
        options.group_members_have_ids_only = true;
        options.central_page_size = 2;
    })
    .await;
    let (journey, _) = case.keys_page().await;
    case.start(&journey).await;
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dps_may_spell_ids_and_hosts_in_another_case() {
    let shout = |kind| {
        always(kind, |answer| {
            each_object(&mut answer.body, &|fields| {
                for name in ["registrationId", "assignedHub", "status"] {
                    if let Some(Value::String(text)) = fields.get_mut(name) {
                        *text = text.to_ascii_uppercase();
                    }
                }
            });
        })
    };
    ends_all_the_same(Way::Singles, vec![shout(RECORD), shout(RECORDS)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_that_has_never_been_active_is_proof_if_it_is_connected() {
    let never = always(TWIN, |answer| {
        if let Some(fields) = answer.body.as_object_mut() {
            fields.insert("lastActivityTime".into(), json!("0001-01-01T00:00:00Z"));
        }
    });
    ends_all_the_same(Way::Singles, vec![never]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activity_is_proof_where_the_connection_is_not_shown() {
    let activity = always(TWIN, |answer| {
        if let Some(fields) = answer.body.as_object_mut() {
            fields.insert("connectionState".into(), Value::Null);
        }
    });
    ends_all_the_same(Way::Job, vec![activity]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_be_answered_with_200_and_without_the_devices_status() {
    let plain = always(COMMAND, |answer| {
        if answer.status == StatusCode::CREATED {
            answer.status = StatusCode::OK;
            if let Some(fields) = answer.body.as_object_mut() {
                fields.remove("responseCode");
                fields.remove("id");
            }
        }
    });
    ends_all_the_same(Way::Singles, vec![plain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_timed_out_is_told_apart_from_one_that_was_refused() {
    let timed_out = |code: u16| {
        let body = r#"{"error":{"code":"RequestTimeout","message":"Request timeout waiting for the device."}}"#;
        match status(code) {
            Action::Status { code, headers, .. } => Action::Status { code, headers, body: body.to_owned() },
            other => other,
        }
    };
    let rules = vec![
        at_numbers(COMMAND, &[1], timed_out(408)),
        at_numbers(COMMAND, &[3], timed_out(504)),
        at_numbers(COMMAND, &[4], timed_out(400)),
    ];
    ends_all_the_same(Way::Singles, rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_page_is_not_the_end_of_a_list() {
    let empty = Action::alter(|answer| {
        answer.body = json!([]);
        let start = STANDARD.encode("after:\u{1}");
        answer.headers.insert("x-ms-continuation", HeaderValue::from_str(&start).expect("plain text"));
    });
    let rule = at_numbers(DPS_GROUPS, &[1, 3, 5, 7, 9, 11], empty);
    ends_all_the_same(Way::Job, vec![rule]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_call_that_failed_for_some_is_taken_for_what_it_says_of_each() {
    let partly = at_numbers(
        BULK,
        &[1],
        Action::alter(|answer| {
            answer.status = StatusCode::BAD_REQUEST;
            answer.body = json!({
                "isSuccessful": false,
                "errors": [
                    {"deviceId": "boiler-0002", "errorCode": 429_001, "errorStatus": "Throttled", "moduleId": null},
                    {"deviceId": "boiler-0003", "errorCode": "ThrottlingException", "errorStatus": null, "operation": "create"},
                ],
                "warnings": null,
            });
        }),
    );
    ends_all_the_same(Way::Singles, vec![partly]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_making_was_not_answered_and_not_shown_at_once_is_not_made_twice() {
    let rules = vec![
        at_numbers(PUT_JOB, &[1], Action::DropAfter),
        at_numbers(JOB, &[2], status(404)),
        at_numbers(PUT_JOB, &[2], status(400)),
    ];
    ends_all_the_same(Way::Job, rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dps_that_throttles_the_looking_only_makes_it_slower() {
    let busy = at_numbers(RECORD, &[1, 2, 3, 4, 6, 7, 9], status(429));
    let hub = at_numbers(HUB_QUERY, &[1, 2, 4], status(429));
    ends_all_the_same(Way::Job, vec![busy, hub]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_answers_settles_nothing() {
    let silent = always(HISTORY, |answer| {
        each_object(&mut answer.body, &|fields| {
            fields.remove("responseCode");
        });
    });
    let lost = at_numbers(COMMAND, &[1, 3], Action::DropAfter);
    ends_all_the_same(Way::Singles, vec![silent, lost]).await;
}

/// Pages that lead astray stop the migration before anybody is told.
async fn a_bad_next_link(kind: &'static [Kind], link: &'static str, words: &str) {
    let case = Case::new(Way::Job).await;
    let (journey, _) = case.keys_page().await;
    let wall = Wall::default();
    let astray = Action::alter(move |answer| answer.body["nextLink"] = json!(link));
    case.lab.shared().faults().add(wall.rule(kind, astray));
    case.start(&journey).await;
    let page = case.ada.wait_for(&journey, "Paused: Azure refused", PATIENCE).await;
    assert!(page.text().contains(words) && page.can_press("Resume"), "{}", page.text());
    assert_eq!(case.lab.shared().log().refused_connects(), Vec::<String>::new());
    case.lab.shared().look(|world| assert!(world.devices.values().all(|device| device.times_commanded() == 0)));
    wall.take_down();
    case.ada.press(&page, "Resume").await;
    case.wait_for_end(&journey).await;
    case.ended_as_undisturbed(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_leads_in_a_circle_is_not_read_for_ever() {
    static KINDS: [Kind; 1] = [MEMBERS];
    let link =
        "https://contoso-fleet.azureiotcentral.com/api/deviceGroups/boilers-all/devices?api-version=2022-07-31&x=1";
    a_bad_next_link(&KINDS, link, "in a circle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_leads_to_another_host_is_not_followed() {
    static KINDS: [Kind; 1] = [DEVICES];
    a_bad_next_link(&KINDS, "https://evil.example/api/devices?$skiptoken=1", "another host").await;
}
