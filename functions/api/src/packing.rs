//! What goes into a download, under which name, and how it is sent.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bundling::{Bundle, BundleError, Packed, pretty_json, redact, redact_text, safe_path};
use domain::{ArtifactId, Citation, Content};
use serde_json::{Map, Value, json};
use store::{
    Tx,
    artifacts::{self, Artifact},
};

use crate::{
    badge_image::is_known,
    problem::{Kind, Problem},
};

pub(crate) const ZIP: &str = "application/zip";
/// Lambda sends six megabytes with everything around them; a file travels in base64, four bytes
/// for three, and headers take some.
pub(crate) const FILE_BYTES_MAX: usize = (6 * 1024 * 1024 - 64 * 1024) / 4 * 3;
/// Versions that are in memory at once; each has at most a megabyte.
const VERSIONS_A_READ: usize = 16;
/// The digest that says the same as the entity tag, in the words of RFC 9530.
const DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Adds versions, a few at a time.
pub(crate) async fn add_artifacts(
    bundle: &mut Bundle,
    tx: &Tx<'_>,
    ids: &[ArtifactId],
) -> Result<(), Problem> {
    for some in ids.chunks(VERSIONS_A_READ) {
        for artifact in artifacts::load(tx, some).await? {
            add_artifact(bundle, &artifact).map_err(|error| refused(error, &artifact))?;
        }
    }
    Ok(())
}

/// The version itself, and beside it what it stands on.
fn add_artifact(bundle: &mut Bundle, artifact: &Artifact) -> Result<(), BundleError> {
    let about = &artifact.summary;
    // A key is text like any other, and may hold what must not be seen.
    let key = safe_path(&redact_text(about.key.as_str()));
    let name = format!("{}/{key}.v{}", about.kind, about.version);
    let (ending, content, fields) = match &artifact.content {
        Content::Markdown { text, fields } => ("md", redact_text(text), fields.clone()),
        Content::Json(value) => ("json", pretty_json(&redact(value)), Map::new()),
    };
    bundle.add(&format!("artifacts/{name}.{ending}"), content.as_bytes())?;
    let beside = json!({
        "artifact": {
            "id": about.id,
            "kind": about.kind,
            "logical_key": about.key.as_str(),
            "version": about.version,
            "format": about.format,
            "run_id": about.run,
            "created_at": about.created_at,
        },
        "fields": fields,
        "citations": artifact.citations.iter().map(citation).collect::<Vec<_>>(),
    });
    bundle.add_json(&format!("citations/{name}.json"), &redact(&beside))
}

fn citation(citation: &Citation) -> Value {
    json!({
        "number": citation.number,
        "source_type": citation.source,
        "source_ref": citation.reference,
        "payload": citation.payload,
    })
}

/// Adds rows as numbered files, each called by what a column of it says.
pub(crate) fn add_rows(
    bundle: &mut Bundle,
    folder: &str,
    rows: &[Value],
    column: &str,
) -> Result<(), BundleError> {
    rows.iter().zip(1..).try_for_each(|(row, number)| {
        let called = safe_path(&redact_text(row[column].as_str().unwrap_or_default()));
        let called = called.replace('/', "_");
        bundle.add_json(&format!("{folder}/{number:03}.{called}.json"), &redact(row))
    })
}

/// What a caller learns when a version has no place in the bundle.
fn refused(error: BundleError, artifact: &Artifact) -> Problem {
    let BundleError::Taken { path, taken } = error else { return problem(error) };
    let about = &artifact.summary;
    Problem::conflict(format!(
        "`{}` of kind {} would be the file {path}, which would take the place of {taken}; export \
         them apart, with ?kind= and ?key_prefix=",
        about.key, about.kind,
    ))
}

pub(crate) fn problem(error: BundleError) -> Problem {
    match error {
        BundleError::TooLarge { bytes_max } => Problem::new(
            Kind::AnswerTooLarge,
            format!("more than {bytes_max} bytes would have to be sent at once"),
        ),
        BundleError::Taken { .. } | BundleError::Unsafe { .. } | BundleError::Zip(_) => {
            Problem::bug(error)
        }
    }
}

/// A finished bundle as a download, or that the caller has it already.
pub(crate) fn download(name: &str, packed: Packed, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", packed.sha256);
    // Whoever may read it may keep it, and asks whether it is still the same.
    let cached = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".into())];
    if is_known(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    let digest = hex::decode(&packed.sha256).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, ZIP.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.zip\"")),
        (DIGEST, format!("sha-256=:{}:", BASE64_STANDARD.encode(digest))),
    ];
    (cached, headers, packed.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_largest_size_fits_into_what_lambda_sends() {
        let sent = FILE_BYTES_MAX.div_ceil(3) * 4;
        assert!(sent <= 6 * 1024 * 1024 - 32 * 1024, "{sent}");
    }

    #[test]
    fn rows_become_numbered_files_and_a_wild_name_stays_one_file() {
        let mut bundle = Bundle::new("bundle.json", FILE_BYTES_MAX);
        let rows =
            [json!({ "step_id": "../fetch" }), json!({ "step_id": "ghp_0123456789abcdefghij" })];
        add_rows(&mut bundle, "steps", &rows, "step_id").unwrap();
        for path in ["steps/001.___fetch.json", "steps/002._REDACTED_.json"] {
            let error = bundle.add(path, b"").unwrap_err();
            assert!(matches!(error, BundleError::Taken { .. }), "{path}: {error}");
        }
    }
}
