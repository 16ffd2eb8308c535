//! The OpenAPI document: what the routes say, and what holds for all of them.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Info, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
        ResponseBuilder,
        path::{Operation, ParameterIn},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
        tag::TagBuilder,
    },
};

use crate::problem::{FieldError, MEDIA_TYPE, ProblemDocument};

const BEARER: &str = "bearer";
const HEADER: &str = "header";

const TAGS: [(&str, &str); 16] = [
    ("repositories", "What is watched."),
    ("runs", "Durable work: what was asked for, and how far it is."),
    ("approvals", "What people were asked to allow, and what they said."),
    ("scans", "All the code of a branch, examined in shards."),
    ("schedules", "When branches are scanned again and again."),
    ("analyses", "What was learned about one commit."),
    ("findings", "What an analysis objects to, with the evidence to check it."),
    ("rules", "Rules of the customer's own, tried before they are kept."),
    ("trust", "How far files can be relied on, with the evidence."),
    ("changes", "What changes do: facts, and words made of them."),
    ("search", "Code that was indexed, by words and by likeness."),
    ("attestations", "What was signed, in the exact bytes, and the keys to check it with."),
    ("artifacts", "Documents in versions, what they stand on, and everything at once to be kept."),
    ("badges", "What a repository may show to strangers."),
    ("administration", "Keys, and the record of who changed what."),
    ("service", "The service itself."),
];

/// The document before the routes add themselves.
pub(crate) fn begin() -> OpenApi {
    OpenApiBuilder::new()
        .info(info())
        .tags(Some(
            TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build()),
        ))
        .security(Some([
            SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []),
            SecurityRequirement::new::<_, [&str; 0], &str>(HEADER, []),
        ]))
        .build()
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Assay")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Examines commits, keeps what it learned searchable, and signs what it can prove.\n\n\
             Every list is cut into pages: send `next_cursor` back as `cursor` until it is null. \
             Every error is a problem document (RFC 9457) with a `code` for programs.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build()
}

/// Adds the schemes of authentication, and to each operation the problems that it can answer
/// because of what it is: one with a body can refuse the body, one with a key the key.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key: `asy_` and 36 letters and digits."))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    components.add_security_scheme(HEADER, header);
    components.schemas.insert(ProblemDocument::name().into_owned(), ProblemDocument::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());

    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_problems(operation);
        }
    }
    document
}

fn add_problems(operation: &mut Operation) {
    let public = operation.security.is_some();
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let in_path = parameters.iter().any(|one| match one {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Path,
        RefOr::Ref(_) => false,
    });
    let has_body = operation.request_body.is_some();
    let possible = [
        ("400", !parameters.is_empty() || has_body, "The request cannot be accepted."),
        ("401", !public, "The API key is missing, unknown, expired or revoked."),
        ("403", !public, "The API key may not do this."),
        ("404", in_path && !public, "The organisation has no such thing."),
        ("413", has_body, "The body is larger than what is read."),
        ("415", has_body, "The body is not announced as JSON."),
        ("500", !public, "Something broke on our side."),
        ("503", !public, "The database does not answer; try again in a moment."),
    ];
    for (status, applies, description) in possible {
        if applies && !operation.responses.responses.contains_key(status) {
            let response = RefOr::T(problem(description));
            operation.responses.responses.insert(status.to_owned(), response);
        }
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
