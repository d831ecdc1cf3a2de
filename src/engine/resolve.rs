//! What became of a device that may have been told and was not seen at the target in time.
//!
//! The order is the design's: the target itself, once more and directly; then the command's history; then one more
//! command. This only decides; a command is sent by [`super::singles`] or [`super::canary`], at their pace.

use super::halt::Halt;
use super::run::Run;
use super::tell;
use super::{source, target};
use crate::azure::central::CommandAnswer;
use crate::ids::IdScope;
use crate::migration::evidence::Arrival;
use crate::migration::{AnswersBefore, CommandState, Device, FailReason, Outcome, Via};
use crate::store::devices::Example;

/// How often a device may be told without an answer before that is its end.
const UNCLEAR_TRIES: u32 = 2;

/// Decides about one device whose time has run out.
pub(super) async fn resolve(run: &Run, device: &Device) -> Result<(), Halt> {
    let arrival = match target::look_directly(run, device).await {
        // The target answers about others: this one is looked for by later sweeps, and no longer waited for.
        Err(halt) if halt.may_be_of_one_device() && target::another_can_be_seen(run).await.unwrap_or(false) => {
            let why = format!("it could not be looked for: {}", halt.words());
            return fail(run, device, FailReason::NotSeen, &why).await;
        }
        arrival => arrival?,
    };
    let Some(device) = run.store().device(run.id(), &device.id).await? else { return Ok(()) };
    let overdue = device.outcome == Outcome::Pending && device.deadline.is_some_and(|deadline| deadline <= run.now());
    if !overdue {
        return Ok(());
    }
    match (&arrival, device.command) {
        (Arrival::Refused(why), _) => fail(run, &device, FailReason::RegistrationRefused, why).await,
        (Arrival::Elsewhere(hub), _) => {
            fail(run, &device, FailReason::WrongHub, &format!("DPS assigned it to {hub}")).await
        }
        (_, CommandState::Answered) => answered_and_not_seen(run, &device).await,
        _ => ask_the_history(run, &device).await,
    }
}

/// A job may count any answer as an answer: the history tells a refusal from one who left and did not arrive.
async fn answered_and_not_seen(run: &Run, device: &Device) -> Result<(), Halt> {
    if device.via == Some(Via::Job)
        && let Some(answer) = new_answer(run, device).await?
        && !answer.is_accepted()
    {
        tell::record_answer(run, device, &answer, "the command's history shows an answer").await?;
        return Ok(());
    }
    fail(run, device, FailReason::NotSeen, &with_last_seen(run, device, target::not_seen(run, device)).await).await
}

/// It left its hub, so it was told: a second command would only find it offline.
async fn left(run: &Run, device: &Device) -> Result<bool, Halt> {
    match source::has_left(run, device).await {
        // Without an answer about this one it is told once more, which does no harm.
        Err(halt) if halt.may_be_of_one_device() => Ok(false),
        left => left,
    }
}

/// Adds what the source shows of the device, where it shows any.
async fn with_last_seen(run: &Run, device: &Device, words: &str) -> String {
    match source::last_seen(run, device).await {
        Some(seen) => format!("{words}; {seen}"),
        None => words.to_owned(),
    }
}

async fn ask_the_history(run: &Run, device: &Device) -> Result<(), Halt> {
    let answer = match new_answer(run, device).await {
        // The application shows the history of others: without this one's the next question is asked.
        Err(halt) if halt.may_be_of_one_device() && another_history_can_be_read(run).await.unwrap_or(false) => None,
        answer => answer?,
    };
    if let Some(answer) = answer {
        tell::record_answer(run, device, &answer, "the command's history shows an answer").await?;
        return Ok(());
    }
    if left(run, device).await? {
        let why = with_last_seen(run, device, "it may have been told, and did not turn up").await;
        return fail(run, device, FailReason::NotSeen, &why).await;
    }
    if device.unclear >= UNCLEAR_TRIES {
        let why = with_last_seen(run, device, "it neither answered nor turned up").await;
        return fail(run, device, FailReason::NoAnswer, &why).await;
    }
    let now = run.now();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome == Outcome::Pending {
                row.command = CommandState::Again;
                row.next_try_at = Some(now);
                row.deadline = None;
            }
        })
        .await?;
    Ok(())
}

