//! Whose turn it is where not everybody can be asked at once: kept for as long as the program runs, over all turns and
//! checks of a migration, so that everybody's comes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::migration::MigrationId;

/// What is asked: each question has turns of its own, since two that took turns would each ask the same half for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// Whether a device has come.
    Sweep,
    /// Whether it is still there.
    Later,
    /// Whether it is seen to have left.
    Departure,
    /// Whether one that was removed from its source is there again.
    Reappearance,
}

/// How often each migration has asked what.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<(MigrationId, Question), usize>>);

impl Turns {
    /// The number of the next asking of a migration.
    pub(super) fn next(&self, id: MigrationId, question: Question) -> usize {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = kept.entry((id, question)).or_default();
        let this = *turn;
        *turn = turn.wrapping_add(1);
        this
    }
}

/// The `most` of all whose turn it is.
pub(super) fn in_turn<T>(mut all: Vec<T>, turn: usize, most: usize) -> Vec<T> {
    if all.len() > most {
        let first = turn.wrapping_mul(most) % all.len();
        all.rotate_left(first);
        all.truncate(most);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybodys_turn_comes() {
        let all: Vec<u32> = (0..25).collect();
        let asked: std::collections::HashSet<u32> = (0..3).flat_map(|turn| in_turn(all.clone(), turn, 12)).collect();
        assert_eq!(asked.len(), 25);
        assert_eq!(in_turn(vec![1, 2], 7, 12), [1, 2]);
    }

    #[test]
    fn each_migration_and_each_question_has_turns_of_its_own() {
        let turns = Turns::default();
        let [one, other] = [1, 2].map(|_| MigrationId::new(time::OffsetDateTime::UNIX_EPOCH));
        let asked = [(one, Question::Sweep), (one, Question::Later), (one, Question::Later), (other, Question::Later)];
        assert_eq!(asked.map(|(id, question)| turns.next(id, question)), [0, 0, 1, 0]);
    }
}
