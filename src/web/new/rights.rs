//! Tries out every right that a move needs, before anybody relies on it: each by the very call that will need it later.

use std::sync::Arc;

use super::entered::Entered;
use super::reading::{Loaded, Trouble};
use super::rights_from_hub::source_keys;
use super::survey::count_key;
use super::surveyor::{Caller, ChosenApp, Manner, Offer, Surveyor};
use crate::azure::central::{CentralAttestation, CentralEnrollmentGroup, GroupKind};
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::keys::{ArmPolicyKeys, PolicyKeys, Right as KeyRight};
use crate::ids::{ArmId, HubHost};
use crate::migration::preflight::{EnrollmentFacts, HubCounts, Right, RightCheck, Verdict};

/// What rights are tried on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RightsKey {
    /// An application, by its subdomain.
    Application(String),
    /// An application that devices go to, by its subdomain.
    Target(String),
    /// A DPS.
    Dps(ArmId),
    /// A hub.
    Hub(ArmId),
    /// A DPS that devices came by.
    SourceDps(ArmId),
    /// A hub that devices come from.
    SourceHub(ArmId),
}

/// A hub, and how many devices it has, or why that is not known.
pub(super) type Counted = (HubHost, Result<HubCounts, String>);

/// How trying went, and what was learned on the way. No keys are kept.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) checks: Vec<RightCheck>,
    pub(super) enrollment: Option<EnrollmentFacts>,
    /// What hubs that devices come from said of them.
    pub(super) counted: Vec<Counted>,
}

impl Rights {
    pub(super) fn of(checks: Vec<RightCheck>) -> Self {
        Self { checks, ..Self::default() }
    }

    /// Another try may tell more.
    fn is_worth_another_try(&self) -> bool {
        self.checks.iter().any(|check| check.verdict != Verdict::Granted)
            || self.counted.iter().any(|(_, devices)| devices.is_err())
    }
}

impl Surveyor {
    /// Tries the rights on everything that was chosen. A verdict of `Loaded::Reading` is in the last place.
    pub(super) async fn rights(&self, caller: &Caller, offer: &Offer, manner: Manner) -> Loaded<Rights> {
        let (app, target_app, dps, hub, source) = tokio::join!(
            async {
                match offer.chosen_app() {
                    Some(app) if offer.contents.ready().is_some() => self.rights_in(caller, app, manner).await,
                    _ => Loaded::NotAsked,
                }
            },
            async {
                match offer.chosen_target_app() {
                    Some(app) if offer.target_templates.ready().is_some() => {
                        self.rights_in_target(caller, app, manner).await
                    }
                    _ => Loaded::NotAsked,
                }
            },
            async {
                match offer.dps.ready() {
                    Some(dps) => self.right_to_dps(caller, &dps.id, &dps.name, manner).await,
                    None => Loaded::NotAsked,
                }
            },
            async {
                match offer.hub.ready() {
                    Some(hub) => self.right_to_hub(caller, &hub.id, &hub.name, manner).await,
                    None => Loaded::NotAsked,
                }
            },
            self.rights_to_source(caller, offer, manner),
        );
        let mut all = Rights::of(groups_check(offer).into_iter().collect());
        for part in [app, target_app, dps, hub].into_iter().chain(source) {
            match part {
                Loaded::NotAsked => {}
                Loaded::Reading => return Loaded::Reading,
                Loaded::Failed(trouble) => return Loaded::Failed(trouble),
                Loaded::Ready(part) => {
                    all.checks.extend(part.checks.iter().cloned());
                    all.enrollment = all.enrollment.or(part.enrollment);
                    all.counted.extend(part.counted.iter().cloned());
                }
            }
        }
        Loaded::Ready(all)
    }

    async fn rights_in(&self, caller: &Caller, app: &ChosenApp, manner: Manner) -> Loaded<Arc<Rights>> {
        let central = match self.azure.central(Arc::clone(&caller.tokens), &app.subdomain) {
            Ok(central) => central,
            Err(error) => return Loaded::Failed(Trouble::from(&error)),
        };
        let scope = app.label().to_owned();
        let read = async move {
            let (devices, groups, jobs) =
                tokio::join!(central.devices_page(None), central.enrollment_groups(), central.jobs());
            let check = |right, verdict| RightCheck { right, scope: scope.clone(), verdict };
            let enrollment = groups.as_ref().ok().map(|groups| enrollment_facts(groups));
            let checks = vec![
                check(Right::ReadDevices, verdict(devices)),
                check(Right::ReadConnectivity, verdict(groups)),
                check(Right::Jobs, verdict(jobs)),
            ];
            Ok(Arc::new(Rights { enrollment, ..Rights::of(checks) }))
        };
        let key = RightsKey::Application(app.subdomain.as_str().to_ascii_lowercase());
        self.tried(caller, key, manner, read).await
    }

    /// In the application that the devices go to. Whether groups may be made there shows only when one is made.
    async fn rights_in_target(&self, caller: &Caller, app: &ChosenApp, manner: Manner) -> Loaded<Arc<Rights>> {
        let central = match self.azure.central(Arc::clone(&caller.tokens), &app.subdomain) {
            Ok(central) => central,
            Err(error) => return Loaded::Failed(Trouble::from(&error)),
        };
        let scope = app.label().to_owned();
        let read = async move {
            let (devices, groups) = tokio::join!(central.devices_page(None), central.enrollment_groups());
            let check = |right, verdict| RightCheck { right, scope: scope.clone(), verdict };
            let checks =
                vec![check(Right::ReadDevices, verdict(devices)), check(Right::ReadConnectivity, verdict(groups))];
            Ok(Arc::new(Rights::of(checks)))
        };
        let key = RightsKey::Target(app.subdomain.as_str().to_ascii_lowercase());
        self.tried(caller, key, manner, read).await
    }

