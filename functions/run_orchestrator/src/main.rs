use lambda_runtime::{Error, service_fn};
use run_orchestrator::{Config, Deps, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = &Deps::new(Config::from_env()?)?;
    lambda_runtime::run(service_fn(move |event| async move {
        Ok::<_, Error>(handle(deps, event).await?)
    }))
    .await
}
