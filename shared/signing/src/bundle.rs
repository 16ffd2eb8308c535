//! The Sigstore bundle, version 0.3: an envelope with what stock verifiers want beside it.

use serde::{Deserialize, Serialize};

use crate::{
    Envelope, EnvelopeError,
    dsse::{ENVELOPE_BYTES_MAX, WireEnvelope},
};

/// The largest bundle that is read: an envelope and room for its proofs.
pub const BUNDLE_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + 256 * 1024;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Wraps an envelope. The hint repeats its key id; the key itself is never in a bundle.
pub fn bundle(envelope: &Envelope) -> Vec<u8> {
    let key_id = envelope.signatures.first().and_then(|signature| signature.key_id.clone());
    let bundle = WireBundle {
        media_type: MEDIA_TYPE.to_owned(),
        verification_material: VerificationMaterial {
            public_key: Some(PublicKeyHint { hint: key_id.unwrap_or_default() }),
            tlog_entries: [],
            timestamp_verification_data: TimestampVerificationData { rfc3161_timestamps: [] },
        },
        dsse_envelope: Some(WireEnvelope::from(envelope)),
    };
    serde_json::to_vec(&bundle).expect("strings always serialise")
}

/// Reads what people download: a bare envelope or a bundle.
pub fn parse_document(json: &[u8]) -> Result<Envelope, EnvelopeError> {
    if json.len() > BUNDLE_BYTES_MAX {
        return Err(EnvelopeError::TooLarge { bytes: json.len(), max: BUNDLE_BYTES_MAX });
    }
    let probe: Probe = serde_json::from_slice(json)?;
    if probe.media_type.is_none() && probe.dsse_envelope.is_none() {
        return Envelope::parse(json);
    }
    from_bundle(serde_json::from_slice(json)?)
}

fn from_bundle(bundle: WireBundle) -> Result<Envelope, EnvelopeError> {
    if bundle.media_type != MEDIA_TYPE {
        return Err(EnvelopeError::NotABundle("its mediaType is another one"));
    }
    let envelope = bundle.dsse_envelope.ok_or(EnvelopeError::NotABundle(
        "it has no dsseEnvelope; bundles over a bare digest carry no statement",
    ))?;
    let envelope = Envelope::try_from(envelope)?;
    let [signature] = envelope.signatures.as_slice() else {
        return Err(EnvelopeError::NotABundle("its envelope must have exactly one signature"));
    };
    let hint = bundle.verification_material.public_key.map(|key| key.hint).unwrap_or_default();
    let key_id = signature.key_id.as_deref().unwrap_or_default();
    if !hint.is_empty() && !key_id.is_empty() && hint != key_id {
        return Err(EnvelopeError::NotABundle("its key hint and its envelope name two keys"));
    }
    Ok(envelope)
}

