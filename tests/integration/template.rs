//! The deployment template against the rules of timing, and against the settings in the code.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;
use serde_json::Value;

/// A message is given up after this many deliveries at the earliest.
const RECEIVES_MIN: u64 = 5;
/// How many of a function's timeouts a message stays invisible (AWS Lambda developer guide,
/// "Using Lambda with Amazon SQS").
const VISIBILITY_TIMEOUTS_MIN: u64 = 6;

/// What a request may take beside waiting: a cold start, a connection, and a statement that waits
/// for a lock.
const ANSWER_SECONDS_MIN: u64 = 10;

/// What `startup` reads that no template sets: Lambda, a person's terminal or the
/// fault suite does.
const SET_BY_OTHERS: &[&str] =
    &["ASSAY_FAULTS", "AWS_LAMBDA_FUNCTION_NAME", "LOG_FORMAT", "NO_COLOR"];

/// Where `cargo run --package` finds programs that are not deployed.
const NOT_DEPLOYED: &[&str] = &["cli"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The template; a short tag such as `!Ref` reads as what it is put on.
fn template() -> Value {
    let text = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn resources<'a>(template: &'a Value, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

fn functions(template: &Value) -> impl Iterator<Item = (&str, &Value)> {
    resources(template, "AWS::Serverless::Function")
}

/// `WebhookIntake` → `webhook_intake`: the crate, and its folder under `functions/`.
fn crate_name(logical_id: &str) -> String {
    let mut name = String::new();
    for letter in logical_id.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// `RunsQueue.Arn` → `RunsQueue`.
fn referred(value: &Value) -> &str {
    value.as_str().unwrap().split('.').next().unwrap()
}

fn seconds(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

fn sqs_events(function: &Value) -> Vec<&Value> {
    let events = function["Events"].as_object().into_iter().flatten();
    events.map(|(_, event)| event).filter(|event| event["Type"] == "SQS").collect()
}

#[test]
fn timeouts_leases_and_visibility_follow_each_other() {
    let template = template();
    let mut leases = 0;
    for (name, function) in functions(&template) {
        let timeout = seconds(&function["Timeout"]);
        for event in sqs_events(function) {
            let queue_name = referred(&event["Properties"]["Queue"]);
            let queue = &template["Resources"][queue_name]["Properties"];
            let visibility = seconds(&queue["VisibilityTimeout"]);
            assert!(
                visibility >= VISIBILITY_TIMEOUTS_MIN * timeout,
                "{queue_name}: visible again after {visibility} s, but {name} may take {timeout} s"
            );
            let lease = &function["Environment"]["Variables"]["RUN_LEASE_SECONDS"];
            if !lease.is_null() {
                let lease = seconds(lease);
                assert!(timeout < lease, "{name} may outlive its lease of {lease} s");
                assert!(lease < visibility, "{queue_name}: redelivered before the lease ends");
                leases += 1;
            }
        }
    }
    assert!(leases >= 2, "run_orchestrator and syncer take leases");
}

/// Whoever follows a run waits for an answer as long as the API says, and then gets it.
#[test]
fn a_request_may_wait_as_long_as_the_api_promises() {
    let template = template();
    let timeout = seconds(&template["Resources"]["Api"]["Properties"]["Timeout"]);
    let room = timeout.saturating_sub(api::WAIT_SECONDS_MAX);
    assert!(room >= ANSWER_SECONDS_MIN, "{room} s are left to connect, to ask and to answer");
}

#[test]
fn every_queue_is_worked_off_in_bounds_and_gives_up_into_a_dead_letter_queue() {
    let template = template();
    let mut worked = BTreeSet::new();
    for (name, function) in functions(&template) {
        for event in sqs_events(function) {
            let event = &event["Properties"];
            assert_eq!(event["FunctionResponseTypes"][0], "ReportBatchItemFailures", "{name}");
            assert!(event["ScalingConfig"]["MaximumConcurrency"].as_u64() >= Some(2), "{name}");
            assert!((1..=10).contains(&event["BatchSize"].as_u64().unwrap()), "{name}");
            worked.insert(referred(&event["Queue"]).to_owned());
        }
    }
    for (name, queue) in resources(&template, "AWS::SQS::Queue") {
        if name.ends_with("Dlq") {
            continue;
        }
        assert!(worked.remove(name), "nobody works off {name}");
        let redrive = &queue["RedrivePolicy"];
        assert!(redrive["maxReceiveCount"].as_u64() >= Some(RECEIVES_MIN), "{name}");
        let dead_letters = referred(&redrive["deadLetterTargetArn"]);
        assert_eq!(template["Resources"][dead_letters]["Type"], "AWS::SQS::Queue", "{name}");
    }
    assert!(worked.is_empty(), "not queues of this template: {worked:?}");
}

#[test]
fn whatever_may_fail_raises_an_alarm() {
    let template = template();
    let watched: BTreeSet<(&str, &str)> = resources(&template, "AWS::CloudWatch::Alarm")
        .map(|(_, alarm)| {
            (alarm["MetricName"].as_str().unwrap(), referred(&alarm["Dimensions"][0]["Value"]))
        })
        .collect();
    let mut wanted = BTreeSet::new();
    for (name, _) in resources(&template, "AWS::SQS::Queue") {
        wanted.insert(if name.ends_with("Dlq") {
            ("ApproximateNumberOfMessagesVisible", name)
        } else {
            ("ApproximateAgeOfOldestMessage", name)
        });
    }
    // Whoever invokes the migrator waits for its answer.
    for (name, function) in functions(&template).filter(|(name, _)| *name != "Migrator") {
        wanted.extend([("Errors", name), ("Throttles", name)]);
        // An answer of 5xx is none of Lambda's errors.
        if !function["FunctionUrlConfig"].is_null() {
            wanted.insert(("Url5xxCount", name));
        }
    }
    // What never runs never fails, and what a message could not do is none of Lambda's errors.
    wanted.extend([("Invocations", "Scheduler"), ("assay.runs.finished", "failed")]);
    assert_eq!(watched, wanted);
}

#[test]
fn every_function_is_deployed_from_where_cargo_lambda_puts_it() {
    let template = template();
    let mut deployed = BTreeSet::new();
    for (name, function) in functions(&template) {
        let name = crate_name(name);
        assert_eq!(function["CodeUri"], format!("../target/lambda/{name}/"));
        assert_eq!(function["FunctionName"], format!("${{AWS::StackName}}-{name}"));
        deployed.insert(name);
    }
    let written: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !NOT_DEPLOYED.contains(&name.as_str()))
        .collect();
    assert_eq!(deployed, written);
}

#[test]
fn a_function_is_set_what_it_reads_and_nothing_else() {
    let template = template();
    for (name, function) in functions(&template) {
        let source = source(&root().join("functions").join(crate_name(name)).join("src"));
        let read = settings_read(name, &source);
        assert!(
            !read.is_empty(),
            "{name} reads no settings: is this test looking in the right place?"
        );
        let set = names(&function["Environment"]["Variables"]);
        let missing: Vec<_> = read.difference(&set).collect();
        assert!(missing.is_empty(), "{name} reads {missing:?}, which the template does not set");
        let unread: Vec<_> = set.difference(&read).collect();
        assert!(unread.is_empty(), "{name} is set {unread:?}, which it does not read");
    }
}

#[test]
fn what_all_functions_are_set_is_what_startup_reads() {
    let set = names(&template()["Globals"]["Function"]["Environment"]["Variables"]);
    let source = source(&root().join("shared/startup/src"));
    let call = Regex::new(r#"\boptional\(\s*"([A-Z0-9_]+)""#).unwrap();
    let mut read: BTreeSet<String> =
        call.captures_iter(&source).map(|found| found[1].to_owned()).collect();
    if source.contains("try_from_default_env") {
        read.insert("RUST_LOG".to_owned());
    }
    for name in SET_BY_OTHERS {
        assert!(read.remove(*name), "startup does not read {name} any more");
    }
    assert_eq!(set, read);
}

fn names(variables: &Value) -> BTreeSet<String> {
    variables.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// A folder's Rust without its unit tests.
fn source(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            text += &source(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = fs::read_to_string(&path).unwrap();
            text += file.split("#[cfg(test)]\nmod tests {").next().unwrap();
        }
    }
    text
}

/// The names that a function hands to `startup`.
fn settings_read(function: &str, source: &str) -> BTreeSet<String> {
    let call = Regex::new(
        r#"\bstartup::(?:required|optional_secret|optional|parsed|secret)\b(?:::<[^(]*>)?(\(\s*"([A-Z0-9_]+)")?"#,
    )
    .unwrap();
    call.captures_iter(source)
        .map(|found| {
            let name = found.get(2).unwrap_or_else(|| {
                panic!("{function}: write a setting's name where it is read: `{}`", &found[0])
            });
            name.as_str().to_owned()
        })
        .collect()
}

#[test]
fn a_setting_that_is_not_named_where_it_is_read_is_noticed() {
    let read =
        settings_read("f", r#"startup::parsed::<u32>("A_NUMBER")?; startup::secret("KEY")?"#);
    assert_eq!(read, BTreeSet::from(["A_NUMBER".to_owned(), "KEY".to_owned()]));
    let hidden = std::panic::catch_unwind(|| settings_read("f", "startup::required(NAME)?"));
    assert!(hidden.is_err());
}
