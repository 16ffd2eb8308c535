//! Weaknesses that different programs number differently: what one calls CWE-77 another calls
//! CWE-78. Two numbers of a row are the same weakness here; a number in no row is only itself.

const FAMILIES: &[&[u32]] = &[
    // SQL and what takes its place; semgrep-rules file `tainted-sql-string` under 704.
    &[89, 564, 704, 943],
    // Commands.
    &[74, 77, 78, 88],
    // Code and templates.
    &[94, 95, 96, 97, 470, 1336],
    // Scripts in pages.
    &[79, 80, 83, 87, 116, 150],
    // Paths and files.
    &[20, 22, 23, 35, 36, 73, 98, 434, 706],
    &[276, 377, 378, 379, 668, 732],
    &[502, 915, 1321],
    &[611, 827],
    // Weak cryptography.
    &[261, 310, 323, 326, 327, 328, 329, 696, 759, 760, 780, 916, 1204],
    &[330, 335, 338, 340],
    // Checks of certificates, and connections without any.
    &[295, 296, 297, 298, 300, 319, 322, 757],
    // Credentials in the code.
    &[256, 259, 287, 321, 522, 798, 1391],
    // Signatures that are not checked.
    &[345, 346, 347, 352, 942],
    // Settings.
    &[16, 200, 209, 215, 489, 605, 614, 644, 693, 1004, 1021, 1188, 1275, 1327],
    &[400, 730, 770, 1333],
];

/// The number in `CWE-78`, or in `CWE-78: Improper …`.
pub(crate) fn number(cwe: &str) -> Option<u32> {
    let digits = cwe.trim().strip_prefix("CWE-")?;
    let end = digits.find(|at: char| !at.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

pub(crate) fn are_one(one: u32, other: u32) -> bool {
    one == other || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_and_without_its_name() {
        assert_eq!(number("CWE-78"), Some(78));
        assert_eq!(number("CWE-95: Improper Neutralization of Directives"), Some(95));
        assert_eq!(number("A03:2021"), None);
    }

    #[test]
    fn no_number_is_in_two_families() {
        let mut all: Vec<u32> = FAMILIES.iter().flat_map(|family| family.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(are_one(77, 78) && are_one(9999, 9999) && !are_one(78, 89));
    }
}
