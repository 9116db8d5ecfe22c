//! Rows that a user adds to the catalog without building it anew: a folder of YAML files named as those in `data/`. They are
//! checked as the built-in rows are; a mistake is an error with the file, the row and the reason, and nothing is added then.

use crate::model::rights::Object;
use crate::owned::model::{calls, map, techniques};
use crate::owned::{IntoStatic, PlacesByName};
use crate::storage::EventId;
use crate::{rights, tables};
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Files larger than this are refused.
const MOST_BYTES: u64 = 16 << 20;

/// Why rows cannot be added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdditionError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with which row.
        why: String,
    },
    /// Rows were added before, or questions were answered already.
    #[error("rows can be added to the catalog once, before it is asked")]
    Late,
}

/// How many rows a folder adds, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// Name of the table and number of rows, in the order of the names.
    pub rows: Vec<(&'static str, usize)>,
}

macro_rules! files {
    ($($field:ident: $row:ty = $file:literal;)*) => {
        /// What the files hold, as it was read.
        #[derive(Debug, Default)]
        struct Read {
            $($field: Vec<$row>,)*
        }

        impl Read {
            fn of(folder: &Path) -> Result<Self, AdditionError> {
                let mut read = Self::default();
                for path in yaml_files(folder)? {
                    match path.file_stem().and_then(|s| s.to_str()) {
                        $(Some($file) => read.$field = rows(&path)?,)*
                        _ => {
                            let why = format!("no table is called so; there are {}", [$($file),*].join(", "));
                            return Err(AdditionError::Content { path, why });
                        }
                    }
                }
                Ok(read)
            }

            fn counts(&self) -> Added {
                let rows = [$(($file, self.$field.len()),)*];
                Added { rows: rows.into_iter().filter(|(_, count)| *count > 0).collect() }
            }
        }
    };
}

files! {
    api_rights: calls::ApiRights = "api_rights";
    apis: calls::Api = "apis";
    behaviours: techniques::Behaviour = "behaviours";
    events: map::Event = "events";
    host_processes: techniques::HostProcess = "host_processes";
    mappings: calls::Mapping = "mappings";
    mechanisms: map::Mechanism = "mechanisms";
    not_observed: calls::NotObserved = "not_observed";
    sensors: map::Sensor = "sensors";
    sources: map::Source = "sources";
    stack_signs: map::StackSign = "stack_signs";
    tampering: techniques::Tampering = "tampering";
    writable_folders: techniques::WritableFolder = "writable_folders";
}

/// Adds the rows in `folder` to the catalog, for as long as the program runs.
///
/// # Errors
///
/// What cannot be read, what is wrong with a row, and rows that come too late; the catalog is then as it was.
pub fn add(folder: &Path) -> Result<Added, AdditionError> {
    let read = Read::of(folder)?;
    let added = read.counts();
    let wrong = |file: &str| {
        let path = folder.join(format!("{file}.yaml"));
        move |why| AdditionError::Content { path, why }
    };
    let places = places(&read, &wrong)?;
    check(&read, &wrong)?;
    macro_rules! extended {
        ($($field:ident from $file:literal;)*) => {
            tables::Extended { $($field: {
                let rows = read.$field.into_static(&places).map_err(wrong($file))?;
                let all: Vec<_> = tables::$field().iter().chain(rows).copied().collect();
                Some(&*Box::leak(all.into_boxed_slice()))
            },)* ..tables::Extended::default() }
        };
    }
    let extended = extended! {
        api_rights from "api_rights";
        apis from "apis";
        behaviours from "behaviours";
        events from "events";
        host_processes from "host_processes";
        mappings from "mappings";
        mechanisms from "mechanisms";
        not_observed from "not_observed";
        sensors from "sensors";
        sources from "sources";
        stack_signs from "stack_signs";
        tampering from "tampering";
        writable_folders from "writable_folders";
    };
    tables::extend(extended).map_err(|()| AdditionError::Late)?;
    Ok(added)
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, AdditionError> {
    let failed = |source| AdditionError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        let why = "no file there is called .yaml".to_owned();
        let path = folder.to_owned();
        return Err(AdditionError::Content { path, why });
    }
    Ok(found)
}

fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, AdditionError> {
    let failed = |source| AdditionError::Read {
        path: path.to_owned(),
        source,
    };
    let content = |why: String| AdditionError::Content {
        path: path.to_owned(),
        why,
    };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MOST_BYTES {
        return Err(content(format!("{bytes} bytes are more than {MOST_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    serde_saphyr::from_str(&text).map_err(|e| content(e.to_string()))
}

/// The rows that others refer to, those that are added behind those that are there. A name twice is an error.
fn places<W: FnOnce(String) -> AdditionError>(
    read: &Read,
    wrong: &impl Fn(&str) -> W,
) -> Result<PlacesByName, AdditionError> {
    fn table<'n>(
        there: impl Iterator<Item = &'static str>,
        added: impl Iterator<Item = &'n String>,
    ) -> Result<HashMap<String, u16>, String> {
        let mut places = HashMap::new();
        let names = there.map(str::to_owned).chain(added.cloned());
        for (place, name) in names.enumerate() {
            let place = u16::try_from(place).map_err(|_| "too many rows".to_owned())?;
            if places.insert(name.clone(), place).is_some() {
                return Err(format!("there is a row called {name:?} already"));
            }
        }
        Ok(places)
    }
    macro_rules! ids {
        ($field:ident) => {
            table(
                tables::$field().iter().map(|r| r.id),
                read.$field.iter().map(|r| &r.id),
            )
            .map_err(wrong(stringify!($field)))?
        };
    }
    // Nothing refers to these by their place, but their names are asked for.
    ids!(behaviours);
    ids!(tampering);
    ids!(mappings);
    ids!(not_observed);
    Ok(PlacesByName {
        sources: ids!(sources),
        sensors: ids!(sensors),
        mechanisms: ids!(mechanisms),
        events: ids!(events),
        apis: ids!(apis),
        components: table(
            tables::components().iter().map(|r| r.id),
            std::iter::empty(),
        )
        .map_err(wrong("components"))?,
    })
}

/// What must hold between the rows; `build/check.rs` holds the built-in ones to the same.
fn check<W: FnOnce(String) -> AdditionError>(
    read: &Read,
    wrong: &impl Fn(&str) -> W,
) -> Result<(), AdditionError> {
    sources(read, wrong)?;
    read.events
        .iter()
        .find(|e| e.id != format!("{}:{}", e.sensor.0, e.number))
        .map_or(Ok(()), |e| {
            Err(format!("{:?} is not its sensor and number", e.id))
        })
        .map_err(wrong("events"))?;
    mappings(read).map_err(wrong("mappings"))?;
    calls(read).map_err(wrong("apis"))?;
    for row in &read.api_rights {
        for handle in &row.handles {
            let cases = handle.plus.iter().chain(&handle.alternatives);
            let masks = cases.map(|c| (&c.rights, c.mask));
            for (rights, mask) in masks.chain([(&handle.rights, handle.mask)]) {
                sum(&handle.object, rights, mask, &row.api.0).map_err(wrong("api_rights"))?;
            }
        }
    }
    for row in &read.behaviours {
        for handle in &row.handle_rights {
            sum(&handle.object, &handle.rights, handle.mask, &row.id)
                .map_err(wrong("behaviours"))?;
        }
    }
    Ok(())
}

fn sources<W: FnOnce(String) -> AdditionError>(
    read: &Read,
    wrong: &impl Fn(&str) -> W,
) -> Result<(), AdditionError> {
    let there = tables::sources().iter().map(|s| s.id);
    let known: HashSet<&str> = there
        .chain(read.sources.iter().map(|s| s.id.as_str()))
        .collect();
    let cited = |row: &str, sources: &[String]| {
        if sources.is_empty() {
            return Err(format!("{row}: no source"));
        }
        let id = |source: &'_ String| {
            source
                .split(['#', ' '])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        match sources
            .iter()
            .map(id)
            .find(|id| !known.contains(id.as_str()))
        {
            Some(id) => Err(format!("{row}: no source is called {id:?}")),
            None => Ok(()),
        }
    };
    macro_rules! cite {
        ($($field:ident by $name:expr;)*) => {
            $(for row in &read.$field {
                let name: fn(&_) -> &String = $name;
                cited(name(row), &row.source).map_err(wrong(stringify!($field)))?;
            })*
        };
    }
    cite! {
        api_rights by |r: &calls::ApiRights| &r.api.0;
        apis by |r: &calls::Api| &r.id;
        behaviours by |r: &techniques::Behaviour| &r.id;
        events by |r: &map::Event| &r.id;
        host_processes by |r: &techniques::HostProcess| &r.file;
        mappings by |r: &calls::Mapping| &r.id;
        mechanisms by |r: &map::Mechanism| &r.id;
        not_observed by |r: &calls::NotObserved| &r.id;
        sensors by |r: &map::Sensor| &r.id;
        stack_signs by |r: &map::StackSign| &r.function;
        tampering by |r: &techniques::Tampering| &r.id;
        writable_folders by |r: &techniques::WritableFolder| &r.folder;
    }
    Ok(())
}

/// An arrow ends in an event that comes by its mechanism, and is said once.
fn mappings(read: &Read) -> Result<(), String> {
    let said = |api: &str, event: &str, when: String| format!("{api} {event} {when}");
    let there = tables::mappings().iter().filter_map(|m| {
        let key = said(m.api?.slug(), m.event.slug(), format!("{:?}", m.when));
        Some((key, m.id))
    });
    let mut arrows: HashMap<String, &str> = there.collect();
    for row in &read.mappings {
        let added = read.events.iter().find(|e| e.id == row.event.0);
        let mechanism = match added {
            Some(event) => event.mechanism.as_ref().map(|m| m.0.as_str()),
            None => EventId::named(&row.event.0).and_then(|e| e.mechanism.map(|m| m.slug())),
        };
        if mechanism.is_some_and(|m| m != row.mechanism.0) {
            return Err(format!(
                "{:?} and its event {:?} name different mechanisms",
                row.id, row.event.0
            ));
        }
        let Some(api) = &row.api else { continue };
        let key = said(&api.0, &row.event.0, format!("{:?}", row.when));
        if let Some(other) = arrows.insert(key, &row.id) {
            return Err(format!("{:?} says what {other:?} says", row.id));
        }
    }
    Ok(())
}

/// No name leads to two calls, and what a call opens is a kind of object.
fn calls(read: &Read) -> Result<(), String> {
    let there = tables::apis()
        .iter()
        .flat_map(|a| a.variants.iter().chain([&a.id]));
    let there = there.map(|name| name.to_ascii_lowercase());
    let mut names: HashSet<String> = there.collect();
    for row in &read.apis {
        for name in row.variants.iter().chain([&row.id]) {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(format!("there is a call called {name:?} already"));
            }
        }
        let is = |object: &Object| Some(object.id) == row.opens.as_deref();
        if row.opens.is_some() && !rights::objects().iter().any(is) {
            return Err(format!("{:?} opens no {:?}", row.id, row.opens));
        }
    }
    Ok(())
}

fn sum(object: &str, rights: &[String], mask: u32, row: &str) -> Result<(), String> {
    let kind = rights::objects().iter().find(|o| o.id == object);
    let kind = kind.ok_or_else(|| format!("{row}: no kind of object is called {object:?}"))?;
    let total = kind.sum(rights.iter().map(String::as_str));
    let total = total.map_err(|e| format!("{row}: {e}"))?;
    match total == mask {
        true => Ok(()),
        false => Err(format!(
            "{row}: the rights sum to {total:#x}, not {mask:#x}"
        )),
    }
}
