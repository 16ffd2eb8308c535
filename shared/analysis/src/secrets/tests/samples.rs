//! A secret for every pattern, made by a program.

use domain::ApiKey;

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";
pub(super) const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Made here rather than written down: this file must not look like a leak itself.
pub(super) fn noise(alphabet: &str, length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet.as_bytes()[(state >> 32) as usize % alphabet.len()] as char
    };
    (0..length).map(next).collect()
}

pub(super) fn letters(length: usize) -> String {
    noise(ALPHANUMERIC, length)
}

pub(super) fn checksummed_body() -> String {
    let entropy: Vec<u8> = (0..ApiKey::ENTROPY_BYTES).map(|at| (at * 37 % 251) as u8).collect();
    let key = ApiKey::generate(entropy.as_slice().try_into().unwrap());
    key.reveal()["asy_".len()..].to_owned()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

pub(super) fn pem() -> String {
    let body: Vec<String> = (0..4).map(|_| letters(64)).collect();
    let kind = "PRIVATE KEY";
    format!("-----BEGIN RSA {kind}-----\n{}\n-----END RSA {kind}-----", body.join("\n"))
}

/// For every pattern: a line that holds such a secret, and the secret.
pub(super) fn samples() -> Vec<Sample> {
    let password = letters(12);
    let mut samples = tokens();
    samples.extend(in_files(&password));
    samples.extend(in_context(&password, &bearer_like()));
    samples.extend(kept(&password));
    samples
}

type Sample = (&'static str, String, String);

fn token(id: &'static str, value: String) -> Sample {
    (id, format!("value = \"{value}\"\n"), value)
}

/// Tokens that are recognised wherever they stand.
fn tokens() -> Vec<Sample> {
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
    samples
}

/// Secrets that a name or a format gives away.
fn in_files(password: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let aws = letters(40);
    // The id of the documentation, which is no finding itself.
    let beside = letters(41).split_off(1);
    let pair = format!("AKIAIOSFODNN7EXAMPLE,{beside}\n");
    samples.push(("secret.aws-secret-key-beside-id", pair, beside));
    samples.push(("secret.aws-secret-key", format!("aws_secret_access_key = {aws}\n"), aws));
    let url = format!("DB = \"postgres://app:{password}@db.shop.net/app\"\n");
    samples.push(("secret.url-password", url, password.to_owned()));
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
    samples.push(("secret.netrc-password", machine, password.to_owned()));
    let odbc = format!("c = \"Server=db;User Id=app;Password={password};Database=d\"\n");
    samples.push(("secret.connection-string-password", odbc, password.to_owned()));
    let bearer = letters(40);
    let header = format!("curl -H \"Authorization: Bearer {bearer}\" https://api.shop.net\n");
    samples.push(("secret.authorization-header", header, bearer.clone()));
    let query = format!("get(\"https://api.shop.net/items?api_key={bearer}&page=1\")\n");
    samples.push(("secret.token-in-query", query, bearer));
    let assigned = format!("db_password = \"{password}\"\n");
    samples.push(("secret.hard-coded", assigned, password.to_owned()));
    samples.push((
        "secret.hard-coded-setting",
        format!("DB_PASSWORD={password}\n"),
        password.to_owned(),
    ));
    samples
}

fn bearer_like() -> String {
    noise(ALPHANUMERIC, 44).split_off(4)
}

/// Samples that need their surroundings.
fn in_context(password: &str, token: &str) -> Vec<Sample> {
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

/// Samples in the form in which tools keep them.
fn kept(password: &str) -> Vec<Sample> {
    let own = |id, text: String, value: &str| (id, text, value.to_owned());
    let entry = format!("  password: {}=\n", base64(letters(14).as_bytes()));
    let login = base64(format!("app:{password}x1").as_bytes());
    let key = format!("{}+/{}=", letters(60), letters(41));
    let signature = format!("{}%2B{}%3D", letters(20), letters(22));
    let hash = format!("$apr1${}${}", letters(8), letters(22));
    vec![
        own(
            "secret.cluster-secret",
            format!("kind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n{entry}"),
            &entry,
        ),
        own(
            "secret.cluster-secret-data-first",
            format!("apiVersion: v1\ndata:\n{entry}kind: Secret\nmetadata:\n  name: db\n"),
            &entry,
        ),
        own("secret.registry-login", format!("{{\"auth\": \"{login}\"}}\n"), &login),
        own(
            "secret.package-source-password",
            "<add key=\"ClearTextPassword\" value=\"wellington\" />\n".to_owned(),
            "wellington",
        ),
        own(
            "secret.gem-server-login",
            "export BUNDLE_GEMS__SHOP__NET=reader:wellington\n".to_owned(),
            "reader:wellington",
        ),
        own("secret.password-list", "db.shop.net:5432:*:app:wellington\n".to_owned(), "wellington"),
        own(
            "secret.putty-key",
            format!(
                "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: a key of somebody\n\
                 Public-Lines: 1\nAAAA\nPrivate-Lines: 2\n{key}"
            ),
            &key,
        ),
        own(
            "secret.shared-access-signature",
            format!("https://shop.blob.core.windows.net/a?sv=2024&sp=r&sig={signature}\n"),
            &signature,
        ),
        own("secret.apache-password-hash", format!("ann:{hash}\n"), &hash),
        own(
            "secret.secure-string",
            format!("ConvertTo-SecureString '{password}' -AsPlainText -Force\n"),
            password,
        ),
        own("secret.mysql-password", format!("mysql -h db -u app -p{password} shop\n"), password),
        own(
            "secret.login-call",
            format!("requests.get(url, auth=(\"app\", \"{password}\"))\n"),
            password,
        ),
        own(
            "secret.password-in-query",
            format!("jdbc:mysql://db.shop.net/app?user=app&password={password}\n"),
            password,
        ),
        own("secret.random-key", format!("SHOP_KEY=\"{}\"\n", letters(32)), &letters(32)),
    ]
}
