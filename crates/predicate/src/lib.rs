//! One predicate over event fields, and the ways to interpret it.
