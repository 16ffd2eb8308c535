use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::stop::{OrStop, Result};

/// Where things are in this checkout; everything made here is under `.local/`.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that this program was compiled in.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().or_stop(
            format_args!("cannot find the checkout at {}", root.display()),
            "run `cargo local` inside the repository, so that it is compiled there",
        )?;
        let checkout = Self { root };
        checkout.make_folder(&checkout.logs())?;
        checkout.make_folder(&checkout.scratch())?;
        Ok(checkout)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.local().join("logs")
    }

    /// What the endpoint and the functions use for temporary files.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.local().join("tmp")
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.root.join("infra/template.yaml")
    }

    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.root.join("infra/local/python").join(name)
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    pub(crate) fn make_folder(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).or_stop(
            format_args!("cannot create {}", folder.display()),
            "make the checkout writable",
        )
    }

    /// A file only its owner may read, made once by `make` and then kept.
    pub(crate) fn keep_secret(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<String>,
    ) -> Result<String> {
        let path = self.local().join(name);
        if let Ok(kept) = fs::read_to_string(&path) {
            return Ok(kept);
        }
        let value = make()?;
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
            .or_stop(
                format_args!("cannot write {}", path.display()),
                "make the checkout writable, or run `cargo local clean`",
            )?;
        Ok(value)
    }
}

/// `bytes` random bytes in hexadecimal, from the operating system.
pub(crate) fn random_hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut buffer))
        .or_stop("cannot read random bytes from /dev/urandom", "make that device readable")?;
    Ok(hex::encode(buffer))
}
