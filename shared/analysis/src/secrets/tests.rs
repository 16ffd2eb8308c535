use std::{collections::BTreeSet, sync::OnceLock};

use domain::ApiKey;
use proptest::{
    strategy::{Strategy, ValueTree},
    string::string_regex,
    test_runner::TestRunner,
};

use super::{patterns::Shape, *};

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Made here rather than written down: this file must not look like a leak itself.
fn noise(alphabet: &str, length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet.as_bytes()[(state >> 32) as usize % alphabet.len()] as char
    };
    (0..length).map(next).collect()
}

fn letters(length: usize) -> String {
    noise(ALPHANUMERIC, length)
}

fn checksummed_body() -> String {
    let entropy: Vec<u8> = (0..ApiKey::ENTROPY_BYTES).map(|at| (at * 37 % 251) as u8).collect();
    let key = ApiKey::generate(entropy.as_slice().try_into().unwrap());
    key.reveal()["asy_".len()..].to_owned()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

fn pem() -> String {
    let body: Vec<String> = (0..4).map(|_| letters(64)).collect();
    let kind = "PRIVATE KEY";
    format!("-----BEGIN RSA {kind}-----\n{}\n-----END RSA {kind}-----", body.join("\n"))
}

/// For every pattern: a line that holds such a secret, and the secret.
fn samples() -> Vec<(&'static str, String, String)> {
    let token = |id, value: String| (id, format!("value = \"{value}\"\n"), value);
    let mut samples = vec![
        token("secret.anthropic-key", format!("sk-ant-api03-{}AA", letters(93))),
        token("secret.assay-key", format!("asy_{}", checksummed_body())),
        token("secret.aws-access-key", format!("AKIA{}", noise(BASE32, 16))),
        token("secret.azure-storage-key", format!("{}==", base64(letters(64).as_bytes()))),
        token("secret.databricks-token", format!("dapi{}", noise(HEX, 32))),
        token("secret.digitalocean-token", format!("dop_v1_{}", noise(HEX, 64))),
        token("secret.github-token", format!("ghp_{}", checksummed_body())),
        token(
            "secret.github-fine-grained-token",
            format!("github_pat_{}_{}", letters(22), letters(59)),
        ),
        token("secret.gitlab-token", format!("glpat-{}", letters(20))),
        token("secret.google-api-key", format!("AIza{}", letters(35))),
        token("secret.google-oauth-secret", format!("GOCSPX-{}", letters(28))),
        token("secret.hugging-face-token", format!("hf_{}", noise(&ALPHANUMERIC[..52], 34))),
        token("secret.npm-token", format!("npm_{}", letters(36))),
        token("secret.openai-key", format!("sk-{}T3Blbk{}{}", letters(20), "FJ", letters(20))),
        token("secret.private-key", pem()),
        token("secret.pypi-token", format!("pypi-AgEIcHlwaS5vcmc{}", letters(80))),
        token("secret.sendgrid-key", format!("SG.{}.{}", letters(22), letters(43))),
        token("secret.shopify-token", format!("shpat_{}", noise(HEX, 32))),
        token(
            "secret.slack-token",
            format!("xoxb-{}-{}-{}", noise("123456789", 12), noise("123456789", 12), letters(24)),
        ),
        token(
            "secret.slack-webhook",
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                noise(BASE32, 8),
                noise(BASE32, 8),
                letters(24)
            ),
        ),
        token("secret.stripe-key", format!("sk_live_{}", letters(24))),
        token("secret.stripe-webhook-secret", format!("whsec_{}", letters(32))),
        token("secret.telegram-token", format!("{}:AA{}", noise("123456789", 9), letters(33))),
        token("secret.vault-token", format!("hvs.{}", letters(90))),
    ];
    let jwt = format!(
        "{}.{}.{}",
        base64(br#"{"alg":"HS256","typ":"JWT"}"#),
        base64(br#"{"sub":"1234567890"}"#),
        letters(43)
    );
    samples.push(token("secret.json-web-token", jwt));
    let bot = format!("{}.{}.{}", base64(b"123456789012345678"), letters(6), letters(27));
    samples.push(("secret.discord-token", format!("discord.login(\"{bot}\")\n"), bot));
    let azure = samples.iter_mut().find(|(id, ..)| *id == "secret.azure-storage-key").unwrap();
    azure.1 = format!("url = \"DefaultEndpointsProtocol=https;AccountKey={};\"\n", azure.2);
    let aws = letters(40);
    // The id of the documentation, which is no finding itself.
    let beside = letters(41).split_off(1);
    let pair = format!("AKIAIOSFODNN7EXAMPLE,{beside}\n");
    samples.push(("secret.aws-secret-key-beside-id", pair, beside));
    samples.push(("secret.aws-secret-key", format!("aws_secret_access_key = {aws}\n"), aws));
    let password = letters(12);
    let url = format!("DB = \"postgres://app:{password}@db.shop.net/app\"\n");
    samples.push(("secret.url-password", url, password.clone()));
    let hash = format!("$2b$12${}", letters(53));
    samples.push(token("secret.password-hash", hash));
    let key = base64(format!("-----BEGIN {} KEY-----\n{}", "PRIVATE", letters(200)).as_bytes());
    samples.push(token("secret.encoded-private-key", key));
    let wireguard = letters(43);
    samples.push((
        "secret.wireguard-key",
        format!("PrivateKey = {wireguard}=\n"),
        format!("{wireguard}="),
    ));
    let shared = format!("{}=", letters(43));
    let iot = format!("c = \"HostName=h.azure-devices.net;SharedAccessKey={shared}\"\n");
    samples.push(("secret.azure-shared-access-key", iot, shared));
    let account = format!("new NetworkCredential(\"app\", \"{}\");\n", letters(16));
    samples.push(("secret.network-credential", account, letters(16)));
    let unseal = letters(44);
    samples.push(("secret.vault-unseal-key", format!("Unseal Key 2: {unseal}\n"), unseal));
    let machine = format!("machine api.shop.net login app password {password}\n");
    samples.push(("secret.netrc-password", machine, password.clone()));
    let odbc = format!("c = \"Server=db;User Id=app;Password={password};Database=d\"\n");
    samples.push(("secret.connection-string-password", odbc, password.clone()));
    let bearer = letters(40);
    let header = format!("curl -H \"Authorization: Bearer {bearer}\" https://api.shop.net\n");
    samples.push(("secret.authorization-header", header, bearer.clone()));
    let query = format!("get(\"https://api.shop.net/items?api_key={bearer}&page=1\")\n");
    samples.push(("secret.token-in-query", query, bearer));
    samples.extend(in_context(&password, &bearer_like()));
    let assigned = format!("db_password = \"{password}\"\n");
    samples.push(("secret.hard-coded", assigned, password.clone()));
    samples.push(("secret.hard-coded-setting", format!("DB_PASSWORD={password}\n"), password));
    samples
}

fn bearer_like() -> String {
    noise(ALPHANUMERIC, 44).split_off(4)
}

/// Samples that need their surroundings.
fn in_context(password: &str, token: &str) -> Vec<(&'static str, String, String)> {
    let ticket = format!("$krb5asrep$23$app@shop.net:{}${}", noise(HEX, 32), noise(HEX, 120));
    let device = letters(20);
    let truenas = format!("10-{}", letters(64));
    let own = |id, text: String, value: &str| (id, text, value.to_owned());
    vec![
        own("secret.kerberos-ticket", format!("{ticket}\n"), &ticket),
        own(
            "secret.thingsboard-token",
            format!("post https://things.shop.net/api/v1/{device}/telemetry\n"),
            &device,
        ),
        own(
            "secret.truenas-key",
            format!("\"auth.login_with_api_key\",\n \"params\": [\n \"{truenas}\"\n"),
            &truenas,
        ),
        own(
            "secret.url-password-of-laptop",
            "db = \"mongodb://app:D1fficult9@localhost/app\"\n".to_owned(),
            "D1fficult9",
        ),
        own(
            "secret.option-password",
            format!("importer --user app --password {password} --all\n"),
            password,
        ),
        own("secret.basic-credential", format!("curl -s \\\n  -u app:{password} x\n"), password),
        own(
            "secret.header-token",
            format!("request.header(\"X-Shop-Token\", \"{token}\")\n"),
            token,
        ),
        own(
            "secret.xml-attribute",
            format!("<add key=\"MailPassword\" value=\"{password}\"/>\n"),
            password,
        ),
        own("secret.xml-element", format!("<password>{password}</password>\n"), password),
        own(
            "secret.terraform-default",
            format!("variable \"db_password\" {{\n  default = \"{password}\"\n}}\n"),
            password,
        ),
        own(
            "secret.compared-password",
            "if user == \"ann\" and password == \"open-sesame\":\n".to_owned(),
            "open-sesame",
        ),
        own(
            "secret.stated-password",
            "The default password for user 'ann' is 'blooberry'.\n".to_owned(),
            "blooberry",
        ),
    ]
}

fn found(path: &str, text: &str) -> Vec<(String, String)> {
    let (search, too_many) = search(path, text, &Lines::new(text));
    assert!(too_many.is_empty());
    let show = |secret: &Secret| (secret.info.id.clone(), text[secret.value.clone()].to_owned());
    search.iter().map(show).collect()
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
    for pattern in &services::SERVICES {
        let (shape, name) = match pattern.shape {
            Shape::Token(shape) => (shape, "value".to_owned()),
            Shape::Named(shape) => (shape, format!("{}_value", pattern.keywords[0])),
            Shape::Whole(shape) => panic!("{shape} is no service's"),
        };
        let values = string_regex(shape).unwrap();
        for _ in 0..20 {
            let value = values.new_tree(&mut runner).unwrap().current();
            let candidate = Candidate { path: "a", name: &name, value: &value, before: "" };
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
    let services = services::SERVICES.iter().map(|pattern| pattern.id);
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
        ("app.ini", "user = Aladdin\npassword = open_sesame\n", 1),
        ("app.py", "user = 'Aladdin'  # a comment\npassword = 'open sesame'\n", 1),
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
    let digest_of = |text: &str| digest(&search("a", text, &Lines::new(text)).0[0], text);
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
    let (exact, none) = search("a.txt", &line.repeat(100), &Lines::new(&line.repeat(100)));
    assert_eq!((exact.len(), none.len()), (FOUND_MAX, 0));
    for text in [line.repeat(150), line.replace('\n', " ").repeat(150)] {
        let (found, too_many) = search("a.txt", &text, &Lines::new(&text));
        assert_eq!(found.len(), FOUND_MAX);
        assert_eq!(
            too_many.iter().map(|info| info.id.as_str()).collect::<Vec<_>>(),
            ["secret.npm-token"]
        );
    }
}
