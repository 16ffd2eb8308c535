use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
};

use domain::{Classify, ErrorKind};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use zip::{
    CompressionMethod, PreparedZipFile, System, ZipWriter, result::ZipError,
    write::SimpleFileOptions,
};

use crate::{path::is_safe, pretty_json};

/// Of the manifest's form.
const VERSION: u32 = 1;
/// What `zip` and the source documents take; more saves little.
const DEFLATE_LEVEL: i64 = 6;
/// Bytes of a local header and a directory entry, beside the name that each repeats.
const HEADER_BYTES: usize = 30 + 46;
const END_BYTES: usize = 22;

/// The same for every file on every machine: 1980-01-01, the first time that zip can tell.
const OPTIONS: SimpleFileOptions = SimpleFileOptions::DEFAULT
    .compression_method(CompressionMethod::Deflated)
    .compression_level(Some(DEFLATE_LEVEL))
    .system(System::Unix)
    .unix_permissions(0o644);

/// Files on their way into a zip. Only their compressed bytes are kept.
pub struct Bundle {
    manifest: &'static str,
    bytes_max: usize,
    bytes: usize,
    files: BTreeMap<String, File>,
    /// Every path and every folder in lower case, since some file systems see no other.
    taken: BTreeMap<String, String>,
    folders: BTreeSet<String>,
}

struct File {
    packed: PreparedZipFile,
    sha256: String,
    bytes: usize,
}

/// A finished zip.
#[derive(Debug, Clone)]
pub struct Packed {
    pub bytes: Vec<u8>,
    /// Lowercase hex.
    pub sha256: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("`{path}` is no path for a bundle; make one of the name with safe_path")]
    Unsafe { path: String },
    #[error("`{path}` would take the place of `{taken}`")]
    Taken { path: String, taken: String },
    #[error("the zip grows beyond {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the zip cannot be written")]
    Zip(#[from] ZipError),
}

impl Classify for BundleError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Taken { .. } => ErrorKind::Conflict,
            Self::TooLarge { .. } => ErrorKind::Invalid,
            Self::Unsafe { .. } | Self::Zip(_) => ErrorKind::Bug,
        }
    }
}

impl Bundle {
    /// A bundle whose list of files will be called `manifest`, of at most `bytes_max` as a zip.
    pub fn new(manifest: &'static str, bytes_max: usize) -> Self {
        Self {
            manifest,
            bytes_max,
            bytes: END_BYTES,
            files: BTreeMap::new(),
            taken: BTreeMap::from([(manifest.to_ascii_lowercase(), manifest.to_owned())]),
            folders: BTreeSet::new(),
        }
    }

    /// Adds a file. Nothing is ever overwritten, not even on a disk that ignores case.
    pub fn add(&mut self, path: &str, content: &[u8]) -> Result<(), BundleError> {
        self.take(path)?;
        let file = pack(path, content)?;
        self.count(path, &file)?;
        self.files.insert(path.to_owned(), file);
        Ok(())
    }

    pub fn add_json(&mut self, path: &str, value: &Value) -> Result<(), BundleError> {
        self.add(path, pretty_json(value).as_bytes())
    }

    fn take(&mut self, path: &str) -> Result<(), BundleError> {
        if !is_safe(path) {
            return Err(BundleError::Unsafe { path: path.to_owned() });
        }
        let lower = path.to_ascii_lowercase();
        let above = lower.match_indices('/').map(|(end, _)| &lower[..end]);
        // A file cannot be where a folder is, nor the other way round.
        let taken = above.clone().chain([lower.as_str()]).find_map(|path| self.taken.get(path));
        let taken = taken.or_else(|| self.folders.get(&lower));
        if let Some(taken) = taken {
            return Err(BundleError::Taken { path: path.to_owned(), taken: taken.clone() });
        }
        self.folders.extend(above.map(str::to_owned));
        self.taken.insert(lower, path.to_owned());
        Ok(())
    }

