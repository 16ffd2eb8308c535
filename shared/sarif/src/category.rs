use domain::Category;

/// The kind of a weakness by its number in the CWE; what is not listed is a plain mistake.
pub(crate) fn of_weaknesses(numbers: &[u32]) -> Category {
    numbers.iter().find_map(|number| of_weakness(*number)).unwrap_or(Category::Correctness)
}

fn of_weakness(number: u32) -> Option<Category> {
    match number {
        259 | 321 | 522 | 540 | 798 => Some(Category::Secret),
        295 | 297 | 319 | 322 | 757 => Some(Category::Transport),
        502 | 611 | 776 | 915 => Some(Category::Deserialization),
        20
        | 74
        | 77..=80
        | 88..=91
        | 93..=97
        | 113
        | 116
        | 117
        | 134
        | 601
        | 643
        | 917
        | 918
        | 943
        | 1321
        | 1333
        | 1336 => Some(Category::Injection),
        310..=347 | 759 | 760 | 780 | 916 => Some(Category::Cryptography),
        22 | 23 | 36 | 59 | 73 | 276 | 377..=379 | 434 | 552 | 732 => Some(Category::FileAccess),
        284..=290 | 306 | 307 | 352 | 384 | 613 | 639 | 640 | 862 | 863 => {
            Some(Category::Authentication)
        }
        16 | 489 | 614 | 693 | 942 | 1004 | 1188 | 1275 | 1327 => Some(Category::Configuration),
        _ => None,
    }
}
