//! A key in AWS KMS: `ECC_NIST_P256`, given the digest, answering DER.

use aws_sdk_kms::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use sha2::{Digest, Sha256};

use crate::{PublicKey, SignerError};

#[derive(Debug)]
pub struct KmsKey {
    client: Client,
    key: String,
    public: PublicKey,
}

impl KmsKey {
    /// Takes region, credentials and endpoint from where AWS programs take them.
    pub(crate) async fn open(key: &str) -> Result<Self, SignerError> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = aws_config::from_env().http_client(http).load().await;
        Self::with_client(Client::new(&config), key).await
    }

    /// Asks for the public key once; a key that cannot sign for us is refused here.
    pub async fn with_client(client: Client, key: &str) -> Result<Self, SignerError> {
        let answer = client.get_public_key().key_id(key).send().await;
        let answer = answer.map_err(|error| refused(error, key))?;
        let wrong = || SignerError::KmsWrongKey { key: key.to_owned() };
        if answer.key_spec() != Some(&KeySpec::EccNistP256)
            || answer.key_usage() != Some(&KeyUsageType::SignVerify)
        {
            return Err(wrong());
        }
        let der = answer.public_key().ok_or_else(wrong)?;
        let public = PublicKey::from_der(der.as_ref()).map_err(|_| wrong())?;
        Ok(Self { client, key: key.to_owned(), public })
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let digest = Sha256::digest(message).to_vec();
        let answer = self
            .client
            .sign()
            .key_id(&self.key)
            // A statement is larger than the 4096 bytes that KMS would hash itself.
            .message(Blob::new(digest))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|error| refused(error, &self.key))?;
        let signature = answer.signature.map(Blob::into_inner).unwrap_or_default();
        // Imitations of KMS hash the digest once more; what does not verify must not be stored.
        if self.public.verifies(message, &signature) {
            Ok(signature)
        } else {
            Err(SignerError::KmsWrongSignature { key: self.key.clone() })
        }
    }
}

