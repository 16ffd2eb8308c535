use lambda_runtime::{Error, LambdaEvent, service_fn};
use scheduler::{Config, Deps, handle};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = &Deps::new(Config::from_env()?);
    // The event says only that a minute has passed.
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Value>| async move {
        Ok::<_, Error>(handle(deps).await?)
    }))
    .await
}
