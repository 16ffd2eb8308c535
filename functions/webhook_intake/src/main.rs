use lambda_http::{Error, Request, run, service_fn};
use webhook_intake::{Config, Deps, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = &Deps::new(Config::from_env()?);
    run(service_fn(
        move |request: Request| async move { Ok::<_, Error>(handle(deps, request).await) },
    ))
    .await
}
