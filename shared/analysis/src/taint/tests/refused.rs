//! What code refuses, replaces and begins with.

use domain::Language;

use super::sinks;

/// Whether what a request brings reaches a sink in the body of a view.
fn python(body: &str) -> bool {
    let lines: Vec<_> = body.lines().map(|line| format!("    {line}\n")).collect();
    let code = "import os, requests\ndef view(request):\n    a = request.GET[\"a\"]\n";
    !sinks(Language::Python, &format!("{code}{}", lines.concat())).is_empty()
}

fn script(body: &str) -> bool {
    let code = format!(
        "const fs = require('fs');\nconst path = require('path');\n\
         app.get('/', (req, res) => {{\n  const a = req.query.a;\n  {body}\n}});\n"
    );
    !sinks(Language::JavaScript, &code).is_empty()
}

/// Each pair: where the value is dangerous, and where it is not any more.
#[test]
fn what_is_refused_is_not_feared() {
    for (bad, good) in [
        ("open('d/' + a)", "if '..' in a:\n    return\nopen('d/' + a)"),
        ("if '.' in a:\n    return\nopen('d/' + a)", "if '../' not in a:\n    open('d/' + a)"),
        (
            "a = a.replace('../', '')\nopen('d/' + a)",
            "b = os.path.relpath(a)\nif b.startswith('..'):\n    return\nopen('d/' + b)",
        ),
        ("tree.xpath('//u[n=\"' + a + '\"]')", "if \"'\" not in a:\n    tree.xpath('//u' + a)"),
        ("tree.xpath('//u' + a)", "tree.xpath('//u' + a.replace(\"'\", '&apos;'))"),
    ] {
        assert!(python(bad), "{bad}");
        assert!(!python(good), "{good}");
    }
    for (bad, good) in [
        ("fs.readFile('d/' + a)", "if (a.includes('..')) return; fs.readFile('d/' + a);"),
        (
            "if (a.indexOf('..') !== -1) fs.readFile(a);",
            "if (a.indexOf('..') === -1) fs.readFile(a);",
        ),
        ("res.send('<p>' + a)", "if (/[<>]/.test(a)) return; res.send('<p>' + a);"),
        ("res.send('<p>' + a.replace('<', ''))", "res.send('<p>' + a.replace(/</g, ''));"),
        ("res.send('<p>' + a)", "res.send('<p>' + +a);"),
        ("res.send(a)", "res.type('text/plain'); res.send(a);"),
    ] {
        assert!(script(bad), "{bad}");
        assert!(!script(good), "{good}");
    }
}

#[test]
fn a_beginning_that_nobody_sent_decides_where_an_address_leads() {
    for (bad, good) in [
        ("requests.get(a)", "requests.get(settings.base + a)"),
        ("requests.get(f'{a}/x')", "requests.get(f'{settings.base}/{a}')"),
        ("requests.get(settings.scheme + '://' + a)", "requests.get('https://a.test/' + a)"),
        ("requests.get(f'{settings.scheme}://{a}')", "requests.get(f'https://a.test/{a}')"),
    ] {
        assert!(python(bad), "{bad}");
        assert!(!python(good), "{good}");
    }
    assert!(script("res.redirect(a + base)"));
    assert!(!script("res.redirect(`${base}${a}`)"));
}

#[test]
fn lists_sections_letters_and_cases_are_told_apart() {
    let filled = "b = []\nb.append('x')\nb.append(a)\nb.append('y')\nb.pop(0)\n";
    let sections = "c = Parser()\nc.set('s', 'k', 'x')\nc.set('s', 'l', a)\n";
    let cases = |at: u8| {
        format!(
            "b = 'x'\nw = 'ABC'\nmatch w[{at}]:\n    case 'A' | 'C':\n        b = a\n    \
             case _:\n        b = 'y'\nos.system(b)"
        )
    };
    for (bad, good) in [
        (format!("{filled}os.system(b[0])"), format!("{filled}os.system(b[1])")),
        (format!("{sections}os.system(c.get('s', 'l'))"), {
            format!("{sections}os.system(c.get('s', 'k'))")
        }),
        (cases(2), cases(1)),
        (
            "b = 'one two'\nif 'two' in b:\n    b = a\nos.system(b)".to_owned(),
            "b = 'one two'\nif 'three' in b:\n    b = a\nos.system(b)".to_owned(),
        ),
    ] {
        assert!(python(&bad), "{bad}");
        assert!(!python(&good), "{good}");
    }
}

/// `window.name` is a source wherever it stands; the variable that was given it was checked.
#[test]
fn a_checked_variable_is_no_source_again() {
    let code = |check: &str| format!("function f() {{\n  const a = window.name;\n  {check}\n}}\n");
    let reaches = |check: &str| !sinks(Language::JavaScript, &code(check)).is_empty();
    assert!(reaches("window.location = a;"));
    assert!(!reaches("if (a.startsWith('https://a.test/')) { window.location = a; }"));
}
