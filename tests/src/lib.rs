//! What every integration test needs: a database of its own, on a real Postgres.

#![expect(clippy::unwrap_used, reason = "test support: panicking is the report")]

pub mod five_steps;
pub mod foreign;
pub mod function;
pub mod gate;
pub mod git_server;
pub mod github;
pub mod github_server;
pub mod queue_server;

use domain::{OrgId, RepositoryId};
use store::{
    Database,
    organizations::{self, NewOrganization},
    repositories::{self, NewRepository},
};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Connections a test may use at once; more than one, so that races can be staged.
const CONNECTIONS_MAX: usize = 4;

/// A fresh, migrated database, so that tests may run side by side.
///
/// Never dropped: the server itself is disposable, and a failed test can be looked at.
pub struct TestDatabase {
    server: Server,
    name: String,
}

impl TestDatabase {
    pub async fn create() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = Server::from_env();
        let template = TEMPLATE.get_or_init(|| make_template(&server)).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = server.connect("postgres").await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        Self { server, name }
    }

    /// On the server that a superuser's URL names, without a template: for those who use only one.
    pub async fn create_at(url: &str) -> Self {
        let server = Server::parse(url);
        let name = make_template(&server).await;
        Self { server, name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the functions see it: behind row-level security.
    pub fn functions(&self) -> Database {
        Database::with_connections(&self.functions_url(), CONNECTIONS_MAX).unwrap()
    }

    pub fn functions_url(&self) -> String {
        self.server.url(FUNCTIONS_ROLE, &self.name)
    }

    /// As the migrator sees it: the owner of everything.
    pub fn owner(&self) -> Database {
        Database::with_connections(&self.owner_url(), CONNECTIONS_MAX).unwrap()
    }

    pub fn owner_url(&self) -> String {
        self.server.url(&self.server.admin, &self.name)
    }

    /// The owner's connection for SQL of the test's own.
    pub async fn sql(&self) -> Client {
        self.server.connect(&self.name).await
    }

    /// The functions' connection for SQL of the test's own.
    pub async fn sql_as_functions(&self) -> Client {
        open(&self.functions_url()).await
    }

    pub async fn organization(&self, login: &str) -> OrgId {
        let org = OrgId::new(Uuid::now_v7());
        let mut session = self.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let new =
            NewOrganization { id: org, github_id: None, login, name: login, avatar_url: None };
        assert!(organizations::insert(&tx, &new).await.unwrap(), "{login} is taken");
        tx.commit().await.unwrap();
        org
    }

    /// A repository registered by hand, that is without an installation.
    pub async fn repository(&self, org: OrgId, github_id: i64, clone_url: &str) -> RepositoryId {
        let mut session = self.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let full_name = format!("acme/repository-{github_id}");
        let new = NewRepository {
            provider: "github",
            github_id: Some(github_id),
            installation: None,
            owner: "acme",
            name: &full_name[5..],
            full_name: &full_name,
            private: false,
            default_branch: "main",
            clone_url,
            html_url: None,
        };
        let id = repositories::insert(&tx, org, &new).await.unwrap().expect("not registered yet");
        tx.commit().await.unwrap();
        id
    }
}

const FUNCTIONS_ROLE: &str = "assay_app";

/// Where the test server is, taken apart so that role and database can be replaced.
struct Server {
    admin: String,
    address: String,
}

impl Server {
    /// A test that skips itself is a test that passes for the wrong reason, so this panics.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    fn from_env() -> Self {
        let url = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL is not set: run `cargo local test`, or see README.md");
        Self::parse(&url)
    }

    fn parse(url: &str) -> Self {
        let (user, rest) = url
            .strip_prefix("postgres://")
            .and_then(|rest| rest.split_once('@'))
            .expect("a server's URL should look like postgres://user@host:port/postgres");
        let address = rest.split('/').next().unwrap_or_default();
        Self { admin: user.to_owned(), address: address.to_owned() }
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@{}/{database}?sslmode=disable", self.address)
    }

    async fn connect(&self, database: &str) -> Client {
        open(&self.url(&self.admin, database)).await
    }
}

async fn open(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the test Postgres does not answer: is it running?");
    tokio::spawn(connection);
    client
}

/// Migrates one database, which every test's own is a copy of.
async fn make_template(server: &Server) -> String {
    let name = format!("template_{}", Uuid::now_v7().simple());
    let admin = server.connect("postgres").await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let database = Database::open(&server.url(&server.admin, &name)).unwrap();
    store::migrations::apply(&mut database.session().await.unwrap()).await.unwrap();
    // Roles belong to the server: another test process may have made it a moment ago.
    admin
        .batch_execute(&format!(
            "DO $$ BEGIN CREATE ROLE {FUNCTIONS_ROLE} LOGIN IN ROLE assay_functions;
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        ))
        .await
        .unwrap();
    name
}
