//! Programs of Rust that the tests write, compiled with the checks of a debug build.

use std::{fs, path::PathBuf, process::Command};

pub(crate) fn compiled(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rustc");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let source = folder.join(name).with_extension("rs");
    fs::write(&source, text).expect("a file can be written");
    let program = folder.join(name);
    let ended = Command::new("rustc")
        .args(["--edition=2024", "-Coverflow-checks=on", "-Cdebug-assertions=on"])
        .args(["--cap-lints=allow", "-o"])
        .args([&program, &source])
        .output()
        .expect("rustc is on the PATH, as these tests were built by it");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    program
}
