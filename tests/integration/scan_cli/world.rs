//! Folders to scan, and the built program.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own that git would take for a repository.
pub(super) struct Tree(TempDir);

/// What the program said.
pub(super) struct Told {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }
}

/// The demo's pull request, copied: below `tests/fixtures` nothing would decide.
pub(super) fn demo() -> Tree {
    let tree = Tree::new();
    let head = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/head");
    copy(&head, tree.0.path());
    tree
}

/// Everything that a repository may hold and a scanner may stumble over.
pub(super) fn hostile() -> Tree {
    let tree = Tree::new();
    tree.write(".gitignore", b"ignored.py\nbuild/\n");
    tree.write("ignored.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("build/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.write(".git/hook.py", b"import os\nos.system('ls ' + name)\n");
    tree.write(".hidden/a.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("binary.py", b"\x7fELF\0\0");
    tree.write("latin1.py", b"name = '\xe4'\n");
    tree.write("long.py", "x = 1\n".repeat(100_000).as_bytes());
    tree.write("large.py", &vec![b'#'; 1024 * 1024 + 1]);
    tree.write("deep.py", format!("x = {}1{}\n", "(".repeat(9000), ")".repeat(9000)).as_bytes());
    tree.write("broken.py", b"def f(:\n    os.system('ls ' + name)\n");
    tree.write("a\u{1b}[2Jb.py", b"import os\nos.system('ls ' + '\x1b[2J' + name)\n");
    tree.write("empty.py", b"");
    tree.write("vendor/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("tests/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.link("loop", ".");
    tree.link("passwd.py", "/etc/passwd");
    tree.link("dangling.py", "nowhere");
    tree
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        Self(folder)
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
    }

    pub(super) fn scan(&self, arguments: &[&str]) -> Told {
        self.scan_with(arguments, &[])
    }

    pub(super) fn scan_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
        let mut command = self.command(arguments);
        told(command.envs(variables.iter().copied()).output().unwrap())
    }

    pub(super) fn scan_in(&self, folder: &str, arguments: &[&str]) -> Told {
        told(self.command(arguments).current_dir(self.path(folder)).output().unwrap())
    }

    /// With a list of files on standard input.
    pub(super) fn scan_list(&self, list: &str, arguments: &[&str]) -> Told {
        let mut command = self.command(&[&["--files-from=-"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        told(child.wait_with_output().unwrap())
    }

    /// The exit code when nobody reads what is printed.
    pub(super) fn scan_unread(&self, arguments: &[&str]) -> i32 {
        let mut child = self.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap().code().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let test = std::env::current_exe().unwrap();
        let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join("assay");
        assert!(
            binary.exists(),
            "{} is not built: run `cargo local test`, or `cargo build -p cli` first",
            binary.display()
        );
        let mut command = Command::new(binary);
        command.arg("scan").args(arguments).env_clear().stdin(Stdio::null());
        command.current_dir(self.0.path());
        command
    }
}

fn told(output: Output) -> Told {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Told { code, out: text(output.stdout), err: text(output.stderr) }
}