/// Enough to tell the two documents apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    media_type: Option<serde::de::IgnoredAny>,
    dsse_envelope: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBundle {
    media_type: String,
    verification_material: VerificationMaterial,
    dsse_envelope: Option<WireEnvelope>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMaterial {
    public_key: Option<PublicKeyHint>,
    // Written because readers expect the fields; proofs that a bundle brings are not read here.
    #[serde(skip_deserializing)]
    tlog_entries: [(); 0],
    #[serde(skip_deserializing)]
    timestamp_verification_data: TimestampVerificationData,
}

#[derive(Serialize, Deserialize)]
struct PublicKeyHint {
    #[serde(default)]
    hint: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct TimestampVerificationData {
    #[serde(rename = "rfc3161Timestamps")]
    rfc3161_timestamps: [(); 0],
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{example::signed, sign};

    #[tokio::test]
    async fn a_bundle_holds_its_envelope_and_names_its_key() {
        let (envelope, _) = signed(|_| ()).await;
        let bundle = bundle(&envelope);
        assert_eq!(parse_document(&bundle).unwrap(), envelope);
        assert_eq!(parse_document(&envelope.to_json()).unwrap(), envelope);

        let mut json: Value = serde_json::from_slice(&bundle).unwrap();
        json["dsseEnvelope"]["payload"] = json!("…");
        json["dsseEnvelope"]["signatures"][0]["sig"] = json!("…");
        let key_id = "SHA256:f4AuBLdH4Lj/dIuwAUXXebzoI9B/cJ4iSQ3/qByIl4M";
        let expected = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "publicKey": { "hint": key_id },
                "tlogEntries": [],
                "timestampVerificationData": { "rfc3161Timestamps": [] },
            },
            "dsseEnvelope": {
                "payload": "…",
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "keyid": key_id, "sig": "…" }],
            },
        });
        assert_eq!(json, expected);
    }

    #[tokio::test]
    async fn a_bundle_that_is_not_ours_says_why() {
        let envelope = sign(&crate::example::signer(), b"{}".to_vec()).await.unwrap();
        let good: Value = serde_json::from_slice(&bundle(&envelope)).unwrap();
        let cases: [(&str, Value, &str); 6] = [
            (
                "/mediaType",
                json!("application/vnd.dev.sigstore.bundle+json;version=0.1"),
                "mediaType",
            ),
            ("/verificationMaterial/publicKey/hint", json!("SHA256:other"), "two keys"),
            ("/dsseEnvelope", Value::Null, "dsseEnvelope"),
            ("/dsseEnvelope/signatures", json!([]), "0 signatures"),
            ("/dsseEnvelope/signatures", json!([{ "sig": "" }, { "sig": "" }]), "exactly one"),
            ("/dsseEnvelope/payload", json!("%"), "`payload` is not base64"),
        ];
        for (pointer, value, why) in cases {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let error = parse_document(changed.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{pointer}: {error}");
        }
    }

    #[tokio::test]
    async fn proofs_that_a_bundle_brings_do_not_disturb() {
        let (envelope, _) = signed(|_| ()).await;
        let mut json: Value = serde_json::from_slice(&bundle(&envelope)).unwrap();
        json["verificationMaterial"]["tlogEntries"] = json!([{ "logIndex": "258" }]);
        json["verificationMaterial"]["timestampVerificationData"] = json!({});
        assert_eq!(parse_document(json.to_string().as_bytes()).unwrap(), envelope);
    }

    #[test]
    fn hostile_documents_are_refused_and_not_only_survived() {
        let deep =
            |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
        let signatures = vec![r#"{"sig":"AA=="}"#; 100].join(",");
        let envelope = |payload: &str, signatures: &str| {
            format!(r#"{{"payload":"{payload}","payloadType":"t","signatures":[{signatures}]}}"#)
        };
        let cases = [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "\u{feff}{}".to_owned(),
            deep("[", "]"),
            deep(r#"{"dsseEnvelope":"#, "}"),
            format!(r#"{{"payload":{},"payloadType":"t"}}"#, deep("[", "]")),
            envelope("e30=", ""),
            envelope("e30=", &signatures),
            envelope("e30=", r#"{"sig":7}"#),
            envelope("e3\\u0000=", r#"{"sig":"AA=="}"#),
            envelope(&"A".repeat(BUNDLE_BYTES_MAX), r#"{"sig":"AA=="}"#),
            envelope(&"A".repeat(ENVELOPE_BYTES_MAX), r#"{"sig":"AA=="}"#),
            envelope("e30=", r#"{"sig":"AA=="}"#)
                .replace("payload\":", "payload\":\"x\",\"payload\":"),
        ];
        for (index, case) in cases.iter().enumerate() {
            assert!(parse_document(case.as_bytes()).is_err(), "case {index}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_bytes_never_panic_and_never_verify(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(parse_document(&bytes).is_err());
        }

        #[test]
        fn cut_and_spliced_bundles_never_panic(cut in 0_usize..400, length in 0_usize..64, filling in ".{0,16}") {
            let signer = crate::example::signer();
            let envelope = Envelope {
                payload_type: "t".to_owned(),
                payload: b"{}".to_vec(),
                signatures: vec![crate::Signature { key_id: Some("k".to_owned()), bytes: vec![1; 70] }],
            };
            let mut document = bundle(&envelope);
            let start = cut.min(document.len());
            let end = (start + length).min(document.len());
            document.splice(start..end, filling.bytes());
            if let Ok(parsed) = parse_document(&document) {
                prop_assert!(parsed.verify(signer.public_key()).is_err());
            }
        }
    }
}
