//! Who presses a button, as the records name them.

use crate::identity::Person;
use crate::migration::model::Actor;

/// A signed-in person as an actor.
pub(super) fn actor(person: &Person) -> Actor {
    Actor { id: person.id.clone(), name: person.name.clone() }
}
