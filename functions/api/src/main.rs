use api::{Config, Deps, router};
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::init_logs();
    let deps = Deps::new(Config::from_env()?);
    lambda_http::run(router(deps)).await
}
