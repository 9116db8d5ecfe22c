//! Layers of ATT&CK Navigator: techniques with a score and a word each.

use std::collections::BTreeMap;

use serde::Serialize;

/// A layer, as ATT&CK Navigator reads it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NavigatorLayer {
    name: String,
    versions: LayerVersions,
    domain: &'static str,
    description: String,
    /// By score, the highest first.
    sorting: u8,
    techniques: Vec<ScoredTechnique>,
    gradient: LayerGradient,
    hide_disabled: bool,
}

#[derive(Clone, Debug, Serialize)]
struct LayerVersions {
    layer: &'static str,
    navigator: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerGradient {
    colors: [&'static str; 2],
    min_value: u64,
    max_value: u64,
}

/// A technique in a layer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoredTechnique {
    /// Its id, as in `T1055.001`.
    #[serde(rename = "techniqueID")]
    pub id: String,
    /// How much there is of it.
    pub score: u64,
    /// What a reader of the layer should know.
    pub comment: String,
    /// Whether its sub-techniques are shown.
    pub show_subtechniques: bool,
}

impl NavigatorLayer {
    /// A layer of techniques, each with its score and comments, which are put one on a line.
    pub fn new(
        name: &str,
        description: &str,
        techniques: BTreeMap<String, (u64, Vec<String>)>,
    ) -> Self {
        let most = techniques.values().map(|(score, _)| *score).max();
        let technique = |(id, (score, comments)): (String, (u64, Vec<String>))| ScoredTechnique {
            show_subtechniques: id.contains('.'),
            id,
            score,
            comment: comments.join("\n"),
        };
        Self {
            name: name.to_owned(),
            versions: LayerVersions {
                layer: "4.5",
                navigator: "5.1.0",
            },
            domain: "enterprise-attack",
            description: description.to_owned(),
            sorting: 3,
            techniques: techniques.into_iter().map(technique).collect(),
            gradient: LayerGradient {
                colors: ["#ffe766", "#ff6666"],
                min_value: 0,
                max_value: most.unwrap_or(1).max(1),
            },
            hide_disabled: false,
        }
    }
}