    async fn right_to_dps(&self, caller: &Caller, id: &ArmId, name: &str, manner: Manner) -> Loaded<Arc<Rights>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let (key, scope, id) = (RightsKey::Dps(id.clone()), name.to_owned(), id.clone());
        let read = async move {
            let needs = [KeyRight::EnrollmentRead, KeyRight::EnrollmentWrite, KeyRight::RegistrationStatusRead];
            let verdict = keys_verdict(&ArmPolicyKeys::dps(arm, id), &needs).await;
            Ok(Arc::new(Rights::of(vec![RightCheck { right: Right::ListDpsKeys, scope, verdict }])))
        };
        self.tried(caller, key, manner, read).await
    }

    async fn right_to_hub(&self, caller: &Caller, id: &ArmId, name: &str, manner: Manner) -> Loaded<Arc<Rights>> {
        let arm = self.azure.arm(Arc::clone(&caller.tokens));
        let (key, scope, id) = (RightsKey::Hub(id.clone()), name.to_owned(), id.clone());
        let read = async move {
            let needs = [KeyRight::RegistryWrite, KeyRight::ServiceConnect];
            let verdict = keys_verdict(&ArmPolicyKeys::hub(arm, id), &needs).await;
            Ok(Arc::new(Rights::of(vec![RightCheck { right: Right::ListHubKeys, scope, verdict }])))
        };
        self.tried(caller, key, manner, read).await
    }

    /// Forgets what is known of the rights to what was chosen, and the count, so that they are found out anew.
    pub(super) fn forget_verdicts(&self, caller: &Caller, entered: &Entered, offer: &Offer) {
        let app = offer.chosen_app().map(|app| RightsKey::Application(app.subdomain.as_str().to_ascii_lowercase()));
        let dps = offer.dps.ready().map(|dps| RightsKey::Dps(dps.id.clone()));
        let hub = offer.hub.ready().map(|hub| RightsKey::Hub(hub.id.clone()));
        let target =
            offer.chosen_target_app().map(|app| RightsKey::Target(app.subdomain.as_str().to_ascii_lowercase()));
        for key in [app, target, dps, hub].into_iter().flatten().chain(source_keys(offer)) {
            self.rights.forget(&(caller.person.clone(), key));
        }
        if let Some(app) = offer.chosen_app() {
            let (group, template) = (entered.group.as_str().into(), entered.template.as_str().into());
            self.counting.forget(&count_key(caller, &app.subdomain, &group, &template));
        }
    }

    /// Keeps a verdict for a while only if it is good: who was just given a right must not hear the old answer.
    pub(super) async fn tried<F>(&self, caller: &Caller, key: RightsKey, manner: Manner, read: F) -> Loaded<Arc<Rights>>
    where
        F: Future<Output = Result<Arc<Rights>, AzureError>> + Send + 'static,
    {
        let key = (caller.person.clone(), key);
        let answer = self.rights.get(key.clone(), manner.chosen_anew(), manner.wait, read).await;
        if answer.ready().is_some_and(|rights| rights.is_worth_another_try()) {
            self.rights.forget(&key);
        }
        answer
    }
}

/// Reading groups and templates for the lists has tried that right already.
fn groups_check(offer: &Offer) -> Option<RightCheck> {
    let verdict = match &offer.contents {
        Loaded::Ready(_) => Verdict::Granted,
        Loaded::Failed(trouble) if trouble.forbidden => Verdict::Missing,
        Loaded::Failed(trouble) => Verdict::Unknown(trouble.what.clone()),
        Loaded::NotAsked | Loaded::Reading => return None,
    };
    Some(RightCheck { right: Right::ReadGroups, scope: offer.chosen_app()?.label().to_owned(), verdict })
}

fn verdict<T>(answer: Result<T, AzureError>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Granted,
        Err(error) if matches!(error.kind, ErrorKind::Forbidden) => Verdict::Missing,
        Err(error) => {
            tracing::warn!(error = %error, request = error.request_id.as_deref(), "a right could not be checked");
            let Trouble { what, remedy, .. } = Trouble::from(&error);
            Verdict::Unknown(match remedy {
                Some(remedy) => format!("{what} {remedy}"),
                None => what,
            })
        }
    }
}

/// Each need may be met by another policy.
pub(super) async fn keys_verdict(keys: &ArmPolicyKeys, needs: &[KeyRight]) -> Verdict {
    for need in needs {
        match keys.key(std::slice::from_ref(need), None).await {
            Ok(_) => {}
            // Azure gave the keys; it is none of them that suffices.
            Err(AzureError { kind: ErrorKind::Forbidden, status: None, .. }) => return Verdict::NoPolicy,
            Err(error) => return verdict::<()>(Err(error)),
        }
    }
    Verdict::Granted
}

fn enrollment_facts(groups: &[CentralEnrollmentGroup]) -> EnrollmentFacts {
    let usable = groups.iter().filter(|group| group.enabled && matches!(group.kind, GroupKind::Iot));
    let mut facts = EnrollmentFacts::default();
    for group in usable {
        match group.attestation {
            CentralAttestation::Symmetric { .. } => facts.symmetric += 1,
            _ => facts.other += 1,
        }
    }
    facts
}
