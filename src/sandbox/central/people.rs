//! Users, roles and organisations of an application.

use axum::response::Response;
use serde_json::{Value, json};

use super::door::{Call, Permission};
use super::fault::{Answer, Fault};
use super::page;

/// The built-in roles have the same ids in every application.
const ROLES: [(&str, &str, &str); 3] = [
    ("admin", "ca310b8d-2f4a-44e0-a36e-957c202cd8d4", "Administrator"),
    ("builder", "344138e9-8de4-4497-8c54-5237e96d6aaf", "Builder"),
    ("operator", "ae2c9854-393b-4f97-8c42-479d70ce626e", "Operator"),
];

/// `GET /users`
pub(super) async fn users(call: Call) -> Result<Response, Fault> {
    call.need(Permission::Build)?;
    let roles = call.look(|app| Ok(app.roles.clone()))?;
    let users: Vec<(String, Value)> = call.shared.look(|world| {
        let people = roles.iter().filter_map(|(oid, role)| Some((world.people.get(oid)?, role)));
        let shown = people.map(|(person, role)| {
            let role = ROLES.iter().find(|(name, ..)| name == role).map(|(_, id, _)| id);
            (
                person.oid.clone(),
                json!({"id": person.oid, "type": "email", "email": person.username, "roles": [{"role": role}]}),
            )
        });
        shown.collect()
    });
    page::answer(&call, users.iter().map(|(id, user)| (id.as_str(), user)), Value::clone)
}

/// `GET /roles`
pub(super) async fn roles(call: Call) -> Answer {
    let mut roles = ROLES.map(|(_, id, name)| (id, json!({"id": id, "displayName": name})));
    roles.sort_by_key(|(id, _)| *id);
    page::answer(&call, roles, |role| role)
}

/// `GET /organizations`
pub(super) async fn organizations(call: Call) -> Answer {
    let mut names = call.look(|app| {
        let of_devices = app.devices.values().flat_map(|device| device.organizations.clone());
        Ok(of_devices.collect::<Vec<String>>())
    })?;
    names.sort();
    names.dedup();
    page::answer(&call, names.iter().map(|name| (name.as_str(), name)), |name| json!({"id": name, "displayName": name}))
}
