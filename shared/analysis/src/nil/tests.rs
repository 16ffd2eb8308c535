use domain::Language;

use super::*;
use crate::tree::Parsers;

/// File and line of each flow.
fn lines(files: &[&str]) -> Vec<(usize, usize)> {
    let trees: Vec<_> = files
        .iter()
        .map(|text| Parsers::default().parse(Language::Go, text, Clock::unlimited()).unwrap())
        .collect();
    let files: Vec<File<'_>> = files
        .iter()
        .zip(&trees)
        .map(|(text, tree)| File { text, root: tree.root_node() })
        .collect();
    let outcome = run(&files, Clock::unlimited());
    let line = |flow: NilFlow| {
        let before = &files[flow.spot.file].text[..flow.spot.start];
        (flow.spot.file, before.matches('\n').count() + 1)
    };
    outcome.flows.into_iter().map(line).collect()
}

/// What every fixture begins with.
const HEAD: &str = "package shop\n\nimport \"errors\"\n\nvar _ = errors.New\n\n\
    type item struct {\n\tprice int\n\tnext *item\n\ttags map[string]int\n\trun func() int\n}\n\n\
    func (own *item) sum() int { return own.price }\n\n\
    func (own *item) isFree() bool { return own == nil || own.price == 0 }\n\n\
    type seller interface{ sell() *item }\n\n\
    func find(name string) (*item, error) {\n\tif name == \"\" {\n\t\treturn nil, errors.New(\"no name\")\n\t}\n\treturn &item{}, nil\n}\n\n\
    func seek(name string) (*item, bool) {\n\tif name == \"\" {\n\t\treturn nil, false\n\t}\n\treturn &item{}, true\n}\n\n\
    func none() *item { return nil }\n\nfunc some() *item { return &item{} }\n\n";

/// The lines that end in `// nil`, and no others, are where nil is used.
fn exactly(text: &str) {
    let whole = format!("{HEAD}{text}");
    let wanted: Vec<usize> = (1..)
        .zip(whole.lines())
        .filter(|(_, line)| line.ends_with("// nil"))
        .map(|(number, _)| number)
        .collect();
    // A use in a method or function of the beginning stands there.
    let head = HEAD.lines().count();
    let found = lines(&[&whole]).into_iter().map(|(_, line)| line).filter(|line| *line > head);
    let found: Vec<usize> = found.collect();
    assert_eq!(found, wanted, "{text}");
}

/// Nothing is found, not even in what is called.
fn nothing(text: &str) {
    assert_eq!(lines(&[&format!("{HEAD}{text}")]), [], "{text}");
}