    fn count(&mut self, path: &str, file: &File) -> Result<(), BundleError> {
        self.bytes += file.packed.compressed_size() as usize + 2 * path.len() + HEADER_BYTES;
        if self.bytes > self.bytes_max {
            return Err(BundleError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(())
    }

    /// Writes the zip, with a manifest that begins with what `about` says.
    pub fn finish(mut self, about: Map<String, Value>) -> Result<Packed, BundleError> {
        let manifest = pack(self.manifest, pretty_json(&self.describe(about)).as_bytes())?;
        self.count(self.manifest, &manifest)?;
        self.files.insert(self.manifest.to_owned(), manifest);

        let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(self.bytes)));
        // The map's order is that of the bytes.
        for file in self.files.into_values() {
            writer.add_prepared_file(file.packed)?;
        }
        let bytes = writer.finish()?.into_inner();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Ok(Packed { bytes, sha256 })
    }

    fn describe(&self, mut about: Map<String, Value>) -> Value {
        let entries = self.files.iter().map(
            |(path, file)| json!({ "path": path, "sha256": file.sha256, "bytes": file.bytes }),
        );
        about.insert("version".to_owned(), json!(VERSION));
        about.insert("entries".to_owned(), entries.collect());
        Value::Object(about)
    }
}

fn pack(path: &str, content: &[u8]) -> Result<File, ZipError> {
    Ok(File {
        packed: PreparedZipFile::from_data(path, OPTIONS, content)?,
        sha256: hex::encode(Sha256::digest(content)),
        bytes: content.len(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;
    use zip::ZipArchive;

    use super::*;
    use crate::safe_path;

    fn about() -> Map<String, Value> {
        json!({ "project": { "id": 7, "name": "Größe" } }).as_object().unwrap().clone()
    }

    fn bundle(files: &[(&str, &str)]) -> Packed {
        let mut bundle = Bundle::new("manifest.json", usize::MAX);
        for (path, content) in files {
            bundle.add(path, content.as_bytes()).unwrap();
        }
        bundle.finish(about()).unwrap()
    }

    fn read(packed: &Packed) -> Vec<(String, Vec<u8>)> {
        let mut archive = ZipArchive::new(Cursor::new(packed.bytes.as_slice())).unwrap();
        (0..archive.len())
            .map(|index| {
                let mut file = archive.by_index(index).unwrap();
                let mut content = Vec::new();
                file.read_to_end(&mut content).unwrap();
                assert!(file.is_file());
                assert_eq!(file.last_modified().unwrap().to_string(), "1980-01-01 00:00:00");
                (file.name().unwrap().into_owned(), content)
            })
            .collect()
    }

    #[test]
    fn the_order_in_which_files_came_does_not_count() {
        let files = [("b/2.md", "two"), ("a.md", "one"), ("b-1.md", "three"), ("B/x", "four")];
        let mut reversed = files;
        reversed.reverse();
        let (one, other) = (bundle(&files), bundle(&reversed));
        assert_eq!(one.bytes, other.bytes);
        assert_eq!(one.sha256, hex::encode(Sha256::digest(&one.bytes)));
        let names: Vec<String> = read(&one).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["B/x", "a.md", "b-1.md", "b/2.md", "manifest.json"]);
    }

    /// The bytes themselves: a new version of `zip` that writes others is seen here.
    #[test]
    fn the_bytes_of_a_small_bundle_are_known() {
        let packed = bundle(&[("a.md", "# One\n"), ("b/c.json", "{}\n")]);
        let manifest = read(&packed).pop().unwrap().1;
        insta::assert_snapshot!(String::from_utf8(manifest).unwrap(), @r#"
        {
          "entries": [
            {
              "bytes": 6,
              "path": "a.md",
              "sha256": "5add2e4a6306bb1bb52c92869f20756aa1c9d514dbb2c9c4d2a94bc8378b0eb5"
            },
            {
              "bytes": 3,
              "path": "b/c.json",
              "sha256": "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
            }
          ],
          "project": {
            "id": 7,
            "name": "Größe"
          },
          "version": 1
        }
        "#);
        insta::assert_snapshot!(packed.sha256, @"d8dd8d1ae74a71db9d01802ca22208a5dd48a622953f8af37009a0d534df59a8");
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_reserved_twice() {
        let cases = [
            (vec!["a.md"], "a.md", Some("a.md")),
            (vec!["a.md"], "A.MD", Some("a.md")),
            (vec![], "manifest.json", Some("manifest.json")),
            (vec![], "Manifest.JSON", Some("manifest.json")),
            (vec![], "manifest.json/a", Some("manifest.json")),
            (vec!["a/b"], "A", Some("a")),
            (vec!["a"], "a/b", Some("a")),
            (vec!["a/b/c"], "a/b", Some("a/b")),
            (vec!["a/b"], "a/c", None),
            (vec!["a/b"], "A/c", None),
            (vec!["x/manifest.json"], "y/manifest.json", None),
        ];
        for (before, path, expected) in cases {
            let mut bundle = Bundle::new("manifest.json", usize::MAX);
            for path in before {
                bundle.add(path, b"").unwrap();
            }
            let taken = match bundle.add(path, b"") {
                Ok(()) => None,
                Err(BundleError::Taken { taken, .. }) => Some(taken),
                Err(error) => panic!("{path}: {error}"),
            };
            assert_eq!(taken.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn an_unsafe_path_is_refused_whoever_made_it() {
        for path in ["", "/a", "a//b", "../a", "a/..", "a\\b", "C:a", "a b", "ä", "nul.md", "a."] {
            let mut bundle = Bundle::new("manifest.json", usize::MAX);
            assert!(matches!(bundle.add(path, b""), Err(BundleError::Unsafe { .. })), "{path}");
        }
    }

    #[test]
    fn the_limit_is_that_of_the_finished_zip() {
        let files = [("a.md", "# One\n"), ("b/c.json", "{}\n")];
        let exact = bundle(&files).bytes.len();
        for (bytes_max, fits) in [(exact, true), (exact - 1, false), (0, false)] {
            let mut bundle = Bundle::new("manifest.json", bytes_max);
            let added = files.iter().try_for_each(|(path, text)| bundle.add(path, text.as_bytes()));
            let outcome = added.and_then(|()| bundle.finish(about()));
            assert_eq!(outcome.is_ok(), fits, "{bytes_max}");
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out_or_its_name_is_refused(
            files in prop::collection::vec(("[a-cA-C./:\\\\]{0,6}", "\\PC{0,40}"), 0..12),
        ) {
            let mut bundle = Bundle::new("manifest.json", usize::MAX);
            let mut kept = BTreeMap::new();
            for (name, content) in &files {
                let path = safe_path(name);
                match bundle.add(&path, content.as_bytes()) {
                    Ok(()) => prop_assert!(kept.insert(path, content.clone()).is_none()),
                    Err(BundleError::Taken { .. }) => {}
                    Err(error) => prop_assert!(false, "{}", error),
                }
            }
            let mut out = read(&bundle.finish(about()).unwrap());
            let manifest = out.iter().position(|(name, _)| name == "manifest.json").unwrap();
            let manifest: Value = serde_json::from_slice(&out.remove(manifest).1).unwrap();
            prop_assert_eq!(manifest["entries"].as_array().unwrap().len(), out.len());
            for ((name, content), entry) in out.iter().zip(manifest["entries"].as_array().unwrap()) {
                prop_assert_eq!(entry["path"].as_str(), Some(name.as_str()));
                prop_assert_eq!(&entry["sha256"], &json!(hex::encode(Sha256::digest(content))));
            }
            let out: BTreeMap<String, String> = out
                .into_iter()
                .map(|(name, content)| (name, String::from_utf8(content).unwrap()))
                .collect();
            prop_assert_eq!(out, kept);
        }
    }
}
