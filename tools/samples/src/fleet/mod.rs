//! A fleet: computers that are switched on and off for some days, with ordinary software, the threads that Windows and
//! its guests start in each other's processes, and one intruder. What happens is decided in `plan`, which is also the
//! truth that tests hold an answer to; the other files only carry it out.

mod boot;
mod intruder;
mod load;
mod plan;
mod session;
mod software;
mod threads;
mod write;

pub use plan::{Boot, Intrusion, Settings, Truth, truth};
pub use write::{Written, write};
