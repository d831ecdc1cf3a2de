use tokio::sync::{Semaphore, mpsc};

use async_trait::async_trait;

use super::source::Member;
use super::*;
use crate::azure::error::ErrorKind;
use crate::azure::page::{NextPage, Page};

/// An application whose pages are handed out one by one, as the test permits.
struct Fake {
    members: Vec<Vec<Member>>,
    everybody: Vec<Vec<Member>>,
    permits: Semaphore,
    asked: mpsc::UnboundedSender<String>,
    /// The group's last page leads back to its second.
    circle: bool,
}

impl Fake {
    async fn page(
        &self,
        list: &str,
        pages: &[Vec<Member>],
        next: Option<&NextPage>,
    ) -> Result<Page<Member>, AzureError> {
        let index: usize = next.map_or(0, |next| next.as_str().parse().expect("a page we named"));
        let _ = self.asked.send(format!("{list} {index}"));
        self.permits.acquire().await.expect("open").forget();
        let following = if index + 1 < pages.len() { Some(index + 1) } else { self.circle.then_some(1) };
        let next = following.map(|index| NextPage::new(index.to_string()));
        Ok(Page { items: pages[index].clone(), next })
    }
}

#[async_trait]
impl Source for Fake {
    async fn members(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError> {
        self.page("group", &self.members, next).await
    }

    async fn everybody(&self, next: Option<&NextPage>) -> Result<Page<Member>, AzureError> {
        self.page("devices", &self.everybody, next).await
    }
}

fn member(id: &str, template: &str) -> Member {
    Member {
        id: id.into(),
        template: (!template.is_empty()).then(|| template.into()),
        enabled: Some(true),
        provisioned: Some(true),
        simulated: Some(false),
    }
}

fn bare(id: &str) -> Member {
    Member { id: id.into(), template: None, enabled: None, provisioned: None, simulated: None }
}

fn key() -> CountKey {
    CountKey { tenant: "t".into(), app: "fleet".into(), group: "g".into(), template: "boiler".into() }
}

struct Bench {
    board: Arc<Board>,
    fake: Arc<Fake>,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Bench {
    fn new(members: Vec<Vec<Member>>, everybody: Vec<Vec<Member>>, permits: usize) -> Self {
        Self::with_clock(members, everybody, permits, Clock::system(), false)
    }

    fn with_clock(
        members: Vec<Vec<Member>>,
        everybody: Vec<Vec<Member>>,
        permits: usize,
        clock: Clock,
        circle: bool,
    ) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        let fake = Fake { members, everybody, permits: Semaphore::new(permits), asked: sender, circle };
        Self { board: Arc::new(Board { clock, counts: Mutex::default() }), fake: Arc::new(fake), asked }
    }

    fn ask(&self) -> CountState {
        let source = Arc::clone(&self.fake);
        self.board.of(&key(), || Ok(source))
    }

    async fn until(&self, wanted: impl Fn(&CountState) -> bool) -> CountState {
        loop {
            let state = self.ask();
            if wanted(&state) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_group_is_counted_by_kinds_over_all_its_pages() {
    let simulated = Member { simulated: Some(true), ..member("c", "boiler") };
    let blocked = Member { enabled: Some(false), ..member("d", "boiler") };
    let fresh = Member { provisioned: Some(false), ..member("e", "boiler") };
    let group = vec![vec![member("a", "boiler"), simulated], vec![blocked, fresh, member("f", "pump")]];
    let everybody = vec![vec![member("a", "boiler"), bare("x")], vec![bare("y")]];
    let bench = Bench::new(group, everybody, 10);
    let state = bench.until(CountState::is_over).await;
    assert_eq!((state.seen, state.matching, state.other_template), (5, 4, 1));
    assert_eq!((state.simulated, state.blocked, state.unprovisioned), (1, 1, 1));
    assert_eq!(state.unassigned, 2);
    assert!(state.done && state.error.is_none());
}

#[tokio::test]
async fn members_that_carry_only_ids_are_completed_from_the_list_of_devices() {
    let group = vec![vec![bare("a"), bare("b"), bare("gone")]];
    let everybody = vec![vec![member("a", "boiler"), member("b", "pump"), bare("x")]];
    let bench = Bench::new(group, everybody, 10);
    let state = bench.until(|state| state.done).await;
    assert_eq!((state.seen, state.matching, state.other_template, state.unassigned), (3, 1, 1, 1));
    assert_eq!(bench.board.holds(&key(), &"a".into()), Some(true));
    assert_eq!(bench.board.holds(&key(), &"b".into()), Some(false));
}

#[tokio::test]
async fn people_who_ask_for_the_same_group_share_one_count() {
    let mut bench = Bench::new(vec![vec![member("a", "boiler")]], vec![vec![]], 0);
    bench.ask();
    assert_eq!(bench.asked.recv().await.as_deref(), Some("group 0"));
    bench.ask();
    bench.fake.permits.add_permits(10);
    bench.until(|state| state.done).await;
    assert_eq!(bench.asked.recv().await.as_deref(), Some("devices 0"));
    assert!(bench.asked.try_recv().is_err());
}

#[tokio::test]
async fn what_is_counted_so_far_can_be_seen_while_counting() {
    let bench = Bench::new(vec![vec![member("a", "boiler")], vec![member("b", "boiler")]], vec![vec![]], 1);
    let state = bench.until(|state| state.matching == 1).await;
    assert!(!state.is_over());
    assert_eq!(bench.board.holds(&key(), &"b".into()), None);
    bench.fake.permits.add_permits(10);
    assert_eq!(bench.until(|state| state.done).await.matching, 2);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end_the_count_with_an_error() {
    let group = vec![vec![member("a", "boiler")], vec![member("b", "boiler")]];
    let bench = Bench::with_clock(group, vec![vec![]], 10, Clock::system(), true);
    let state = bench.until(CountState::is_over).await;
    assert!(matches!(state.error.expect("an error").kind, ErrorKind::Malformed));
}

#[tokio::test]
async fn a_count_that_nobody_asks_for_is_given_up() {
    // A minute of this clock passes in a sixth of a millisecond.
    let clock = Clock::scaled(Clock::system().now(), 360_000);
    let mut bench = Bench::with_clock(vec![vec![member("a", "boiler")], vec![]], vec![vec![]], 0, clock, false);
    bench.ask();
    bench.asked.recv().await;
    clock.sleep(std::time::Duration::from_secs(61)).await;
    bench.fake.permits.add_permits(1);
    while !bench.board.counts().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(bench.asked.try_recv().is_err(), "no further page was read");
}
