//! Java functions with the verdict that each marked check must get.
//!
//! A line ends in `//~ VERDICT KIND`; a check that is not marked must not be refuted.

use crate::{
    marks::{Marks, compare},
    world::{judge, reports},
};
use std::time::{Duration, Instant};

use domain::Language;

const MARKS: Marks = Marks { language: Language::Java, file: "C.java", sign: "//~ " };

const FUNCTIONS: &[(&str, &str)] = &[
    (
        "division_by_a_parameter",
        "int f(int a, int b) { return a / b; } //~ caller division_by_zero",
    ),
    ("division_by_a_literal", "int f(int a) { return a / 7; } //~ proved division_by_zero"),
    (
        "division_by_zero_itself",
        "int f(int a) { int z = 0; return a / z; } //~ refuted division_by_zero",
    ),
    (
        "guarded",
        "int f(int a, int b) { if (b != 0) { return a / b; } return 0; } //~ proved division_by_zero",
    ),
    (
        "guarded_by_return",
        "int f(int a, int b) { if (b == 0) return 0;\nreturn a % b; } //~ proved division_by_zero",
    ),
    (
        "wrongly_guarded",
        "int f(int a, int b) { if (b == 0) {\nreturn a / b; //~ refuted division_by_zero\n} return 0; }",
    ),
    (
        "difference_may_be_zero",
        "int f(int a) { if (a > 3) { return 9 / (a - 4); } return 0; } //~ caller division_by_zero",
    ),
    (
        "difference_is_not_zero",
        "int f(int a) { if (a > 4) { return 9 / (a - 4); } return 0; } //~ proved division_by_zero",
    ),
    (
        "caught",
        "int f(int a) { try { return a / 0; } catch (ArithmeticException e) { return 0; } }",
    ),
    (
        "caught_by_another",
        "int f(int a) { int z = 0; try {\nreturn a / z; //~ refuted division_by_zero\n} catch (NumberFormatException e) { return 0; } }",
    ),
    (
        "merged_paths",
        "int f(boolean c) { int d; if (c) { d = 2; } else { d = 3; } return 6 / d; } //~ proved division_by_zero",
    ),
    (
        "merged_paths_with_zero",
        "int f(java.util.Random r) { int d = 5; if (r.nextBoolean()) { d = 0; }\nreturn 6 / d; } //~ refuted division_by_zero",
    ),
    (
        "input",
        "int f(String s) { int d = Integer.parseInt(s); return 6 / d; } //~ refuted division_by_zero",
    ),
    (
        "input_kept_at_its_default",
        "int f(String s) { int d = 1; try { d = Integer.parseInt(s); } catch (NumberFormatException e) { d = 2; }\nif (d == 0) { d = 3; }\nreturn 6 / d; } //~ proved division_by_zero",
    ),
    (
        "input_that_is_validated",
        "int f(String s) { int d = Integer.parseInt(s); validate(d); return 6 / d; } //~ unknown division_by_zero",
    ),
    (
        "result_of_an_unknown_call",
        "int f() { int d = other(); return 6 / d; } //~ unknown division_by_zero",
    ),
    (
        "float_division",
        "double f(String s) { double d = Double.parseDouble(s); return 1.0 / d; } //~ refuted float_division_by_zero",
    ),
    (
        "float_division_guarded",
        "double f(String s) { float d = Float.parseFloat(s); if (Math.abs(d) > 0.000001) { return 1.0 / d; } return 0; } //~ proved float_division_by_zero",
    ),
    (
        "not_a_number_is_no_guard",
        "double f(String s) { double d = Double.parseDouble(s); if (d == d) {\nreturn 1.0 / d; } return 0; } //~ refuted float_division_by_zero",
    ),
    (
        "sum_of_largest",
        "int f() { int a = Integer.MAX_VALUE; return a + 1; } //~ refuted integer_overflow",
    ),
    ("sum_of_parameters", "int f(int a, int b) { return a + b; } //~ caller integer_overflow"),
    ("sum_in_long", "long f(int a, int b) { return (long) a + b; } //~ proved integer_overflow"),
    (
        "sum_guarded",
        "int f(int a) { if (a < Integer.MAX_VALUE) { return a + 1; } return a; } //~ proved integer_overflow",
    ),
    (
        "square_guarded",
        "int f(String s) { int a = Integer.parseInt(s); if (a > -46341 && a < 46341) { return a * a; } return 0; } //~ proved integer_overflow",
    ),
    (
        "square_guarded_too_late",
        "int f(String s) { int a = Integer.parseInt(s); if (a > -46342 && a < 46342) { return a * a; } return 0; } //~ refuted integer_overflow",
    ),
    (
        "absolute_value_of_the_least",
        "int f(String s) { int a = Integer.parseInt(s); if (Math.abs(a) <= 46340) { return a * a; } return 0; } //~ refuted integer_overflow",
    ),
    (
        "quotient_that_overflows",
        "int f(String s) { int a = Integer.parseInt(s); int b = -1; return a / b; } //~ refuted integer_overflow",
    ),
    (
        "byte_cast_of_a_sum",
        "byte f() { byte b = Byte.MAX_VALUE; return (byte) (b + 1); } //~ refuted integer_overflow",
    ),
    ("byte_cast_of_a_mask", "byte f(int a) { return (byte) (a & 0xff); }"),
    (
        "compound_assignment",
        "void f() { short s = Short.MIN_VALUE;\ns -= 1; } //~ refuted integer_overflow",
    ),
    (
        "increment_at_the_end",
        "void f() { long l = Long.MAX_VALUE;\nl++; } //~ refuted integer_overflow",
    ),
    (
        "wrapped_value_goes_on",
        "int f() { int a = Integer.MAX_VALUE;\na = a + 1; //~ refuted integer_overflow\nreturn 8 / (a - Integer.MIN_VALUE); } //~ refuted division_by_zero",
    ),
    (
        "index_in_a_literal",
        "int f() { int[] a = {1, 2, 3}; return a[2]; } //~ proved index_out_of_bounds",
    ),
    (
        "index_behind_the_end",
        "int f() { int[] a = {1, 2, 3}; return a[3]; } //~ refuted index_out_of_bounds",
    ),
    (
        "index_from_outside",
        "int f(String s) { int[] a = new int[10]; int i = Integer.parseInt(s); return a[i]; } //~ refuted index_out_of_bounds",
    ),
    (
        "index_checked_on_one_side",
        "int f(String s) { int[] a = new int[10]; int i = Integer.parseInt(s); if (i < a.length) { return a[i]; } return 0; } //~ refuted index_out_of_bounds",
    ),
    (
        "index_checked",
        "int f(String s) { int[] a = new int[10]; int i = Integer.parseInt(s); if (i >= 0 && i < a.length) { return a[i]; } return 0; } //~ proved index_out_of_bounds",
    ),
    (
        "index_of_a_loop",
        "int f(int[] a) { int n = 0; for (int i = 0; i < a.length; i++) {\nn ^= a[i]; //~ proved index_out_of_bounds\n} return n; }",
    ),
    (
        "loop_one_too_far",
        "int f(int n) { int[] a = new int[4]; for (int i = 0; i <= 4; i++) {\na[i] = n; //~ refuted index_out_of_bounds\n} return 0; }",
    ),
    (
        "loop_downwards",
        "void f(int[] a) { for (int i = a.length - 1; i >= 0; i--) {\na[i] = 0; //~ proved index_out_of_bounds\n} }",
    ),
    (
        "for_each",
        "int f(int[] a) { int n = 0; for (int v : a) { n |= v; } return n / 3; } //~ proved division_by_zero",
    ),
    (
        "changed_in_a_loop",
        "int f(int n) { int d = 1; while (n > 0) { n = n - 1; d = 0; }\nreturn 6 / d; } //~ refuted division_by_zero",
    ),
    (
        "size_from_outside",
        "int[] f(String s) { return new int[Integer.parseInt(s)]; } //~ refuted negative_array_size",
    ),
    (
        "char_at",
        "char f() { String s = \"abc\"; return s.charAt(3); } //~ refuted index_out_of_bounds",
    ),
    ("null_itself", "int f() { String s = null; return s.length(); } //~ refuted null_dereference"),
    ("null_parameter", "int f(String s) { return s.length(); } //~ caller null_dereference"),
    (
        "null_checked",
        "int f(String s) { if (s != null) { return s.length(); } return 0; } //~ proved null_dereference",
    ),
    (
        "null_checked_with_and",
        "boolean f(String s) { return s != null && s.length() > 0; } //~ proved null_dereference",
    ),
    (
        "null_checked_without_short_circuit",
        "boolean f() { String s = null; return s != null & s.length() > 0; } //~ refuted null_dereference",
    ),
    (
        "dereferenced_where_it_is_null",
        "int f(String s) { if (s == null) {\nreturn s.length(); //~ refuted null_dereference\n} return 0; }",
    ),
    (
        "property",
        "String f() { String s = System.getProperty(\"x\"); return s.trim(); } //~ refuted null_dereference",
    ),
    (
        "standard_property",
        "String f() { String s = System.getProperty(\"os.name\"); return s.trim(); } //~ proved null_dereference",
    ),
    (
        "split_with_a_limit",
        "String f(java.io.BufferedReader r) throws Exception { String s = r.readLine(); if (s == null) return s;\nreturn s.split(\",\", 2)[0]; } //~ proved index_out_of_bounds",
    ),
    (
        "split_of_nothing",
        "String f(java.io.BufferedReader r) throws Exception { String s = r.readLine(); if (s == null) return s;\nreturn s.split(\",\")[0]; } //~ refuted index_out_of_bounds",
    ),
    (
        "null_past_a_handler",
        "String f(Other o) { try { o.run(); return null; } catch (Exception e) {\nreturn o.toString(); //~ caller null_dereference\n} }",
    ),
    (
        "checked_too_late",
        "void f(String s) { int n = s.length();\nif (s != null) { n = 0; } } //~ refuted null_check_after_dereference",
    ),
    (
        "always_true",
        "int f(int a) { if (a > 5) {\nif (a > 3) { return 1; } //~ refuted constant_condition\n} return 0; }",
    ),
    (
        "switch_falls_through",
        "int f() { int d = 0; switch (6) { case 6: d = 2; default: d = d + 1; } return 6 / d; } //~ proved division_by_zero",
    ),
    (
        "finally_runs",
        "int f() { int d = 1; try { d = 2; } finally { d = 0; }\nreturn 6 / d; } //~ refuted division_by_zero",
    ),
    (
        "called_with_zero",
        "int f() { return g(0); }\nprivate int g(int d) { return 6 / d; } //~ refuted division_by_zero",
    ),
    (
        "constant_field",
        "private static final int D = 4; int f() { return 6 / D; } //~ proved division_by_zero",
    ),
    (
        "field_that_changes",
        "private int d = 4; void set(int n) { d = n; } int f() { return 6 / d; } //~ unknown division_by_zero",
    ),
    (
        "shift_is_masked",
        "int f() { int a = 1 << 32; return 6 / (a - 2); } //~ proved division_by_zero",
    ),
    (
        "remainder_keeps_the_sign",
        "int f() { int a = -7; return 6 / (a % 4 + 3); } //~ refuted division_by_zero",
    ),
    (
        "lambda_is_not_modelled",
        "int f() { java.util.function.IntSupplier s = () -> 0; return 6 / s.getAsInt(); } //~ unknown division_by_zero",
    ),
];

