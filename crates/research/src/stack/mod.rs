//! Debugger text to observations. It reads what WinDbg and kd print (`k`, `kb`, `kc`, `kn`, `kp`, `kv`, `!process`,
//! `!thread`, `!teb`, `dt nt!_CLIENT_ID`, breakpoint banners), finds the callback, the mechanism, the API frames that the
//! published filter keeps and the boundary to the kernel, and says what the break shows: this call, this mechanism, these
//! events. It does not know whether a symbol was resolved rightly; frames after the debugger's own warning are marked.

mod candidates;
mod dialect;
mod frame;
mod log;
mod reading;

pub use frame::StackFrame;
pub use log::{Break, ClientId, breaks};
pub use reading::{ApiFrame, Boundary, Observation, Observed, StackAnalysis, read};

/// The most text read of one log, in bytes.
pub const MAX_LOG: u64 = 256 << 20;
