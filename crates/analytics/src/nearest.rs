//! The name somebody probably meant. It refuses to guess far: a name that shares little is no suggestion.

/// The candidate nearest to `name`, without regard to case, if one is near enough to be a misspelling of it.
pub fn to<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .map(|c| (strsim::damerau_levenshtein(&name, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::to;

    #[test]
    fn misspellings_find_their_name_and_strangers_do_not() {
        let names = ["SourceImage", "TargetImage", "GrantedAccess"];
        assert_eq!(to("sourceimgae", names.into_iter()), Some("SourceImage"));
        assert_eq!(to("GrantedAcess", names.into_iter()), Some("GrantedAccess"));
        assert_eq!(to("Hostname", names.into_iter()), None);
    }
}