/// Sorts what may succeed later from what someone has to mend.
fn refused<E>(error: SdkError<E, aws_sdk_kms::config::http::HttpResponse>, key: &str) -> SignerError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    const PASSING: [&str; 7] = [
        "DependencyTimeoutException",
        "KeyUnavailableException",
        "KMSInternalException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
    ];
    let later = match error.as_service_error() {
        // No answer, or none that could be read.
        None => true,
        Some(service) => {
            service.code().is_some_and(|code| PASSING.contains(&code))
                || error.raw_response().is_some_and(|answer| answer.status().is_server_error())
        }
    };
    let source = Box::new(error);
    if later {
        SignerError::KmsUnavailable(source)
    } else {
        SignerError::KmsRefused { key: key.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
    };

    use aws_sdk_kms::config::{BehaviorVersion, Region, retry::RetryConfig};
    use domain::{Classify, ErrorKind};
    use p256::{
        ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner},
        elliptic_curve::Generate,
        pkcs8::EncodePublicKey,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::base64;

    const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1";

    /// How the endpoint behaves; `Documented` is what AWS writes about `DIGEST`.
    #[derive(Clone, Copy, PartialEq)]
    enum Behaviour {
        Documented,
        HashesTheDigestAgain,
        OtherCurve,
        Fails { when_signing: bool, status: u16, code: &'static str },
    }

    /// Serves KMS over plain HTTP on a port of its own, for as long as the test runs.
    fn serve(behaviour: Behaviour) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let key = SigningKey::generate();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (action, input) = read_request(&stream);
                let (status, body) = answer(behaviour, &key, &action, &input);
                let body = body.to_string();
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n\
                     connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .unwrap();
            }
        });
        client(&format!("http://{address}"))
    }

    fn client(endpoint: &str) -> Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(endpoint)
            .allow_no_auth()
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(config.build())
    }

    fn read_request(stream: &TcpStream) -> (String, Value) {
        let mut reader = BufReader::new(stream);
        let (mut action, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => action = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (action, serde_json::from_slice(&body).unwrap())
    }

    fn answer(behaviour: Behaviour, key: &SigningKey, action: &str, input: &Value) -> (u16, Value) {
        if let Behaviour::Fails { when_signing, status, code } = behaviour
            && when_signing == (action == "TrentService.Sign")
        {
            return (status, json!({ "__type": code, "message": "as you wish" }));
        }
        if input["KeyId"] != ARN {
            return (400, json!({ "__type": "NotFoundException" }));
        }
        match action {
            "TrentService.GetPublicKey" => {
                let der = key.verifying_key().to_public_key_der().unwrap();
                let p384 = behaviour == Behaviour::OtherCurve;
                let curve = if p384 { "ECC_NIST_P384" } else { "ECC_NIST_P256" };
                let public = base64::encode(der.as_bytes());
                (
                    200,
                    json!({ "KeyId": ARN, "KeySpec": curve, "KeyUsage": "SIGN_VERIFY", "PublicKey": public }),
                )
            }
            "TrentService.Sign" => {
                let digest = base64::decode(input["Message"].as_str().unwrap()).unwrap();
                let as_documented = digest.len() == 32
                    && input["MessageType"] == "DIGEST"
                    && input["SigningAlgorithm"] == "ECDSA_SHA_256";
                if !as_documented {
                    return (400, json!({ "__type": "ValidationException" }));
                }
                let again = behaviour == Behaviour::HashesTheDigestAgain;
                let digest = if again { Sha256::digest(&digest).to_vec() } else { digest };
                let signature: Signature = key.sign_prehash(&digest).unwrap();
                let der = base64::encode(signature.to_der().as_bytes());
                (
                    200,
                    json!({ "KeyId": ARN, "Signature": der, "SigningAlgorithm": "ECDSA_SHA_256" }),
                )
            }
            _ => (400, json!({ "__type": "UnknownOperationException" })),
        }
    }

    #[tokio::test]
    async fn kms_signs_the_digest_and_anyone_can_verify_it() {
        let key = KmsKey::with_client(serve(Behaviour::Documented), ARN).await.unwrap();
        let public = key.public_key().clone();
        let signer = crate::Signer::Kms(key);
        let envelope = crate::sign(&signer, b"{}".to_vec()).await.unwrap();
        assert_eq!(envelope.verify(&public).unwrap(), b"{}");
        assert_eq!(
            envelope.signatures[0].key_id.as_deref(),
            Some(PublicKey::from_pem(&public.to_pem()).unwrap().key_id().as_str())
        );
    }

    #[tokio::test]
    async fn a_second_hashing_is_noticed_before_anything_is_stored() {
        let key = KmsKey::with_client(serve(Behaviour::HashesTheDigestAgain), ARN).await.unwrap();
        let error = key.sign(b"message").await.unwrap_err();
        assert!(matches!(error, SignerError::KmsWrongSignature { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Bug);
    }

    #[tokio::test]
    async fn a_key_that_cannot_sign_for_us_is_refused_at_start() {
        let error = KmsKey::with_client(serve(Behaviour::OtherCurve), ARN).await.unwrap_err();
        assert!(matches!(error, SignerError::KmsWrongKey { .. }), "{error:?}");
        let error =
            KmsKey::with_client(serve(Behaviour::Documented), "arn:other").await.unwrap_err();
        assert!(matches!(error, SignerError::KmsRefused { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Bug);
    }

    #[tokio::test]
    async fn what_passes_is_unavailable_and_what_must_be_mended_is_a_bug() {
        let cases = [
            (400, "ThrottlingException", ErrorKind::Unavailable),
            (400, "LimitExceededException", ErrorKind::Unavailable),
            (500, "DependencyTimeoutException", ErrorKind::Unavailable),
            (500, "KMSInternalException", ErrorKind::Unavailable),
            (500, "KeyUnavailableException", ErrorKind::Unavailable),
            (503, "Whatever", ErrorKind::Unavailable),
            (400, "AccessDeniedException", ErrorKind::Bug),
            (400, "DisabledException", ErrorKind::Bug),
            (400, "KMSInvalidStateException", ErrorKind::Bug),
        ];
        for (status, code, kind) in cases {
            let behaviour = Behaviour::Fails { when_signing: true, status, code };
            let key = KmsKey::with_client(serve(behaviour), ARN).await.unwrap();
            assert_eq!(key.sign(b"message").await.unwrap_err().kind(), kind, "{code}");

            let behaviour = Behaviour::Fails { when_signing: false, status, code };
            let error = KmsKey::with_client(serve(behaviour), ARN).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{code} at start");
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_unavailable() {
        // Bound and closed again, so that nobody listens there.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error =
            KmsKey::with_client(client(&format!("http://{address}")), ARN).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