async fn fail(run: &Run, device: &Device, reason: FailReason, why: &str) -> Result<(), Halt> {
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome == Outcome::Pending {
                row.outcome = Outcome::Failed(reason);
                row.detail = Some(why.to_owned());
            }
        })
        .await?;
    Ok(())
}

/// The answer to this migration's command, if its history shows one.
pub(super) async fn new_answer(run: &Run, device: &Device) -> Result<Option<CommandAnswer>, Halt> {
    let scope = run.id_scope()?;
    Ok(ours(source::history(run, device).await?, device.answers_before.as_ref(), scope))
}

/// The answer to us among a command's history. Entries have no time and no documented order, and an application may show
/// the newest only: those that were there before this migration are told by their ids, or where there are none by their
/// number, and those to a command that named another ID scope are not ours. Where old and new ones cannot be told apart and
/// differ, nothing is believed.
fn ours(history: Vec<CommandAnswer>, before: Option<&AnswersBefore>, scope: &IdScope) -> Option<CommandAnswer> {
    let has_ids = history.iter().all(|entry| entry.id.is_some());
    let named_ours = |entry: &CommandAnswer| entry.id_scope().is_none_or(|named| named == scope.as_str());
    let mut answers: Vec<CommandAnswer> = history.into_iter().filter(|entry| entry.response_code.is_some()).collect();
    match before {
        Some(before) if has_ids && (before.number == 0 || !before.ids.is_empty()) => {
            answers.retain(|answer| answer.id.as_ref().is_none_or(|id| !before.ids.contains(id)));
        }
        Some(before) if answers.len() <= before.number as usize => return None,
        _ => {}
    }
    answers.retain(named_ours);
    let accepted = answers.iter().filter(|answer| answer.is_accepted()).count();
    if accepted > 0 && accepted < answers.len() {
        return None;
    }
    answers.into_iter().next()
}

/// The history of a device that is proven at the target can be read now.
async fn another_history_can_be_read(run: &Run) -> Result<bool, Halt> {
    let Some(id) = run.store().example(run.id(), Example::Proven).await? else { return Ok(false) };
    source::history_can_be_read(run, &id).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: Option<&str>, code: u16) -> CommandAnswer {
        CommandAnswer {
            id: id.map(str::to_owned),
            request: serde_json::json!({ "idScope": "0ne1" }),
            response_code: Some(code),
            response: serde_json::Value::Null,
        }
    }

    fn before(number: u32, ids: &[&str]) -> AnswersBefore {
        AnswersBefore { number, ids: ids.iter().map(|id| (*id).to_owned()).collect() }
    }

    fn code(history: Vec<CommandAnswer>, before: Option<&AnswersBefore>) -> Option<u16> {
        ours(history, before, &IdScope::new("0ne1")).and_then(|answer| answer.response_code)
    }

    #[test]
    fn an_application_that_shows_the_newest_answer_only_is_understood() {
        let known = before(1, &["old"]);
        assert_eq!(code(vec![entry(Some("new"), 200)], Some(&known)), Some(200));
        assert_eq!(code(vec![entry(Some("old"), 403)], Some(&known)), None);
    }

    #[test]
    fn without_ids_the_number_tells_and_where_it_does_not_nothing_is_believed() {
        assert_eq!(code(vec![entry(None, 200)], Some(&before(1, &[]))), None);
        assert_eq!(code(vec![entry(None, 200), entry(None, 200)], Some(&before(1, &[]))), Some(200));
        assert_eq!(code(vec![entry(None, 403), entry(None, 200)], Some(&before(1, &[]))), None);
    }

    #[test]
    fn an_answer_to_a_command_that_named_another_scope_is_not_ours() {
        let elsewhere = CommandAnswer { request: serde_json::json!({ "idScope": "0ne2" }), ..entry(None, 403) };
        assert_eq!(code(vec![elsewhere.clone()], None), None);
        assert_eq!(code(vec![elsewhere, entry(None, 200)], None), Some(200));
    }
}
