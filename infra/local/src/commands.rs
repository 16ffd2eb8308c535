//! What each command does, in order.

use std::{
    fs,
    io::Write,
    os::unix::process::CommandExt,
    process::{Command as Process, ExitCode, Stdio},
};

use crate::{
    arguments::{Arguments, Command, Environment},
    aws, chaos,
    checkout::Checkout,
    checks, database, demo, endpoint,
    functions::{self, Build},
    progress::{Ink, Screen},
    redrive, rules, runs, score, solver,
    state::State,
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

/// What every command needs: where it is, whom it talks to, what the environment said.
pub(crate) struct Local {
    pub(crate) checkout: Checkout,
    pub(crate) screen: Screen,
    pub(crate) environment: Environment,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let environment = arguments.environment.clone();
    let screen = Screen::new(environment.no_color.as_deref());
    let local = &Local { checkout: Checkout::here()?, screen, environment };
    match &arguments.command {
        Command::Up => {
            alone(local, || up(local, Build::FunctionsOnly).map(|state| print_urls(local, &state)))?
        }
        Command::Demo => return alone(local, || demo::run(local)),
        Command::Test => return alone(local, || checks::run(local)),
        Command::Chaos { arguments } => return alone(local, || chaos::run(local, arguments)),
        Command::Status => return status(local),
        Command::Logs { function, follow } => return logs(local, function.as_deref(), *follow),
        Command::Psql { arguments } => return psql(local, arguments),
        Command::Invoke { function, event } => {
            let (venv, state) = (Venv::ready(local)?, State::load(&local.checkout));
            let succeeded = aws::invoke(local, &venv, &state, function, event.as_deref())?;
            return Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Solver { architecture } => solver::run(local, *architecture)?,
        Command::Runs { arguments } => return runs::run(local, arguments),
        Command::Rules { arguments } => return rules::run(local, arguments),
        Command::Score { arguments } => return score::run(local, arguments),
        Command::Redrive { queue, dry_run, at_most } => {
            return redrive::run(local, queue.as_deref(), *dry_run, *at_most);
        }
        Command::Down => alone(local, || down(local))?,
        Command::Clean { data } => clean(local, *data)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps a second `cargo local` of this checkout from doing the same thing at the same time.
fn alone<T>(local: &Local, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let path = local.checkout.local().join("lock");
    let lock = fs::File::create(&path)
        .or_stop(format_args!("cannot write {}", path.display()), "make the checkout writable")?;
    if lock.try_lock().is_err() {
        eprintln!("waiting for another `cargo local` in this checkout …");
        lock.lock().or_stop("cannot take the lock", "end the other `cargo local`")?;
    }
    work()
}

/// Starts what does not run yet, and deploys.
pub(crate) fn up(local: &Local, what: Build) -> Result<State> {
    let venv = Venv::ready(local)?;
    let mut state = State::load(&local.checkout);
    database::up(local, &venv, &mut state)?;
    functions::build(local, what)?;
    if let Some(postgres) = &state.postgres {
        database::migrate(local, &venv, postgres)?;
    }
    endpoint::up(local, &venv, &mut state)?;
    aws::deploy(local, &venv, &mut state)?;
    Ok(state)
}

fn print_urls(local: &Local, state: &State) {
    let mut lines = Vec::new();
    if let Some(stack) = &state.stack {
        lines.push(("API", stack.api_url.clone()));
        lines.push(("webhooks", format!("{}/github", stack.webhook_url)));
    }
    if let Some(endpoint) = &state.endpoint {
        lines.push(("AWS endpoint", endpoint.url.clone()));
    }
    if let Some(postgres) = &state.postgres {
        lines.push(("database", hide_password(&postgres.owner_url)));
    }
    local.screen.headline("Assay is up");
    for (name, url) in lines {
        println!("  {name:<13} {url}");
    }
    println!("\n  cargo local demo | runs list | logs --follow | psql | status | down");
}

fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(set)".to_owned() };
    match rest.split_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => url.to_owned(),
    }
}

fn status(local: &Local) -> Result<ExitCode> {
    let state = State::load(&local.checkout);
    let tell = |name: &str, alive: bool, what: String| {
        let mark = match alive {
            true => local.screen.ink(Ink::Green, "up  "),
            false => local.screen.ink(Ink::Red, "down"),
        };
        println!("{mark} {name:<13} {what}");
        alive
    };
    let pid = |process: Option<&crate::process::Running>| {
        process.map_or("not ours".to_owned(), |process| format!("process {}", process.pid))
    };
    let mut all = true;
    if let Some(it) = &state.postgres {
        let alive = it.process.is_none() || database::is_alive(it);
        let url = hide_password(&it.owner_url);
        all &= tell("Postgres", alive, format!("{url}  ({})", pid(it.process.as_ref())));
    }
    if let Some(it) = &state.endpoint {
        let alive = endpoint::answers(&it.url);
        all &= tell("AWS endpoint", alive, format!("{}  ({})", it.url, pid(it.process.as_ref())));
        if let Some(stack) = &state.stack {
            tell("API", alive, stack.api_url.clone());
            tell("webhooks", alive, format!("{}/github", stack.webhook_url));
        }
    }
    if let Some(it) = &state.git {
        let what = format!("{}  (process {})", it.url, it.process.pid);
        tell("demo's git", it.process.is_alive(), what);
    }
    if state.postgres.is_none() && state.endpoint.is_none() {
        println!("nothing was started here yet: `cargo local up`");
        all = false;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn logs(local: &Local, function: Option<&str>, follow: bool) -> Result<ExitCode> {
    let (venv, state) = (Venv::ready(local)?, State::load(&local.checkout));
    let (mut command, request) = aws::logs(local, &venv, &state, function, follow)?;
    let next = "see whether the endpoint answers: `cargo local status`";
    let mut child = command.stdin(Stdio::piped()).spawn().or_stop("cannot start Python", next)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(request.as_bytes()).or_stop("cannot ask for the logs", next)?;
    }
    exit_like(child.wait().or_stop("cannot wait for Python", next)?)
}

fn psql(local: &Local, arguments: &[String]) -> Result<ExitCode> {
    let (venv, state) = (Venv::ready(local)?, State::load(&local.checkout));
    let postgres = state
        .postgres
        .ok_or_else(|| Stop::new("nothing is running", "start it with `cargo local up`"))?;
    let mut command: Process = database::shell(local, &venv, &postgres.owner_url, arguments)?;
    // Replaces this process, so that psql alone hears Ctrl-C.
    let error = command.exec();
    Err(Stop::new(format_args!("cannot start psql: {error}"), "run `cargo local clean`"))
}

pub(crate) fn exit_like(status: std::process::ExitStatus) -> Result<ExitCode> {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

pub(crate) fn down(local: &Local) -> Result<()> {
    let state = State::load(&local.checkout);
    demo::stop(&state);
    if let Some(it) = state.endpoint.as_ref().filter(|it| endpoint::is_alive(it)) {
        local.screen.step("AWS endpoint stops", None, || {
            endpoint::down(it);
            Ok(())
        })?;
    }
    database::stop_crashable(&local.checkout);
    // What the state says is kept: by its ports, URLs stay the same.
    if database::is_up(&local.checkout) {
        database::down(local, &Venv::ready(local)?)?;
    }
    Ok(())
}

fn clean(local: &Local, only_data: bool) -> Result<()> {
    alone(local, || down(local))?;
    database::forget(&local.checkout)?;
    let kept: &[&str] = if only_data { &["venv", "tools"] } else { &[] };
    let folder = local.checkout.local();
    let entries = fs::read_dir(&folder)
        .or_stop(format_args!("cannot read {}", folder.display()), "make it readable")?;
    for entry in entries.flatten() {
        if kept.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let path = entry.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.or_stop(format_args!("cannot delete {}", path.display()), "delete it by hand")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::hide_password;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(hide_password("postgres://me:word@db/assay"), "postgres://me@db/assay");
        assert_eq!(hide_password("postgres://db/assay"), "postgres://db/assay");
        assert_eq!(hide_password("host=db password=word"), "(set)");
    }
}
