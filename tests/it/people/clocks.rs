//! A workstation whose clock is wrong.

use super::PATIENCE;
use crate::support::journey::Wish;
use crate::support::lab::Lab;
use crate::support::person::Person;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_an_hour_ahead_is_said_and_the_move_works() {
    moves_with_a_clock_wrong_by(3600, "60 minutes ahead of").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_an_hour_behind_is_said_and_the_move_works() {
    moves_with_a_clock_wrong_by(-3600, "60 minutes behind").await;
}

async fn moves_with_a_clock_wrong_by(seconds: i64, words: &str) {
    let lab = Lab::small(15, 5, 0).await;
    lab.put_clock_wrong(seconds);
    let program = lab.program().await;
    let ada = Person::new(&lab, &program);
    let page = ada.sign_in("Ada").await;
    assert!(page.text().contains("The clock of this workstation"), "{}", page.text());
    assert!(page.text().contains(words), "{}", page.text());
    let journey = ada.start(&Wish::default().with(MINUTES, "10")).await;
    ada.wait_for(&journey, "Completed: 5 moved", PATIENCE).await;
}

const MINUTES: &str = "Give up on a device that does not turn up after (minutes)";
