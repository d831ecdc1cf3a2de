//! Tenants, people, subscriptions.

use crate::sandbox::world::{Person, ServicePrincipal, Subscription, Tenant, World};

/// Tenant id of Contoso.
pub const CONTOSO: &str = "7c1a5e0e-2b5d-4a6f-9a57-1f1c2f6b0001";
/// Tenant id of Fabrikam, the home of guests; it does not know IoT Central.
pub const FABRIKAM: &str = "7c1a5e0e-2b5d-4a6f-9a57-1f1c2f6b0002";
/// Object id of Ada, who may do everything.
pub const ADA: &str = "5f0c0f3e-0000-4000-8000-00000000ada0";
/// Object id of Bob, Contributor in Azure without a role in the main application.
pub const BOB: &str = "5f0c0f3e-0000-4000-8000-00000000b0b0";
/// Object id of Carol, Reader in Azure and operator in the main application.
pub const CAROL: &str = "5f0c0f3e-0000-4000-8000-0000000ca401";
/// Object id of Dan, a guest from Fabrikam.
pub const DAN: &str = "5f0c0f3e-0000-4000-8000-000000000da4";
/// Application id of Contoso's automation, which signs in with [`AUTOMATION_SECRET`].
pub const AUTOMATION: &str = "c0a7b1de-0000-4000-8000-0000000a0707";
/// The client secret of Contoso's automation.
pub const AUTOMATION_SECRET: &str = "the~secret.of-contosos_automation-0001";
/// The subscription with all resources.
pub const MAIN_SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";
const SECOND_SUBSCRIPTION: &str = "22222222-2222-4222-8222-222222222222";
const DISABLED_SUBSCRIPTION: &str = "33333333-3333-4333-8333-333333333333";

/// Adds all of them.
pub(super) fn add(world: &mut World) {
    for (id, name, domain, knows) in [
        (CONTOSO, "Contoso", "contoso.onmicrosoft.com", true),
        (FABRIKAM, "Fabrikam", "fabrikam.onmicrosoft.com", false),
    ] {
        let tenant = Tenant {
            id: id.to_owned(),
            display_name: name.to_owned(),
            default_domain: domain.to_owned(),
            knows_iot_central: knows,
        };
        world.tenants.insert(id.to_owned(), tenant);
    }
    for (id, name, state) in [
        (MAIN_SUBSCRIPTION, "Contoso IoT", "Enabled"),
        (SECOND_SUBSCRIPTION, "Contoso Lab", "Enabled"),
        (DISABLED_SUBSCRIPTION, "Contoso Old", "Disabled"),
    ] {
        let subscription = Subscription {
            id: id.to_owned(),
            tenant: CONTOSO.to_owned(),
            display_name: name.to_owned(),
            state: state.to_owned(),
        };
        world.subscriptions.insert(id.to_owned(), subscription);
    }
    person(
        world,
        ADA,
        CONTOSO,
        "Ada Lovelace",
        "ada@contoso.com",
        "Owner",
        "Owner of everything, admin of every application",
    );
    person(
        world,
        BOB,
        CONTOSO,
        "Bob Bell",
        "bob@contoso.com",
        "Contributor",
        "Contributor, but no role in contoso-fleet",
    );
    person(world, CAROL, CONTOSO, "Carol Shaw", "carol@contoso.com", "Reader", "Reader, and operator in contoso-fleet");
    person(world, DAN, FABRIKAM, "Dan Guest", "dan@fabrikam.com", "Reader", "Guest from Fabrikam");
    if let Some(dan) = world.people.get_mut(DAN) {
        dan.member_of.insert(CONTOSO.to_owned());
    }
    let oid = "5f0c0f3e-0000-4000-8000-0000000a0707";
    let automation = ServicePrincipal {
        oid: oid.to_owned(),
        app_id: AUTOMATION.to_owned(),
        tid: CONTOSO.to_owned(),
        name: "contoso-automation".to_owned(),
        secret: AUTOMATION_SECRET.to_owned(),
        azure_roles: ["Contributor", "IoT Hub Data Contributor", "Device Provisioning Service Data Contributor"]
            .map(|role| (format!("/subscriptions/{MAIN_SUBSCRIPTION}"), role.to_owned()))
            .into(),
    };
    world.service_principals.insert(oid.to_owned(), automation);
}

fn person(world: &mut World, oid: &str, tid: &str, name: &str, username: &str, role: &str, note: &str) {
    let scopes = [MAIN_SUBSCRIPTION, SECOND_SUBSCRIPTION, DISABLED_SUBSCRIPTION];
    // Only Ada sees all subscriptions; the others have one.
    let scopes = if oid == ADA { &scopes[..] } else { &scopes[..1] };
    let person = Person {
        oid: oid.to_owned(),
        tid: tid.to_owned(),
        name: name.to_owned(),
        username: username.to_owned(),
        member_of: [tid.to_owned()].into(),
        azure_roles: scopes.iter().map(|id| (format!("/subscriptions/{id}"), role.to_owned())).collect(),
        note: note.to_owned(),
    };
    world.people.insert(oid.to_owned(), person);
}
