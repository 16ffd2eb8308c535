use std::{collections::BTreeSet, sync::OnceLock};

use proptest::{
    strategy::{Strategy, ValueTree},
    string::string_regex,
    test_runner::TestRunner,
};

use super::{patterns::Shape, *};

mod samples;

use samples::{BASE32, checksummed_body, letters, noise, pem, samples};

fn everything(path: &str, text: &str) -> (Vec<Secret>, Vec<&'static RuleInfo>) {
    search(path, text, &Lines::new(text), &Asked::default())
}

fn found(path: &str, text: &str) -> Vec<(String, String)> {
    let (search, too_many) = everything(path, text);
    assert!(too_many.is_empty());
    let show = |secret: &Secret| (secret.info.id.clone(), text[secret.value.clone()].to_owned());
    search.iter().map(show).collect()
}

fn base64_of(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn path_for(id: &str) -> &'static str {
    if id == "secret.hard-coded-setting" { "deploy/.env" } else { "src/app.py" }
}

#[test]
fn every_pattern_finds_its_secret_and_no_other_claims_it() {
    for (id, text, value) in samples() {
        assert_eq!(found(path_for(id), &text), [(id.to_owned(), value)], "{id}");
    }
}

/// Samples of the patterns that are no more than a shape come from the shape itself.
#[test]
fn every_service_finds_values_of_its_shape_and_no_other_claims_them() {
    let mut runner = TestRunner::deterministic();
    let mut failures = Vec::new();
    for pattern in issuers::issuers() {
        let (shape, name) = match pattern.shape {
            Shape::Token(shape) => (shape, "value".to_owned()),
            Shape::Named(shape) => (shape, format!("{}_value", pattern.keywords[0])),
            Shape::Whole(shape) => panic!("{shape} is no service's"),
        };
        let values = string_regex(shape).unwrap();
        for _ in 0..20 {
            let value = values.new_tree(&mut runner).unwrap().current();
            let candidate =
                Candidate { path: "a", name: &name, value: &value, is_bare: false, before: "" };
            if !(pattern.guard)(&candidate) {
                continue;
            }
            // Some are tried only beside the service's name.
            let comment = pattern.keywords[0];
            for text in [
                format!("{name} = \"{value}\"  # {comment}\n"),
                format!("{name}: {value} # {comment}\n"),
            ] {
                let found = found("src/app.py", &text);
                if found != [(pattern.id.to_owned(), value.clone())] {
                    failures.push(format!("{}: {found:?} in {text}", pattern.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Compiling all of them takes seconds and hundreds of megabytes; most are never needed.
#[test]
fn a_pattern_is_compiled_when_it_is_first_tried() {
    let rare = Pattern {
        id: "secret.rare",
        what: "A test",
        keywords: &["rare_"],
        shape: Shape::Token("rare_[a-z]{9}"),
        guard: guard::random,
        severity: Severity::Low,
        confidence: 0.5,
        reach: 0,
        compiled: OnceLock::new(),
    };
    assert!(rare.compiled.get().is_none());
    assert!(rare.regex().is_match("x rare_abcdefghi"));
    assert!(rare.compiled.get().is_some());
}

#[test]
fn an_aws_secret_is_known_by_the_id_before_it() {
    let (id, secret) = (format!("AKIA{}", noise(BASE32, 16)), letters(40));
    let text = format!("user: {id}\npass: {secret}\n");
    let ids: Vec<_> = found("notes.txt", &text).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["secret.aws-access-key", "secret.aws-secret-key-beside-id"]);
    let path = format!("user: {id}\npath: {}\n", "src/components/views/index/main/page/abc");
    assert_eq!(found("notes.txt", &path).len(), 1);
}

#[test]
fn every_pattern_has_a_sample() {
    let services = issuers::issuers().iter().map(|pattern| pattern.id);
    let sampled: BTreeSet<_> = samples().into_iter().map(|(id, ..)| id).chain(services).collect();
    let all: BTreeSet<_> = all().iter().map(|pattern| pattern.id).collect();
    assert_eq!(sampled, all);
    assert!(all.len() >= 90);
}

#[test]
fn a_broken_checksum_is_no_token() {
    for prefix in ["ghp_", "asy_"] {
        let body = checksummed_body();
        let last = if body.ends_with('x') { "y" } else { "x" };
        let text = format!("value = \"{prefix}{}{last}\"\n", &body[..35]);
        assert_eq!(found("a.py", &text), [], "{prefix}");
    }
}

#[test]
fn text_that_stands_for_a_secret_is_none() {
    let lines = [
        "password = os.environ[\"DB_PASSWORD_1\"]",
        "password = \"${DB_PASSWORD_1}\"",
        "password: \"{{ vault_password_1 }}\"",
        "api_key = \"your-api-key-123456789\"",
        "token = \"xxxxxxxxxxxxxxxx1234\"",
        "secret_name = \"prod/database/main-1234567890\"",
        "token_url = \"https://login.shop.test/oauth2/v2.0/token\"",
        "password = \"changeme123\"",
        "PASSWORD_RESET_TEMPLATE = \"account/password_reset_1.html\"",
        "token = \"csrf-token-header-v2-2\"",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "url = \"postgres://postgres:postgres@localhost/test1\"",
        "url = \"https://user:password@example.com/\"",
        "password = \"Wrong-password!\"",
        "password: \"Contrasena*\"",
        "if (header == \"-----BEGIN RSA PRIVATE KEY-----\") {",
        "public_key = \"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\"",
        "token = get_token(user_id_1234567890abc)",
        "eyJhbGciOi.eyJzdWIiOi.short",
        "fields = [\"old_password\", \"new_password1\", \"new_password2\"]",
        "if password == \"\" or password == 'None' or kind == 'password-1':",
        "if (secret === 'Secret' || password !== \"REQUIRED\") {",
        "The password is 'required' and the password is 'too short'",
        "f\"the password is '{password}'\"",
        "tool --password $DB_PASSWORD --token <token> --password=%s --password PASSWORD",
        "curl -u $USER:$PASSWORD -u user:password https://api.shop.test",
        "<password>${db.password}</password><password>{c2VhbGVkIQ==}</password>",
        "<add key=\"ClearTextPassword\" value=\"eyJ0eXAiOiAiVENWMiJ9.RkNWLXdXS3M1RVB\" />",
        "variable \"db_password\" { default = \"\" }",
        "X-Csrf-Token: {{ token }}",
        "login(username='ann', password='string')",
        "login(username=request.form['user'], password='Passwort')",
        "server->user = \"anonymous\"; server->password = \"busybox@\";",
        "put '/forgot-password' => \"cms/sites/passwords#update\", as: 'update'",
        "AWS_SECRET_ACCESS_KEY = 'ded7db27a4558e2ea9bbf0bf36ae0e8521618f366c'",
        "VAULT_TOKEN = 'hvs.JGbZZaCkOSgsZ56uhGlTK2zyC1j2mwhy0VLp4'",
        "api_key = 'a1b2c3d4e5f6g7h8i9j0k1l2'",
        "password = '%(db_password_1)s'",
        "url = 'mongodb://app:application@localhost/app'",
        "api_key = 'sk-x9QklmnopqrstuZ2wV7Rb1'",
        "<img src='video.ico-7a388b69018576d24b59331fd60aab0c.png'>",
        "cache_key = \"Zx9Qw7Tr0ub4dorLmN3pVb8sKj2h\"",
        "site_key = '6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI'",
        "key: \"node_modules/left-pad/index.js/0123456789\"",
        "idempotency_key = '0f9d27c4-6b1e-4a53-9c08-72e4d1b5a6f3'",
        "mysql -u root -p\"$PASSWORD\" -p --port=3306",
        "requests.get(url, auth=(\"user\", \"password\"))",
        "ConvertTo-SecureString \"$env:PASSWORD\" -AsPlainText -Force",
    ];
    for line in lines {
        assert_eq!(found("src/app.py", line), [], "{line}");
    }
}

#[test]
fn unquoted_values_count_only_where_values_need_no_quotes() {
    let text = format!("DB_PASSWORD={}\n", letters(12));
    for path in ["src/app.py", "src/app.c", "web/index.html", "src/App.cs"] {
        assert_eq!(found(path, &text), [], "{path}");
    }
    for path in [".env", "deploy/.env.production", "app.properties", "values.yaml", "Dockerfile"] {
        assert_eq!(found(path, &text).len(), 1, "{path}");
    }
    for prefix in ["export ", "# ", "ENV ", "  - "] {
        assert_eq!(found("run.sh", &format!("{prefix}{text}")).len(), 1, "{prefix}");
    }
}

/// A word is no password, unless it opens an account that stands before it.
#[test]
fn a_password_that_is_a_word_counts_beside_its_account() {
    let cases = [
        ("app.ini", "user = Annabel\npassword = rowing_boat\n", 1),
        ("app.py", "user = 'Annabel'  # a comment\npassword = 'rowing boat'\n", 1),
        // By which RFC 7617 explains itself.
        ("app.py", "user = 'Aladdin'\npassword = 'open sesame'\n", 0),
        ("app.rb", "user => 'joe',\npassword => 'whiteduke',\n", 1),
        ("app.py", "password = 'whiteduke'\n", 0),
        ("app.py", "user = find_user(id)\npassword = 'whiteduke'\n", 0),
        ("app.py", "user = 'joe'\nlabel = 'whiteduke'\n", 0),
        ("app.ini", "user = env.USER\npassword = env.USER_PASSWORD\n", 0),
        ("locales/de.yml", "user: 'joe'\npassword: 'kennwort'\n", 0),
        ("app.py", "username = 'joe', password = 'required|min:8'\n", 0),
    ];
    for (path, text, count) in cases {
        assert_eq!(found(path, text).len(), count, "{path}: {text}");
    }
}

/// Whoever finds one can do nothing with it.
#[test]
fn what_its_issuer_switched_off_is_no_secret() {
    let (number, key) = (noise("123456789", 12), letters(24));
    assert_eq!(found("a.py", &format!("bot = 'xoxb-{number}-{key}'\n")), []);
    assert_eq!(found("a.py", &format!("bot = 'xoxb-{number}-{number}-{key}'\n")).len(), 1);
    let uuid = "0f9d27c4-6b1e-4a53-9c08-72e4d1b5a6f3";
    assert_eq!(found("a.sh", &format!("export NPM_TOKEN=\"{uuid}\"\n")), []);
    assert_eq!(found("a.sh", &format!("export SHOP_TOKEN=\"{uuid}\"\n")).len(), 1);
}

#[test]
fn manifests_of_clusters_hide_nothing_behind_base64() {
    let entry = |text: &str| format!("  password: {}\n", base64_of(text));
    let manifest = |kind: &str, data: &str| format!("kind: {kind}\ntype: Opaque\ndata:\n{data}");
    let real = entry("wellington-7!");
    let cases = [
        (manifest("Secret", &real), 1),
        (manifest("\"Secret\"", &real), 1),
        (manifest("ConfigMap", &real), 0),
        (manifest("SealedSecret", &real), 0),
        (manifest("Secret", &entry("changeme-now")), 0),
        (manifest("Secret", "  password: {{ .Values.password }}\n"), 0),
        (format!("kind: Secret\n---\nkind: ConfigMap\ndata:\n{real}"), 0),
        (format!("data:\n{real}kind: Secret\n"), 1),
        (format!("data:\n{real}kind: ConfigMap\n"), 0),
    ];
    for (text, count) in cases {
        let found: Vec<_> = found("deploy/db.yaml", &text)
            .into_iter()
            .filter(|(id, _)| id.starts_with("secret.cluster"))
            .collect();
        assert_eq!(found.len(), count, "{text}");
    }
}

#[test]
fn what_basic_authorization_carries_is_looked_into() {
    let header =
        |login: &str| format!("h = {{\"Authorization\": \"Basic {}\"}}\n", base64_of(login));
    assert_eq!(found("a.py", &header("ann:wellington")).len(), 1);
    assert_eq!(found("a.py", &header("user:password")), []);
    assert_eq!(found("a.py", &header("user:<password>")), []);
    assert_eq!(found("a.py", "h = \"Authorization: Basic realm=shop, charset=utf8\"\n"), []);
}

#[test]
fn a_key_in_a_json_string_is_found_with_its_escaped_line_breaks() {
    let text = format!("{{\"private_key\": \"{}\"}}", pem().replace('\n', "\\n"));
    let found = found("service-account.json", &text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "secret.private-key");
    assert!(found[0].1.contains("END RSA"), "the whole key is masked");
}

#[test]
fn the_digest_depends_on_rule_and_value_alone() {
    let line = samples().remove(0).1;
    let moved = format!("\n\n# {}\n{line}", "comment");
    let digest_of = |text: &str| digest(&everything("a", text).0[0], text);
    assert_eq!(digest_of(&line), digest_of(&moved));
    let indented: String = pem().lines().map(|line| format!("    {line}\n")).collect();
    assert_eq!(digest_of(&pem()), digest_of(&indented));
    assert_eq!(digest_of(&line).len(), 64);
}

#[test]
fn every_pattern_compiles() {
    for pattern in all() {
        assert!(pattern.regex().capture_names().flatten().any(|name| name == "value"));
        assert!(pattern.keywords.iter().all(|word| *word == word.to_ascii_lowercase()));
    }
}

#[test]
fn a_file_full_of_secrets_is_cut_short_and_says_so() {
    let line = samples().into_iter().find(|(id, ..)| *id == "secret.npm-token").unwrap().1;
    let (exact, none) = everything("a.txt", &line.repeat(100));
    assert_eq!((exact.len(), none.len()), (FOUND_MAX, 0));
    for text in [line.repeat(150), line.replace('\n', " ").repeat(150)] {
        let (found, too_many) = everything("a.txt", &text);
        assert_eq!(found.len(), FOUND_MAX);
        assert_eq!(
            too_many.iter().map(|info| info.id.as_str()).collect::<Vec<_>>(),
            ["secret.npm-token"]
        );
    }
}
