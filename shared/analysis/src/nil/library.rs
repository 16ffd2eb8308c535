//! What functions of other packages promise, where it bears on nil.

use super::value::Is;

/// Functions that do not come back.
pub(super) fn never_returns(path: &str, name: &str) -> bool {
    match path {
        "os" => name == "Exit",
        "runtime" => name == "Goexit",
        "log"
        | "github.com/sirupsen/logrus"
        | "github.com/golang/glog"
        | "k8s.io/klog"
        | "k8s.io/klog/v2" => {
            name.starts_with("Fatal") || name.starts_with("Panic") || name.starts_with("Exit")
        }
        _ => false,
    }
}

/// Methods that are called like those of loggers and tests that end the program or the test.
pub(super) fn method_never_returns(name: &str) -> bool {
    matches!(
        name,
        "Fatal"
            | "Fatalf"
            | "Fatalln"
            | "Fatalw"
            | "FailNow"
            | "Skip"
            | "Skipf"
            | "SkipNow"
            | "Panic"
            | "Panicf"
            | "Panicln"
            | "Panicw"
            | "Goexit"
    )
}

/// Functions that say yes only of errors that are there.
pub(super) fn tells_errors(path: &str, name: &str) -> bool {
    let is_errors = path == "errors" || path.ends_with("/errors") || path.ends_with("/xerrors");
    match name {
        "Is" | "As" => is_errors,
        "IsNotExist" | "IsExist" | "IsPermission" | "IsTimeout" => path == "os",
        _ => false,
    }
}

/// Functions whose first result is never nil.
pub(super) fn makes(path: &str, name: &str) -> bool {
    match path {
        "errors" | "golang.org/x/xerrors" => name == "New",
        "fmt" => name == "Errorf",
        "github.com/pkg/errors" | "github.com/cockroachdb/errors" => {
            matches!(name, "New" | "Errorf" | "Newf")
        }
        "context" => matches!(name, "Background" | "TODO"),
        _ => false,
    }
}

/// Functions that give back nil only for nil: the position of what they wrap.
pub(super) fn wraps(path: &str, name: &str) -> Option<usize> {
    let wraps = matches!(name, "Wrap" | "Wrapf" | "WithStack" | "WithMessage" | "WithMessagef");
    let is_errors = path == "github.com/pkg/errors" || path == "github.com/cockroachdb/errors";
    (wraps && is_errors).then_some(0)
}

/// What is asserted of which argument, by libraries for tests: behind the call it is so.
pub(super) fn asserts(path: &str, name: &str) -> Option<(usize, Is)> {
    let is_testify = path.ends_with("testify/require") || path.ends_with("testify/assert");
    let is_gotest = path.starts_with("gotest.tools") && path.ends_with("/assert");
    let name = name.strip_suffix('f').unwrap_or(name);
    match name {
        "NoError" | "Nil" if is_testify => Some((1, Is::Nil)),
        "NilError" if is_gotest => Some((1, Is::Nil)),
        "Error" | "NotNil" | "NotEmpty" if is_testify => Some((1, Is::NotNil)),
        "ErrorIs" | "ErrorAs" | "ErrorContains" if is_testify => Some((1, Is::NotNil)),
        "EqualError" | "Len" if is_testify => Some((1, Is::NotNil)),
        "True" if is_testify => Some((1, Is::True)),
        "Assert" if is_gotest => Some((1, Is::True)),
        "False" if is_testify => Some((1, Is::False)),
        _ => None,
    }
}
