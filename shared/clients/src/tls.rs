/// Makes ring the TLS provider of this process, unless one was chosen before.
pub(crate) fn install_provider() {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
