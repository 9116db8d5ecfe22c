//! What a key means by the path that leads to it: a part of the header, a field of the event's own data, or neither.

use crate::table::header;
use crate::table::key_id::{KeyId, ROOT};
use crate::table::key_tree::{KeyInfo, KeyTree, Place, Wrapped};

impl KeyTree {
    pub(super) fn describe(&mut self, parent: KeyId, key: &[u8]) -> KeyInfo {
        let spelled = String::from_utf8_lossy(key);
        let up = &self.nodes[parent.0 as usize];
        let up_path = up.path.clone();
        let up_is_data = matches!(up.place, Place::Data) && up.path == "EventData";
        let (up_place, up_beat, depth) = (up.place, up.beat, up.depth.saturating_add(1));
        let mut beat = up_beat;
        let lower = spelled.to_lowercase();
        let (place, path) = match up_place {
            // `#attributes` and `#text` are how evtx_dump spells XML's attributes and text: same path as the element.
            _ if matches!(lower.as_str(), "#attributes" | "#text") => (up_place, up.path.clone()),
            // Case tells evtx_dump's `Event` from the `event` of the Elastic Common Schema.
            Place::Outside => match (up.path.as_str(), &*spelled) {
                // What Elasticsearch and its exporters wrap around a document goes, too.
                ("", "Event" | "_source") if parent == ROOT => (Place::Outside, String::new()),
                ("", "System" | "System_attributes") => (Place::System, "System".to_owned()),
                ("", "EventData" | "EventData_attributes") => (Place::Data, "EventData".to_owned()),
                ("", "UserData" | "UserData_attributes") => {
                    (Place::UserData, "UserData".to_owned())
                }
                ("", "event_data") => {
                    beat = true;
                    (Place::Data, "EventData".to_owned())
                }
                ("", "user_data") => {
                    beat = true;
                    (Place::Data, "UserData".to_owned())
                }
                ("winlog", "event_data") => (Place::Data, "EventData".to_owned()),
                ("winlog", "user_data") => (Place::Data, "UserData".to_owned()),
                ("", _) => (Place::Outside, spelled.into_owned()),
                (_, _) => (Place::Outside, format!("{}.{spelled}", up.path)),
            },
            Place::System => {
                let name = spelled.strip_suffix("_attributes").unwrap_or(&spelled);
                let name = name.strip_prefix('@').unwrap_or(name);
                (Place::System, format!("{}.{name}", up.path))
            }
            Place::UserData => (Place::Data, "UserData".to_owned()),
            Place::Data => {
                // Data fields stand under their own names; what nests deeper keeps the path inside its field.
                if matches!(up.path.as_str(), "EventData" | "UserData") {
                    (Place::Data, spelled.into_owned())
                } else {
                    (Place::Data, format!("{}.{spelled}", up.path))
                }
            }
        };
        let data_key = lower_last(&up_path) == "data" && up_place == Place::Data;
        let wrapped = match place {
            Place::Outside if parent == ROOT => match lower.as_str() {
                "stringinserts" | "properties" | "payload" | "payloaddata1" | "_raw" => {
                    Wrapped::Document
                }
                _ => Wrapped::No,
            },
            Place::Data | Place::UserData if matches!(up_place, Place::Outside) => Wrapped::List,
            Place::Data if up_is_data && lower == "data" => Wrapped::List,
            Place::Data if data_key && !matches!(lower.as_str(), "#text" | "#attributes") => {
                Wrapped::Any
            }
            _ => Wrapped::No,
        };
        let feed = match place {
            // Too many things have an `id`.
            Place::Outside if path == "id" => None,
            Place::Outside if header::exact_feed(&path).is_some() => header::exact_feed(&path),
            Place::Outside | Place::System => header::feed(&path.to_lowercase()),
            Place::Data | Place::UserData => {
                header::feed(&path.to_lowercase()).filter(|f| f.keeps_column)
            }
        };
        let column = match place {
            // The provider's identity is wanted under the name the field gives it.
            Place::System if path.eq_ignore_ascii_case("System.Provider.Guid") => {
                "ProviderGuid".to_owned()
            }
            Place::Outside
                if matches!(
                    path.to_lowercase().as_str(),
                    "winlog.provider_guid" | "provider_guid"
                ) =>
            {
                "ProviderGuid".to_owned()
            }
            // The text of the event as Windows shows it, whichever export put it beside the event.
            Place::Outside if path.eq_ignore_ascii_case("RenderingInfo.Message") => {
                "Message".to_owned()
            }
            // A provider's own field that is spelled like a header column stands beside it.
            Place::Data if header::by_name(&path.to_lowercase()).is_some() => {
                format!("EventData.{path}")
            }
            _ if path.is_empty() => "#unnamed".to_owned(),
            // Every row has values of these names already.
            _ if [header::SOURCE_FILE, header::SOURCE_OFFSET]
                .iter()
                .any(|name| path.eq_ignore_ascii_case(name)) =>
            {
                format!("{path}#raw")
            }
            // A shipper may have written the path as one key.
            Place::Outside if feed.is_none() => header::column_name(&path),
            _ => path.clone(),
        };
        let target = self.target(&column);
        // Namespaces are part of names; converters of XML mark attributes.
        let plain = lower.trim_start_matches(['@', '$', '-', '_', '#']);
        let silent = plain == "xmlns" || plain.starts_with("xmlns:");
        let embedded = parent == ROOT && lower == "eventdata";
        let repeated = place == Place::Data && lower_last(&path) == "data";
        KeyInfo {
            feed,
            target,
            embedded,
            silent,
            repeated,
            beat,
            wrapped,
            depth,
            parent,
            key: key.into(),
            path,
            place,
        }
    }
}

fn lower_last(path: &str) -> String {
    path.rsplit('.').next().unwrap_or_default().to_lowercase()
}
