use attestor::{Config, Deps, handle};
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use queue::{AttestRequested, Received};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = &Deps::new(Config::from_env()?);

    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let work = async |received: Received<AttestRequested>| handle(deps, received.message).await;
        Ok::<_, Error>(queue::work_off(event.payload, work).await?)
    }))
    .await
}
