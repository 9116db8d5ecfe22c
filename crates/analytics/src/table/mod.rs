//! The event table as the SQL engine sees it: a schema made of the header, Sysmon's fields and whatever names a query
//! mentions; rows read from the user's files, once per query however often the query names the table. It refuses to
//! know SQL text and hunts.

mod conversion;
mod keeper;
mod provider;
mod pushdown;
mod recipe;
mod shared;
mod views;

pub(crate) use keeper::{Keeper, PlacedScan};
pub(crate) use provider::EventScan;
pub(crate) use shared::{Early, Found, QueryState, Source, begin_with, gather, lock, union};
pub(crate) use views::{Catalog, EVENTS, Reading, naming_of, sources};