#[test]
fn every_kind_of_flow_has_a_rule_that_keeps_to_its_examples() {
    for care in [Care::Flow, Care::Unchecked, Care::Element] {
        assert!(builtin::all().any(|(rule, _)| rule.id == info(care).id));
    }
    let mut failures = Vec::new();
    for (rule, examples) in builtin::all() {
        let cases = examples.bad.iter().map(|text| (text, true));
        for (text, is_bad) in cases.chain(examples.good.iter().map(|text| (text, false))) {
            let tree = Parsers::default().parse(Language::Go, text, Clock::unlimited()).unwrap();
            assert!(!tree.root_node().has_error(), "{} is no code:\n{text}", rule.id);
            let files = [File { text, root: tree.root_node() }];
            let outcome = run(&files, Clock::unlimited());
            let found: Vec<&str> =
                outcome.flows.iter().map(|flow| info(flow.care).id.as_str()).collect();
            let right = if is_bad { found == [rule.id.as_str()] } else { found.is_empty() };
            if !right {
                failures.push(format!("{}: {found:?} for\n{text}", rule.id));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn what_nothing_was_assigned_to_is_nil() {
    exactly("func f() int {\n\tvar it *item\n\treturn it.price // nil\n}\n");
    exactly("func f() {\n\tvar run func()\n\trun() // nil\n}\n");
    exactly("func f() {\n\tvar all map[string]int\n\tall[\"a\"] = 1 // nil\n}\n");
    exactly("func f() *item {\n\tvar of seller\n\treturn of.sell() // nil\n}\n");
    exactly("func f() int {\n\tvar all []int\n\treturn all[0] // nil\n}\n");
    exactly("func f() int {\n\tvar all map[string]int\n\treturn all[\"a\"] + len(all)\n}\n");
    exactly(
        "func f() int {\n\tvar all []int\n\tfor _, one := range all {\n\t\treturn one\n\t}\n\treturn len(all)\n}\n",
    );
}

#[test]
fn a_check_on_the_way_is_enough() {
    nothing(
        "func f() int {\n\tit := none()\n\tif it == nil {\n\t\treturn 0\n\t}\n\treturn it.price\n}\n",
    );
    nothing(
        "func f() int {\n\tit := none()\n\tif it != nil && it.price > 0 {\n\t\treturn it.price\n\t}\n\treturn 0\n}\n",
    );
    nothing("func f() bool {\n\tit := none()\n\treturn it == nil || it.price > 0\n}\n");
    nothing(
        "func f() int {\n\tit := none()\n\tswitch {\n\tcase it == nil:\n\t\treturn 0\n\tdefault:\n\t\treturn it.price\n\t}\n}\n",
    );
    nothing(
        "func f() int {\n\tit := none()\n\tif it == nil {\n\t\tpanic(0)\n\t}\n\treturn it.price\n}\n",
    );
    nothing(
        "func f() int {\n\tit := none()\n\tif it.isFree() {\n\t\treturn 0\n\t}\n\treturn it.price\n}\n",
    );
    nothing(
        "func f(all []int) int {\n\tvar own []int\n\town = append(own, all...)\n\tif len(own) > 0 {\n\t\treturn own[0]\n\t}\n\treturn 0\n}\n",
    );
}

#[test]
fn a_check_of_something_else_is_none() {
    exactly(
        "func f(is bool) int {\n\tit, other := none(), some()\n\tif other == nil {\n\t\treturn 0\n\t}\n\treturn it.price // nil\n}\n",
    );
    exactly(
        "func f() int {\n\tit := none()\n\tif it == nil {\n\t\treturn it.price // nil\n\t}\n\treturn it.price\n}\n",
    );
    exactly(
        "func f() int {\n\tit := none()\n\tif it != nil {\n\t\tit = none()\n\t}\n\treturn it.price // nil\n}\n",
    );
}

#[test]
fn an_error_beside_it_must_be_asked_about() {
    exactly("func f() int {\n\tit, _ := find(\"\")\n\treturn it.price // nil\n}\n");
    exactly(
        "func f() int {\n\tit, err := find(\"\")\n\tif err != nil {\n\t\treturn it.price // nil\n\t}\n\treturn it.price\n}\n",
    );
    exactly(
        "func f() int {\n\tit, err := find(\"\")\n\tother, err := find(\"b\")\n\tif err != nil {\n\t\treturn 0\n\t}\n\treturn other.price + it.price // nil\n}\n",
    );
    nothing(
        "func f() int {\n\tit, err := find(\"\")\n\tif err == nil {\n\t\treturn it.price\n\t}\n\treturn 0\n}\n",
    );
    nothing(
        "func f() (*item, error) {\n\tit, err := find(\"\")\n\treturn it, err\n}\n\nfunc g() int {\n\tit, err := f()\n\tif err != nil {\n\t\treturn 0\n\t}\n\treturn it.price\n}\n",
    );
    exactly(
        "func f() int {\n\tit, ok := seek(\"\")\n\tif !ok {\n\t\treturn it.price // nil\n\t}\n\treturn it.price\n}\n",
    );
    exactly("func f(any interface{}) int {\n\tit, _ := any.(*item)\n\treturn it.price // nil\n}\n");
}

#[test]
fn conditions_that_exclude_each_other_are_seen() {
    nothing(
        "func f(is bool) int {\n\tvar it *item\n\tif is {\n\t\tit = some()\n\t}\n\tif is {\n\t\treturn it.price\n\t}\n\treturn 0\n}\n",
    );
    nothing(
        "func f(all []*item) int {\n\tvar it *item\n\tfound := false\n\tfor _, one := range all {\n\t\tif one.price > 1 {\n\t\t\tit, found = &item{}, true\n\t\t}\n\t}\n\tif !found {\n\t\treturn 0\n\t}\n\treturn it.price\n}\n",
    );
    exactly(
        "func f(is bool) int {\n\tvar it *item\n\tif is {\n\t\tit = some()\n\t}\n\tif !is {\n\t\treturn it.price // nil\n\t}\n\treturn 0\n}\n",
    );
    nothing(
        "func f() int {\n\tvar it *item\n\tif false {\n\t\treturn it.price\n\t}\n\treturn 0\n}\n",
    );
}

#[test]
fn what_is_passed_is_told_where_it_is_used() {
    exactly(
        "func price(of *item) int {\n\treturn of.price // nil\n}\n\nfunc f() int {\n\treturn price(nil)\n}\n",
    );
    nothing(
        "func price(of *item) int {\n\treturn of.price\n}\n\nfunc f() int {\n\treturn price(some())\n}\n",
    );
    nothing(
        "func price(of *item) int {\n\tif of == nil {\n\t\treturn 0\n\t}\n\treturn of.price\n}\n\nfunc f() int {\n\treturn price(nil)\n}\n",
    );
    exactly(
        "func next(of *item) int {\n\treturn of.next.price // nil\n}\n\nfunc f() int {\n\treturn next(&item{})\n}\n",
    );
    nothing(
        "func same(of *item) *item {\n\tif of == nil {\n\t\treturn nil\n\t}\n\treturn of\n}\n\nfunc f() int {\n\treturn same(some()).price\n}\n",
    );
    exactly(
        "func same(of *item) *item {\n\treturn of\n}\n\nfunc f() int {\n\treturn same(nil).price // nil\n}\n",
    );
}

#[test]
fn fields_are_what_was_put_into_them() {
    exactly("func f() int {\n\tit := &item{}\n\treturn it.next.price // nil\n}\n");
    exactly(
        "func f() int {\n\tit := &item{price: 1, next: some()}\n\tit.tags[\"a\"] = 1 // nil\n\treturn it.next.price\n}\n",
    );
    exactly(
        "func f() int {\n\tit := &item{next: some()}\n\tit.next = nil\n\treturn it.next.price // nil\n}\n",
    );
    nothing(
        "func fill(of *item) { of.next = some() }\n\nfunc f() int {\n\tit := &item{}\n\tfill(it)\n\treturn it.next.price\n}\n",
    );
    exactly(
        "func clear(of *item) { of.next = nil }\n\nfunc f() int {\n\tit := &item{next: some()}\n\tclear(it)\n\treturn it.next.price // nil\n}\n",
    );
    nothing(
        "func f(fill func(*item)) int {\n\tit := &item{}\n\tfill(it)\n\treturn it.next.price\n}\n",
    );
    nothing(
        "func f() int {\n\tone, other := &item{}, &item{}\n\tother = one\n\tother.next = some()\n\treturn one.next.price\n}\n",
    );
}

#[test]
fn function_literals_are_followed_where_they_are_called() {
    exactly(
        "func f() int {\n\tvar it *item\n\tprice := func() int {\n\t\treturn it.price // nil\n\t}\n\treturn price()\n}\n",
    );
    nothing(
        "func f() int {\n\tvar it *item\n\tset := func() { it = some() }\n\tset()\n\treturn it.price\n}\n",
    );
    nothing(
        "func f(each func(func())) int {\n\tvar it *item\n\teach(func() { it = some() })\n\treturn it.price\n}\n",
    );
    exactly(
        "func f(each func(func())) {\n\teach(func() {\n\t\tvar it *item\n\t\tprintln(it.price) // nil\n\t})\n}\n",
    );
}

#[test]
fn loops_and_jumps_are_followed() {
    exactly(
        "func f(count int) int {\n\tit, sum := some(), 0\n\tfor index := 0; index < count; index++ {\n\t\tsum += it.price // nil\n\t\tit = nil\n\t}\n\treturn sum\n}\n",
    );
    nothing(
        "func f(all []string) int {\n\tvar it *item\n\tfor {\n\t\tif len(all) > 3 {\n\t\t\tit = some()\n\t\t\tbreak\n\t\t}\n\t}\n\treturn it.price\n}\n",
    );
    nothing(
        "func f(all []*item) int {\n\tfor _, it := range all {\n\t\tif it == nil {\n\t\t\tcontinue\n\t\t}\n\t\treturn it.price\n\t}\n\treturn 0\n}\n",
    );
}

#[test]
fn files_of_a_package_know_each_others_functions() {
    let one = "package shop\n\ntype item struct{ price int }\n\nfunc none() *item { return nil }\n";
    let other = "package shop\n\nfunc f() int {\n\treturn none().price\n}\n";
    assert_eq!(lines(&[one, other]), [(1, 4)]);
    assert_eq!(lines(&[other]), [], "nobody knows what it gives back");
    let twice = "package shop\n\nfunc none() *item { return &item{} }\n";
    assert_eq!(lines(&[one, other, twice]), [], "which of the two it is depends on the system");
}

#[test]
fn functions_that_call_each_other_come_to_an_end() {
    nothing(
        "func even(of *item, count int) int {\n\treturn odd(of.next, count-1)\n}\n\nfunc odd(of *item, count int) int {\n\treturn even(of.next, count-1)\n}\n",
    );
    let mut deep = String::from("func f(it *item) {\n");
    deep.push_str(&"if it != nil {\n".repeat(300));
    deep.push_str(&"}\n".repeat(300));
    nothing(&format!("{deep}}}\n"));
    let mut long = String::from("func f(is bool) {\n\tvar it *item\n");
    for index in 0..2_000 {
        long.push_str(&format!("\tif is {{\n\t\tv{index} := it\n\t\t_ = v{index}\n\t}}\n"));
    }
    nothing(&format!("{long}}}\n"));
    let loops = "for {\n".repeat(60) + &"}\n".repeat(60);
    nothing(&format!("func f(it *item) {{\n{loops}}}\n"));
}

#[test]
fn a_clock_that_is_up_ends_the_work() {
    let text = "package shop\n\nfunc f() {\n\tvar run func()\n\trun()\n}\n";
    let tree = Parsers::default().parse(Language::Go, text, Clock::unlimited()).unwrap();
    let files = [File { text, root: tree.root_node() }];
    let outcome = run(&files, Clock::new(&|| true));
    assert!(outcome.timed_out && outcome.flows.is_empty());
}
