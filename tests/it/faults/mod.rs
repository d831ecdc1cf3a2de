//! Faults of Azure and of the network, at every call that a migration makes: passing ones change nothing about the end,
//! lasting ones make it stand still with words that lead to the cause, and no answer of any shape makes it claim too much.

mod calls;
mod form;
mod lasting;
mod passing;
mod shapes;
mod world;
