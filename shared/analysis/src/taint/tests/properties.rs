//! What holds of every program.

use proptest::prelude::*;

use super::*;

const PROGRAM: &str = "import os, shlex

def helper(one):
    two = one.strip()
    return two

def safe(one):
    return shlex.quote(one)

def view(request):
    first = request.GET['a']
    second = helper(first)
    os.system(second)
    third = safe(first)
    os.system(third)
    if second in ['x', 'y']:
        os.system(second)
    fourth = {}
    fourth['k'] = first
    os.system(fourth['k'])
";

const NAMES: [&str; 8] = ["helper", "safe", "one", "two", "first", "second", "third", "fourth"];

proptest! {
    #[test]
    fn renaming_variables_changes_no_verdict(
        names in prop::collection::hash_set("[a-z]{4,9}_[a-z0-9]{1,3}", NAMES.len()),
    ) {
        let mut text = PROGRAM.to_owned();
        for (old, new) in NAMES.iter().zip(&names) {
            let word = regex::Regex::new(&format!(r"\b{old}\b")).unwrap();
            text = word.replace_all(&text, new.as_str()).into_owned();
        }
        let before = sinks(Language::Python, PROGRAM);
        prop_assert_eq!(&before, &[13, 20]);
        prop_assert_eq!(sinks(Language::Python, &text), before);
    }

    #[test]
    fn what_stands_elsewhere_changes_no_verdict(count in 0_usize..20, kind in 0_usize..3) {
        let other = ["x = 1\n", "def other(y):\n    return y\n", "class B:\n    z = 3\n"][kind];
        let text = format!("{}{PROGRAM}", other.repeat(count));
        let shift = other.matches('\n').count() * count;
        let expected: Vec<_> = sinks(Language::Python, PROGRAM).iter().map(|one| one + shift).collect();
        prop_assert_eq!(sinks(Language::Python, &text), expected);
    }
}
