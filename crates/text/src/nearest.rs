//! The names nearest to one that nothing answers to.

/// Longer names are no misspellings of anything, and the distance costs the product of the lengths.
const LONGEST: usize = 80;
/// Names shorter than this are inside too many others.
const SHORTEST_PART: usize = 4;

/// The candidate that is probably meant by `name`: the one that differs by the fewest typing errors, if those are few
/// for its length. Case does not count.
pub fn meant<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Option<S> {
    let wanted = prepared(name)?;
    candidates
        .into_iter()
        .filter_map(|c| Some((errors(&wanted, &c.as_ref().to_lowercase())?, c)))
        .min_by(|(a, x), (b, y)| order(*a, x.as_ref()).cmp(&order(*b, y.as_ref())))
        .map(|(_, c)| c)
}

/// `; did you mean X?` where [`meant`] finds something, else nothing.
pub fn did_you_mean<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> String {
    match meant(name, candidates) {
        Some(near) => format!("; did you mean {}?", near.as_ref()),
        None => String::new(),
    }
}

/// At most `limit` candidates like `name`, best first: those that differ by few typing errors, then those that hold the
/// name or are held by it. Case does not count; the same candidate twice is given once.
pub fn nearest<S: AsRef<str>>(
    name: &str,
    candidates: impl IntoIterator<Item = S>,
    limit: usize,
) -> Vec<S> {
    let Some(wanted) = prepared(name) else {
        return Vec::new();
    };
    let mut near: Vec<(usize, S)> = candidates
        .into_iter()
        .filter_map(|c| {
            let lower = c.as_ref().to_lowercase();
            let distance = errors(&wanted, &lower).or_else(|| {
                let holds =
                    |long: &str, short: &str| short.len() >= SHORTEST_PART && long.contains(short);
                (holds(&lower, &wanted) || holds(&wanted, &lower))
                    .then(|| LONGEST + lower.len().abs_diff(wanted.len()))
            })?;
            Some((distance, c))
        })
        .collect();
    near.sort_by(|(a, x), (b, y)| order(*a, x.as_ref()).cmp(&order(*b, y.as_ref())));
    near.dedup_by(|(_, x), (_, y)| x.as_ref() == y.as_ref());
    near.truncate(limit);
    near.into_iter().map(|(_, c)| c).collect()
}

fn order(distance: usize, name: &str) -> (usize, usize, &str) {
    (distance, name.len(), name)
}

fn prepared(name: &str) -> Option<String> {
    let name = name.trim().to_lowercase();
    (!name.is_empty() && name.len() <= LONGEST).then_some(name)
}

/// How many letters must be typed otherwise, if that is few enough for a misspelling.
fn errors(wanted: &str, candidate: &str) -> Option<usize> {
    let shorter = wanted.len().min(candidate.len());
    let allowed = (1 + shorter / 4).min(4);
    if wanted.len().abs_diff(candidate.len()) > allowed {
        return None;
    }
    let distance = strsim::damerau_levenshtein(wanted, candidate);
    (distance <= allowed).then_some(distance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: [&str; 5] = [
        "SourceImage",
        "TargetImage",
        "GrantedAccess",
        "Image",
        "User",
    ];

    #[test]
    fn misspellings_find_their_name_and_strangers_do_not() {
        assert_eq!(meant("sourceimgae", FIELDS), Some("SourceImage"));
        assert_eq!(meant("GrantedAcess", FIELDS), Some("GrantedAccess"));
        assert_eq!(meant("Imge", FIELDS), Some("Image"));
        assert_eq!(meant("Hostname", FIELDS), None);
        assert_eq!(meant("Xyz", FIELDS), None);
        assert_eq!(meant("", FIELDS), None);
        assert_eq!(did_you_mean("usr", FIELDS), "; did you mean User?");
        assert_eq!(did_you_mean("Hostname", FIELDS), "");
    }

    #[test]
    fn the_nearest_come_best_first_and_then_what_holds_the_name() {
        let known = [
            "regexp_extract",
            "regexp_replace",
            "split",
            "splitx",
            "split",
            "concat",
        ];
        assert_eq!(nearest("SPLITT", known, 3), ["split", "splitx"]);
        assert_eq!(nearest("extract", known, 3), ["regexp_extract"]);
        assert_eq!(nearest("zzzzzz", known, 3), Vec::<&str>::new());
        assert_eq!(nearest("image", FIELDS, 2), ["Image", "SourceImage"]);
    }

    #[test]
    fn long_names_cost_nothing() {
        assert_eq!(nearest(&"x".repeat(100_000), FIELDS, 3), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn any_name_is_answered_and_a_known_one_by_itself(
            name in "\\PC{0,90}",
            mut candidates in prop::collection::vec("\\PC{1,20}", 0..8),
        ) {
            prop_assert!(nearest(&name, &candidates, 3).len() <= 3);
            let own = name.trim().to_owned();
            if !own.is_empty() && own.to_lowercase().len() <= LONGEST {
                candidates.push(own.clone());
                let found = meant(&own, &candidates).map(|c| c.to_lowercase());
                prop_assert_eq!(found, Some(own.to_lowercase()));
            }
        }
    }
}
