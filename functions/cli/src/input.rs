use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Standard input, as in other tools.
const STDIN: &str = "-";

#[derive(Debug)]
pub enum InputError {
    Unreadable { path: PathBuf, source: io::Error },
    TooLarge { path: PathBuf, bytes_max: usize },
    Key { path: PathBuf, source: signing::InvalidKey },
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                let next = "name a file that is there and that you may read";
                write!(f, "cannot read {}: {}\n next: {next}", path.display(), reason(source))
            }
            Self::TooLarge { path, bytes_max } => {
                let next = "see whether it is the right one, it is read as a whole";
                write!(f, "{} has more than {bytes_max} bytes\n next: {next}", path.display())
            }
            Self::Key { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for InputError {}

/// The operating system's words without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Reads a file, or standard input for `-`, but never more than it may have.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, InputError> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let reader: Box<dyn Read> = if path == Path::new(STDIN) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > bytes_max {
        return Err(InputError::TooLarge { path: path.to_owned(), bytes_max });
    }
    Ok(bytes)
}
