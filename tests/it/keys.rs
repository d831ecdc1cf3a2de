//! Keys: nothing starts while a group that devices may use has no equal at the target.