#[test]
fn every_marked_check_gets_its_verdict() {
    let mut wrong = Vec::new();
    for (name, members) in FUNCTIONS {
        let text = format!("class C {{\n{members}\n}}\n");
        wrong.extend(compare(&MARKS, name, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn another_language_says_that_it_is_not_lowered() {
    for language in Language::ALL.iter().filter(|language| !formal::is_lowered(**language)) {
        assert_eq!(formal::lower(*language, &[]), Err(formal::NotLowered(*language)));
    }
}

#[test]
fn a_function_that_is_not_lowered_gives_its_reason_and_no_verdict() {
    let text = "class C {\nint f(int a) { outer: { break outer; } return 1 / a; }\n}\n";
    assert!(judge(Language::Java, "C.java", text).is_empty());
    let reports = reports(Language::Java, "C.java", text);
    let why = format!("{:?}", reports[0].incomplete);
    assert!(why.contains("a labeled block is not lowered"), "{why}");
}

#[test]
fn code_that_no_person_writes_ends_with_a_reason() {
    let nested = |open: &str, close: &str, count: usize| {
        format!("{}x = 1 / x;{}", open.repeat(count), close.repeat(count))
    };
    let sums = vec!["x"; 3000].join(" + ");
    let bodies = [
        nested("if (x > 0) { ", " }", 150),
        nested("if (x > 0) { ", " }", 5000),
        nested("while (x > 0) { ", " }", 12),
        nested("try { ", " } finally { x = 2; }", 8),
        format!("x = {}x{};", "(".repeat(5000), ")".repeat(5000)),
        format!("x = {sums};"),
        "x = ; if (".to_owned(),
        "\u{0}\u{feff}é 漢".to_owned(),
    ];
    for body in bodies {
        let begun = Instant::now();
        let text = format!("class C {{ void f(int x) {{ {body} }} }}\n");
        for report in reports(Language::Java, "C.java", &text) {
            let said = !report.checks.is_empty() || report.incomplete.is_some();
            assert!(said, "{}", body.get(..60).unwrap_or(&body));
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", body.get(..60));
    }
}
