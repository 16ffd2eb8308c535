use std::process::ExitCode;

use clap::Parser;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use migrator::{Arguments, Config, apply};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Error> {
    startup::init_logs();
    // Lambda starts a function without arguments.
    if std::env::args_os().len() > 1 {
        return Ok(Arguments::parse().run().await);
    }
    let config = &Config::from_env()?;
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Value>| async move {
        Ok::<_, Error>(apply(config).await?)
    }))
    .await?;
    Ok(ExitCode::SUCCESS)
}
