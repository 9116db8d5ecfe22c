//! What a hunt should find. The behaviours leave events; nothing here can do anything.

pub(crate) mod injection;
pub(crate) mod lsass_dump;
pub(crate) mod office_shell;
pub(crate) mod web_shell;
