use std::process::ExitCode;

use crate::{
    commands::{Local, up},
    stop::Result,
};

pub(crate) fn run(local: &Local) -> Result<ExitCode> {
    up(local)?;
    Ok(ExitCode::SUCCESS)
}
