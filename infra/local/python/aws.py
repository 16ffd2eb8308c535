"""Speaks to the AWS endpoint for `cargo local`: deploy, invoke, redrive, logs.

A request is JSON on standard input, an answer JSON on standard output; `logs` prints text.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import sys
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SETTLE_SECONDS = 300
ARTIFACTS = "assay-local-artifacts"


def client(service):
    # A function may take minutes, and must not be started again because the client lost patience.
    config = Config(read_timeout=900, retries={"max_attempts": 1})
    return boto3.client(service, config=config)


def stop(message):
    sys.exit(f"{message}")


# ---------------------------------------------------------------- deploy


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags (`!Ref`) as the long form (`{"Ref": …}`)."""


def long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "Ref":
        return {"Ref": value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", long_form)


def package(template_path):
    """The template with each CodeUri uploaded, as `sam package` does, and what it replaces."""
    template = yaml.load(template_path.read_text(), Loader)
    s3 = client("s3")
    if ARTIFACTS not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(
            Bucket=ARTIFACTS,
            CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]},
        )
    uploaded = {item["Key"] for item in s3.list_objects_v2(Bucket=ARTIFACTS).get("Contents", [])}

    def upload(name, code_uri):
        bootstrap = (template_path.parent / code_uri / "bootstrap").resolve()
        if not bootstrap.is_file():
            stop(f"{bootstrap} is missing: nothing was built for {name}")
        code = bootstrap.read_bytes()
        key = f"{name}/{hashlib.sha256(code).hexdigest()}.zip"
        if key not in uploaded:
            s3.put_object(Bucket=ARTIFACTS, Key=key, Body=zipped(code))
        return {"Bucket": ARTIFACTS, "Key": key}

    with ThreadPoolExecutor() as pool:
        pending = {
            name: (resource["Properties"], pool.submit(upload, name, resource["Properties"]["CodeUri"]))
            for name, resource in template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }
        for properties, code in pending.values():
            properties["CodeUri"] = code.result()
    used = {properties["CodeUri"]["Key"] for properties, _ in pending.values()}
    return json.dumps(template), uploaded - used


def forget(keys):
    """Deletes the code that the deployment replaced: it grows by gigabytes in a day of work."""
    for key in keys:
        client("s3").delete_object(Bucket=ARTIFACTS, Key=key)


def zipped(code):
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # The lightest compression: these archives travel over the loopback interface only.
        archive.writestr(entry, code, zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()


def put_secret(name, value):
    secrets = client("secretsmanager")
    try:
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]
    except secrets.exceptions.ResourceExistsException:
        if secrets.get_secret_value(SecretId=name)["SecretString"] != value:
            secrets.put_secret_value(SecretId=name, SecretString=value)
        return secrets.describe_secret(SecretId=name)["ARN"]


def find_stack(cloudformation, name):
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return None


