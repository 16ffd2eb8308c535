//! What Java's classes keep apart: elements of lists, parts of objects, classes behind types.

use domain::Language;

use super::sinks;

/// A servlet in which `a`, a parameter, is followed through `body`.
fn reaches(body: &str) -> bool {
    let text = format!(
        "class A extends HttpServlet {{\n  public void doGet(HttpServletRequest request, \
         HttpServletResponse response) throws Exception {{\n    String a = \
         request.getParameter(\"a\");\n    {body}\n  }}\n}}\n"
    );
    !sinks(Language::Java, &text).is_empty()
}

const RUN: &str = "Runtime.getRuntime().exec(b);";

#[test]
fn an_element_of_a_list_is_the_one_that_stands_there() {
    let list = "List<String> all = new ArrayList<>(); all.add(\"x\"); all.add(a); all.add(\"y\");";
    let cases = [
        ("String b = all.get(0);", false),
        ("String b = all.get(1);", true),
        ("all.remove(0); String b = all.get(0);", true),
        ("all.remove(0); String b = all.get(1);", false),
        // What may have moved may be anywhere.
        ("Collections.sort(all); String b = all.get(0);", true),
        ("all.add(0, \"z\"); String b = all.get(2);", true),
        ("for (int i = 0; i < 3; i++) { all.add(a); } String b = all.get(7);", true),
        ("String b = \"\"; for (String one : all) { b = one; }", true),
    ];
    for (code, expected) in cases {
        assert_eq!(reaches(&format!("{list} {code} {RUN}")), expected, "{code}");
    }
}

#[test]
fn a_question_about_one_part_says_nothing_of_the_others() {
    let cookies = "String b = \"\"; for (Cookie one : request.getCookies())";
    for check in ["one.getName().equals(\"theme\")", "one.getMaxAge() == 3"] {
        let code = format!("{cookies} {{ if ({check}) {{ b = one.getValue(); }} }} {RUN}");
        assert!(reaches(&code), "{check}");
    }
    assert!(!reaches(&format!("String b = \"\"; if (a.trim().equals(\"x\")) {{ b = a; }} {RUN}")));
    assert!(reaches(&format!("String b = \"\"; if (a.length() == 3) {{ b = a; }} {RUN}")));
}

#[test]
fn a_variable_is_of_the_class_that_was_made() {
    let cookie = |random: &str| {
        format!("{random} Cookie b = new Cookie(\"id\", Long.toString(random.nextLong()));")
    };
    assert!(reaches(&cookie("Random random = new Random();")));
    for safe in ["new SecureRandom()", "SecureRandom.getInstance(\"SHA1PRNG\")"] {
        assert!(!reaches(&cookie(&format!("Random random = {safe};"))), "{safe}");
    }
}

#[test]
fn only_visible_methods_are_called_from_elsewhere() {
    let method = |visibility: &str| {
        let text = format!(
            "class A {{ {visibility} void run(String name) throws IOException {{ \
             Runtime.getRuntime().exec(name); }} }}"
        );
        sinks(Language::Java, &text).len()
    };
    assert_eq!((method("public"), method("protected"), method("")), (1, 1, 1));
    assert_eq!(method("private"), 0);
}

/// A file with a small class beside the servlet, whose method runs `body`.
fn reaches_beside(class: &str, body: &str) -> bool {
    let text = format!(
        "class A extends HttpServlet {{\n  {class}\n  public void doGet(HttpServletRequest request, \
         HttpServletResponse response) throws Exception {{\n    String a = \
         request.getParameter(\"a\");\n    {body}\n  }}\n}}\n"
    );
    !sinks(Language::Java, &text).is_empty()
}

#[test]
fn what_a_method_puts_into_its_object_comes_out_of_it() {
    let class = "static class Order { private String name; \
                 private void setName(String name) { this.name = name; } \
                 String getName() { return name; } String kind() { return \"order\"; } }";
    let order = "Order one = new Order(); one.setName(a);";
    for (code, expected) in [
        ("String b = one.getName();", true),
        ("String b = one.kind();", false),
        ("one = new Order(); String b = one.getName();", false),
    ] {
        assert_eq!(reaches_beside(class, &format!("{order} {code} {RUN}")), expected, "{code}");
    }
}

#[test]
fn a_field_holds_what_any_function_put_there() {
    let class = "private String kept; private Runtime runtime; \
                 private void later() throws IOException { runtime.exec(kept); }";
    assert!(reaches_beside(class, "kept = a; later();"));
    assert!(!reaches_beside(class, "kept = \"ls\"; later();"));
}

#[test]
fn what_is_put_into_a_session_is_read_from_it() {
    let session = "HttpSession session = request.getSession(); session.setAttribute(\"k\", a);";
    assert!(reaches(&format!("{session} String b = (String) session.getAttribute(\"k\"); {RUN}")));
}
