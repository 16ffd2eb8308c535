//! Documents in versions: gapless, cited, compared, exported, and as the evidence of a run.

mod audit_bundle;
mod export;
mod reading;
mod writing;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::api::world::Answer;

/// Reads a zip with Python's own module, which is not ours: names in their order, what each file
/// says, and that nothing in the headers depends on when and where it was made.
fn unpacked(answer: &Answer) -> Vec<(String, String)> {
    const SCRIPT: &str = "
import io, json, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert archive.testzip() is None
for info in archive.infolist():
    assert info.date_time == (1980, 1, 1, 0, 0, 0), info
    assert info.compress_type == zipfile.ZIP_DEFLATED, info
    assert not info.is_dir() and not info.extra and not info.comment, info
    assert info.create_system == 3 and info.external_attr >> 16 == 0o100644, info
print(json.dumps([[i.filename, archive.read(i).decode()] for i in archive.infolist()]))
";
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &answer.bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "Python refuses the zip");
    let files: Vec<(String, String)> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(files.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()), "bytewise order");
    files
}

/// The sha256 as `sha256sum` would say it, which the Python beside us has too.
fn sha256(bytes: &[u8]) -> String {
    hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes))
}

/// The files of a zip after each was compared with what the manifest says of it.
fn verified(answer: &Answer, manifest: &str) -> (Vec<(String, String)>, Value) {
    let mut files = unpacked(answer);
    let at = files.iter().position(|(name, _)| name == manifest).unwrap();
    let manifest: Value = serde_json::from_str(&files.remove(at).1).unwrap();
    assert_eq!(manifest["version"], 1);
    let entries = manifest["entries"].as_array().unwrap();
    assert_eq!(entries.len(), files.len());
    for (entry, (name, content)) in entries.iter().zip(&files) {
        assert_eq!(entry["path"], name.as_str());
        assert_eq!(entry["sha256"], sha256(content.as_bytes()), "{name}");
        assert_eq!(entry["bytes"], content.len(), "{name}");
    }
    (files, manifest)
}

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}
