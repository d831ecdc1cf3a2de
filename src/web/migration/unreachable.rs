//! What is said of devices that could not be reached: what ends their waiting.

use super::status_view::{Facts, Wait};
use crate::migration::TryEvery;

/// Who tries them, where the program does not; and until when they are waited for.
pub(super) fn unreachable(facts: &Facts<'_>) -> Vec<Wait> {
    let (migration, counts) = (facts.migration, facts.counts);
    if counts.waiting <= counts.to_approve {
        return Vec::new();
    }
    let chosen = migration.plan.try_again;
    let asked = (chosen.every == TryEvery::Asked && facts.next_due.is_none())
        .then_some(Wait { what: "Unreachable devices are tried again when somebody presses Try again now", at: None });
    let until = chosen
        .until(migration.started_at)
        .map(|at| Wait::until("Devices that could not be reached by then are recorded as failed at", at, facts.now));
    asked.into_iter().chain(until).collect()
}

#[cfg(test)]
mod tests {
    use crate::migration::model::Plan;
    use crate::migration::{CommandState, MigrationId, Mode, Outcome, TryAgain, TryEvery, TryFor, WaitReason};
    use crate::store::migrations;
    use crate::web::fixture::{NOW, Pages, TENANT, actor, plan};

    /// A started migration with this choice and a device that could not be reached.
    async fn waiting(pages: &Pages, every: TryEvery, time: TryFor) -> MigrationId {
        let plan = Plan { try_again: TryAgain { every, time }, ..plan() };
        let id = pages.made(TENANT, "Pumps", Mode::CentralToHub, plan).await;
        let mut tx = pages.store.begin_write().await.unwrap();
        assert!(migrations::start(&mut tx, id, &actor(TENANT, "Adele"), &[], NOW).await.unwrap());
        tx.commit().await.unwrap();
        pages.device(id, "pump-001", Outcome::Waiting(WaitReason::Offline), CommandState::Unreachable, None).await;
        id
    }

    #[tokio::test]
    async fn the_page_says_when_the_next_try_is_and_until_when() {
        let pages = Pages::open().await;
        let id = waiting(&pages, TryEvery::Hour, TryFor::ThreeDays).await;
        let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
        assert!(page.contains("The next unreachable device is tried again at"), "{page}");
        assert!(page.contains("could not be reached by then are recorded as failed at"), "{page}");
        assert!(page.contains("Tried again every hour, for 3 days after the start; then recorded as failed"), "{page}");
    }

    #[tokio::test]
    async fn where_nobody_is_tried_without_being_asked_for_the_page_says_who_asks() {
        let pages = Pages::open().await;
        let id = waiting(&pages, TryEvery::Asked, TryFor::UntilFinished).await;
        pages.store.change_device(id, &"pump-001".into(), |row| row.next_try_at = None).await.unwrap();
        let page = pages.browser(TENANT, "Adele").await.page(&format!("/migrations/{id}")).await;
        assert!(page.contains("Unreachable devices are tried again when somebody presses Try again now."), "{page}");
        assert!(!page.contains("recorded as failed at") && page.contains("Try again now</button>"), "{page}");
    }
}
