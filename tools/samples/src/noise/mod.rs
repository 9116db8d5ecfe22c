//! What happens on a computer anyway.

pub(crate) mod agent;
pub(crate) mod defender;
pub(crate) mod desktop;
pub(crate) mod services;
