//! `.local/state.json`: what runs and where. Tests read it too (`ASSAY_STACK`).

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt};

use serde::{Deserialize, Serialize};

use crate::{
    checkout::Checkout,
    process::Running,
    stop::{OrStop, Result},
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) postgres: Option<Postgres>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) stack: Option<Stack>,
    pub(crate) git: Option<Git>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Postgres {
    /// None when the server is not ours.
    pub(crate) process: Option<Running>,
    pub(crate) port: Option<u16>,
    /// The superuser's, on the maintenance database: for tests, which make databases of their own.
    pub(crate) server_url: String,
    /// The owner of the schema.
    pub(crate) owner_url: String,
    /// The role of the functions, under row-level security.
    pub(crate) functions_url: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// None when the endpoint is not ours.
    pub(crate) process: Option<Running>,
    pub(crate) port: Option<u16>,
    pub(crate) url: String,
    pub(crate) is_ministack: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) webhook_url: String,
    pub(crate) api_url: String,
    /// The template's outputs, among them the URLs of all queues.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// The demo's git server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Git {
    pub(crate) process: Running,
    pub(crate) port: u16,
    pub(crate) url: String,
}

impl State {
    /// What was running when last seen; an unreadable file counts as nothing.
    pub(crate) fn load(checkout: &Checkout) -> Self {
        fs::read_to_string(checkout.local().join("state.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn save(&self, checkout: &Checkout) -> Result<()> {
        let path = checkout.local().join("state.json");
        let text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        // The URL of someone else's database may hold a password.
        let mut private = fs::OpenOptions::new();
        private.write(true).create(true).truncate(true).mode(0o600);
        private
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .or_stop(format_args!("cannot write {}", path.display()), "make the checkout writable")
    }
}
