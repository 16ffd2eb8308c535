//! Tests of Go that the tests write, compiled and run by Go itself.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Output},
    sync::{Mutex, PoisonError},
};

/// Where Go is, if not on the PATH.
const SETTING: &str = "GO_PROGRAM";

/// One at a time: whoever comes second finds Go's own library compiled.
static COMPILES: Mutex<()> = Mutex::new(());

/// What Go says of all packages as one program, as linking takes longer than any test. The
/// functions are called by the name of the package's alias and their own.
pub(crate) fn tested(root: &Path, packages: &[String], functions: &[(String, String)]) -> Output {
    let mut whole = String::from("package counterexamples\n\nimport (\n\t\"testing\"\n\n");
    for (at, package) in packages.iter().enumerate() {
        let _ = writeln!(whole, "\tp{at} \"counterexamples/{package}\"");
    }
    whole.push_str(")\n\nfunc TestAll(t *testing.T) {\n");
    for (name, function) in functions {
        let _ = writeln!(whole, "\tt.Run({name:?}, {function})");
    }
    whole.push_str("}\n");
    fs::write(root.join("all_test.go"), whole).expect("a file can be written");
    fs::write(root.join("go.mod"), "module counterexamples\n\ngo 1.22\n")
        .expect("a file can be written");
    let mut go = Command::new(startup::optional(SETTING).unwrap_or_else(|| "go".to_owned()));
    go.args(["test", "-vet=off", "-count=1"]).current_dir(root);
    // It takes a third of the time to compile Go's own library as it stands.
    go.args(["-gcflags=std=-N -l", "."]);
    // Nothing is fetched, and no setting of this machine changes what is computed.
    go.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GOFLAGS", "-mod=mod");
    go.env("GOENV", "off").env("GOWORK", "off").env("CGO_ENABLED", "0");
    let _compiles = COMPILES.lock().unwrap_or_else(PoisonError::into_inner);
    go.output().unwrap_or_else(|error| {
        panic!(
            "Go cannot be started ({error}): this test needs Go 1.22 or later. `cargo local test` \
             sets {SETTING}; by hand, set it or have go on the PATH"
        )
    })
}
