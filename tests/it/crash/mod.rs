//! The program dies at every point that matters, and comes to the same end as if it had not.
//!
//! The sandbox holds one request and the program is killed while it waits: once before the request has had its effect,
//! once after it with the answer withheld. The end is held against that of an undisturbed run and against what the
//! devices themselves wrote down.

mod ends;
mod every_effect;
mod follow_ups;
mod reads;
mod stop;
mod trial;
mod worlds;