def settle(cloudformation, name):
    """Waits until the stack is done; a failure is told resource by resource."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        stack = find_stack(cloudformation, name)
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return stack
        if not status.endswith("IN_PROGRESS"):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            failed = [
                f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason')}"
                for event in events
                if "FAILED" in event["ResourceStatus"]
            ]
            stop("\n".join([f"the stack is {status}", *failed]))
        time.sleep(0.2)
    stop(f"the stack is still {status} after {SETTLE_SECONDS} s")


def apply(cloudformation, name, body, parameters):
    request = {
        "StackName": name,
        "TemplateBody": body,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    }
    existing = find_stack(cloudformation, name)
    if existing and existing["StackStatus"] in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
        # Nothing can be updated onto a creation that failed.
        cloudformation.delete_stack(StackName=name)
        existing = None
    if not existing:
        cloudformation.create_stack(**request)
    else:
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    return settle(cloudformation, name)


def outputs(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def reachable(function_url, is_ministack):
    """A function URL as this machine can call it: the real one does not resolve here."""
    if not is_ministack:
        return function_url.rstrip("/")
    url_id = urlsplit(function_url).hostname.split(".")[0]
    return f"{os.environ['AWS_ENDPOINT_URL']}/_aws/lambda-url/{url_id}"


def deploy(request):
    name, is_ministack = request["stack"], request["is_ministack"]
    parameters = dict(request["parameters"])
    for parameter, secret in request["secrets"].items():
        parameters[parameter] = put_secret(f"{name}/{secret['name']}", secret["value"])
    body, replaced = package(Path(request["template"]))
    cloudformation = client("cloudformation")

    stack = find_stack(cloudformation, name)
    api_url = outputs(stack).get("ApiUrl") if stack else None
    while True:
        # The api's URL is known only when the stack stands, so a first deployment takes two rounds.
        parameters["PublicUrl"] = reachable(api_url, is_ministack) if api_url else ""
        answer = outputs(apply(cloudformation, name, body, parameters))
        if answer["ApiUrl"] == api_url:
            break
        api_url = answer["ApiUrl"]
    forget(replaced)

    return {
        "webhook_url": reachable(answer["WebhookUrl"], is_ministack),
        "api_url": reachable(answer["ApiUrl"], is_ministack),
        "outputs": answer,
        "environment": environment(name),
    }


def environment(name):
    """Every setting of every function: they share names, and agree on the values."""
    settings = {}
    functions = client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(f"{name}-"):
                settings.update(function.get("Environment", {}).get("Variables", {}))
    return settings


# ---------------------------------------------------------------- invoke


def invoke(request):
    answer = client("lambda").invoke(
        FunctionName=f"{request['stack']}-{request['function']}",
        Payload=json.dumps(request["event"]).encode(),
        LogType="Tail",
    )
    return {
        "failed": "FunctionError" in answer,
        "answer": json.loads(answer["Payload"].read() or b"null"),
        "log": base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
    }


# --------------------------------------------------------- dead letters

# One receive asks this long, so that it hears of every server of the queue.
WAIT_SECONDS = 1
# Nobody else sees a message for as long as we look at it.
HOLD_SECONDS = 120


def receive(sqs, url, at_most):
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(at_most, 10),
        WaitTimeSeconds=WAIT_SECONDS,
        VisibilityTimeout=HOLD_SECONDS,
        MessageAttributeNames=["All"],
        AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
    )
    return answer.get("Messages", [])


def let_go(sqs, url, messages):
    """Makes messages visible again that were only looked at."""
    for message in messages:
        with contextlib.suppress(ClientError, BotoCoreError):  # Then its time brings it back.
            sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )


def letter(message):
    """What a message is about; `kind` is null when it is not one of ours."""
    try:
        body = json.loads(message["Body"])
        kind, run_id = str(body["type"]), str(uuid.UUID(body["run_id"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        kind, run_id = None, None
    return {
        "message_id": message["MessageId"],
        "kind": kind,
        "run_id": run_id,
        "sent_at": int(message["Attributes"]["SentTimestamp"]),
        "receives": int(message["Attributes"]["ApproximateReceiveCount"]),
    }


def dead_letters(request):
    """What lies in a queue; afterwards all of it lies there as before."""
    sqs, url, at_most = client("sqs"), request["dead_letters"], request["at_most"]
    held = {}
    try:
        while len(held) <= at_most:
            batch = receive(sqs, url, at_most + 1 - len(held))
            news = [message for message in batch if message["MessageId"] not in held]
            held.update((message["MessageId"], message) for message in batch)
            if not news:
                break
    finally:
        let_go(sqs, url, held.values())
    letters = sorted(map(letter, held.values()), key=lambda one: one["sent_at"])
    return {"letters": letters[:at_most], "more": len(letters) > at_most}


def redrive(request):
    """Moves messages to another queue; each is deleted only when its copy is confirmed."""
    sqs, url = client("sqs"), request["dead_letters"]
    leave, kept, moved, stopped = set(request["leave"]), {}, 0, None
    try:
        while moved < request["at_most"]:
            batch = receive(sqs, url, request["at_most"] - moved)
            news = [message for message in batch if message["MessageId"] not in kept]
            # Held until its turn comes, or all is over.
            kept.update((message["MessageId"], message) for message in batch)
            if not news:
                break
            for message in news:
                sent_at = int(message["Attributes"]["SentTimestamp"])
                if message["MessageId"] in leave or sent_at >= request["sent_before"]:
                    continue
                sqs.send_message(
                    QueueUrl=request["source"],
                    MessageBody=message["Body"],
                    MessageAttributes=message.get("MessageAttributes", {}),
                )
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                del kept[message["MessageId"]]
                moved += 1
    except (ClientError, BotoCoreError) as error:
        stopped = str(error)
    finally:
        let_go(sqs, url, kept.values())
    return {"moved": moved, "stopped": stopped}


# ------------------------------------------------------------------ logs

PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId")
POLL_SECONDS = 1.0


def log_groups(request):
    functions = client("lambda")
    groups = {}
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            prefix, _, short = function["FunctionName"].partition("-")
            if prefix == request["stack"] and request["function"] in (None, short):
                groups[function["LoggingConfig"]["LogGroup"]] = short
    if not groups:
        stop(f"there is no function called {request['function']}")
    return groups


def logs(request):
    groups, since, seen = log_groups(request), 0, set()
    watch = client("logs")
    while True:
        events = []
        for group, function in groups.items():
            pages = watch.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=since
            )
            for page in pages:
                for event in page["events"]:
                    key = (event["logStreamName"], event["timestamp"], event["message"])
                    if key not in seen:
                        seen.add(key)
                        events.append((event["timestamp"], function, event["message"]))
        events.sort(key=lambda event: event[0])
        for timestamp, function, message in events:
            if not message.startswith(PLATFORM):
                print(readable(timestamp, function, message), flush=True)
        if not request["follow"]:
            return
        if events:
            since = events[-1][0]
        time.sleep(POLL_SECONDS)


def readable(timestamp, function, message):
    """One line: a JSON record unfolded, anything else as it came."""
    try:
        record = json.loads(message)
    except ValueError:
        record = None
    clock = time.strftime("%H:%M:%S", time.localtime(timestamp / 1000))
    if not isinstance(record, dict):
        return f"{clock} {function:<16} {message}"
    if record.pop("_aws", None):
        record["level"] = "COUNT"
    fields = record.pop("fields", {}) | record
    for spans in ("span", "spans"):
        nested = fields.pop(spans, None) or []
        for span in nested if isinstance(nested, list) else [nested]:
            fields = {**span, **fields}
    level, text = fields.pop("level", ""), fields.pop("message", "")
    for noise in ("timestamp", "target", "name"):
        fields.pop(noise, None)
    rest = " ".join(f"{key}={value}" for key, value in fields.items())
    return f"{clock} {function:<16} {level:<5} {text} {rest}".rstrip()


def main():
    command, request = sys.argv[1], json.load(sys.stdin)
    if command == "logs":
        logs(request)
    else:
        commands = {
            "deploy": deploy,
            "invoke": invoke,
            "dead_letters": dead_letters,
            "redrive": redrive,
        }
        json.dump(commands[command](request), sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except ClientError as error:
        stop(str(error))
