//! Users and roles of an application.

use std::collections::BTreeMap;

use axum::extract::Path;
use serde_json::{Value, json};

use super::door::{Call, Permission};
use super::fault::{Answer, Fault};
use super::page;

/// The built-in roles have the same ids in every application. The strongest is first.
const ROLES: [(&str, &str, &str); 3] = [
    ("admin", "ca310b8d-2f4a-44e0-a36e-957c202cd8d4", "Administrator"),
    ("builder", "344138e9-8de4-4497-8c54-5237e96d6aaf", "Builder"),
    ("operator", "ae2c9854-393b-4f97-8c42-479d70ce626e", "Operator"),
];

/// `GET /users`
pub(super) async fn users(call: Call) -> Answer {
    let users = all_users(&call)?;
    page::answer(&call, users.iter().map(|(id, user)| (id.as_str(), user)), Value::clone)
}

/// `GET /users/{id}`
pub(super) async fn user(call: Call, Path(id): Path<String>) -> Answer {
    let found = all_users(&call)?.into_iter().find(|(own, _)| *own == id);
    let (_, user) = found.ok_or_else(|| Fault::not_found(format!("User {id} does not exist.")))?;
    Ok(crate::sandbox::wire::ok(&user))
}

fn all_users(call: &Call) -> Result<BTreeMap<String, Value>, Fault> {
    call.need(Permission::Administer)?;
    let (roles, mut all) = call.look(|app| Ok((app.roles.clone(), app.configuration.users.clone())))?;
    call.shared.look(|world| {
        let people = roles.iter().filter_map(|(oid, role)| Some((world.people.get(oid)?, role)));
        let shown = people.map(|(person, role)| {
            let role = ROLES.iter().find(|(name, ..)| name == role).map(|(_, id, _)| id);
            let roles = json!([{"role": role}]);
            let user = json!({"id": person.oid, "type": "email", "email": person.username, "roles": roles});
            (person.oid.clone(), user)
        });
        all.extend(shown);
    });
    Ok(all)
}

/// `GET /roles`
pub(super) async fn roles(call: Call) -> Answer {
    let all = all_roles(&call)?;
    page::answer(&call, all.iter().map(|(id, name)| (id.as_str(), (id, name))), |(id, name)| show_role(id, name))
}

/// `GET /roles/{id}`
pub(super) async fn role(call: Call, Path(id): Path<String>) -> Answer {
    let all = all_roles(&call)?;
    let name = all.get(&id).ok_or_else(|| Fault::not_found(format!("Role {id} does not exist.")))?;
    Ok(crate::sandbox::wire::ok(&show_role(&id, name)))
}

/// The names of the built-in roles and of those that somebody made, by id.
fn all_roles(call: &Call) -> Result<BTreeMap<String, String>, Fault> {
    let built_in = ROLES.iter().map(|(_, id, name)| ((*id).to_owned(), (*name).to_owned()));
    let mut all = call.look(|app| Ok(app.configuration.roles.clone()))?;
    all.extend(built_in);
    Ok(all)
}

/// The API tells no more of a role than its name.
fn show_role(id: &str, name: &str) -> Value {
    json!({"id": id, "displayName": name})
}

/// The short name of a role by its id.
pub(super) fn role_name(id: &str) -> Option<&'static str> {
    ROLES.iter().find(|(_, own, _)| *own == id).map(|(name, ..)| *name)
}

/// 0 is the strongest.
pub(super) fn rank(name: &str) -> usize {
    ROLES.iter().position(|(own, ..)| *own == name).unwrap_or(ROLES.len())
}
