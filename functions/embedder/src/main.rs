use aws_lambda_events::sqs::SqsEvent;
use embedder::{Config, Deps, handle, stop_at};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use queue::{EmbedRequested, Received};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = &Deps::open(Config::from_env()?)?;

    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let stop_at = stop_at(&event.context);
        let work = async |received: Received<EmbedRequested>| {
            handle(deps, received.message, stop_at).await
        };
        Ok::<_, Error>(queue::work_off(event.payload, work).await?)
    }))
    .await
}
