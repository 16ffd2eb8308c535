use tracing_subscriber::EnvFilter;

use crate::settings::optional;

/// Starts logging to standard error: JSON lines in Lambda, readable text elsewhere.
///
/// `RUST_LOG` filters as everywhere; `LOG_FORMAT=text|json` overrides the choice.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match optional("LOG_FORMAT").as_deref() {
        Some("json") => true,
        Some("text") => false,
        _ => optional("AWS_LAMBDA_FUNCTION_NAME").is_some(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(std::io::stderr);
    // A second call, as tests make, keeps the first subscriber.
    if json {
        let _ = builder.json().flatten_event(true).with_current_span(false).try_init();
    } else {
        let _ = builder.with_ansi(optional("NO_COLOR").is_none()).try_init();
    }
    #[cfg(feature = "faults")]
    install_faults();
}

/// What happens in this process where, as the fault suite wants it.
#[cfg(feature = "faults")]
fn install_faults() {
    let Some(plan) = optional("ASSAY_FAULTS") else { return };
    if let Err(error) = faults::install(&plan) {
        panic!("ASSAY_FAULTS: {error}");
    }
}
