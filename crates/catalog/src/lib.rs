//! The knowledge Scotoma stands on, as data with its sources.
