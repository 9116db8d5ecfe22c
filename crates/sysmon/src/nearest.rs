//! The nearest valid name to a mistyped one.

/// The candidate with the smallest edit distance, if it is close enough to be meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    candidates
        .map(|c| (distance(&name, &c.to_ascii_lowercase()), c))
        .min()
        .filter(|(d, c)| *d <= 1 + c.len().min(name.len()) / 4)
        .map(|(_, c)| c)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replace.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_meant_name() {
        let fields = ["Image", "ImageLoaded", "CommandLine"];
        assert_eq!(nearest("Imge", fields.into_iter()), Some("Image"));
        assert_eq!(
            nearest("commandline", fields.into_iter()),
            Some("CommandLine")
        );
        assert_eq!(nearest("Xyz", fields.into_iter()), None);
    }
}
