//! Source from any git server over smart HTTP: exactly the commits asked for, without history.
//!
//! Nothing here needs a git program, a checkout or a credential helper. The calls block: run them
//! on a thread that may (`tokio::task::spawn_blocking`).

mod changes;
mod error;
mod scratch;
mod transport;
mod tree;

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering, mpsc},
    time::Duration,
};

use domain::{ChangedFile, CommitSha, Snapshot};
use gix::{
    ObjectId, Repository, ThreadSafeRepository,
    bstr::ByteSlice,
    progress::Discard,
    protocol::{handshake::Ref, transport::Protocol, transport::client::blocking_io::http},
    remote::{Connection, Direction, fetch::Shallow, fetch::Tags},
};
use secrecy::SecretString;

pub use error::GitError;
use scratch::Scratch;
use transport::{GuardedHttp, Meter};
use tree::Listing;

use crate::AddressGuard;

/// What is given up on, or left out, instead of filling the disk and the memory of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the transfer, and most bytes of all files together.
    pub bytes_max: u64,
    /// Most files of one commit.
    pub files_max: usize,
    /// A larger file is left out, and listed as such.
    pub file_bytes_max: u64,
    /// Longest time for all of it.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 250 * 1024 * 1024,
            files_max: 50_000,
            file_bytes_max: 5 * 1024 * 1024,
            time: Duration::from_secs(120),
        }
    }
}

pub struct FetchRequest {
    /// `https://…`; plain `http://` only for hosts that the guard was told to allow.
    pub url: String,
    pub head: CommitSha,
    /// What `head` is compared with.
    pub base: Option<CommitSha>,
    /// Sent as the password of HTTP basic authentication; unencrypted only where the guard
    /// allows plain http at all.
    pub token: Option<SecretString>,
    pub limits: Limits,
}

#[derive(Debug)]
pub struct Fetched {
    pub snapshot: Snapshot,
    /// The commit as git stores it, byte for byte what `git cat-file commit` prints.
    pub commit_object: Vec<u8>,
    /// Given when a base was: what differs from it. Deleted files are not listed.
    pub changes: Option<Vec<ChangedFile>>,
    /// Given when a base was: the files of it that the head does not have in the same form. Every
    /// other file is the head's. What is over the limits is listed as left out.
    pub base_files: Option<Snapshot>,
}

/// The branch that a repository's HEAD points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultBranch {
    /// Such as `main`.
    pub name: String,
    pub head: CommitSha,
}

/// Fetches `head` (and `base`) without history and reads its files.
pub fn fetch(request: &FetchRequest, guard: &AddressGuard) -> Result<Fetched, GitError> {
    let limits = &request.limits;
    let head = object_id(&request.head)?;
    let base = request.base.as_ref().map(object_id).transpose()?;
    let meter = Meter::start(limits.time, limits.bytes_max);
    let remote = Remote::open(&request.url, request.token.as_ref(), guard, meter, limits)?;

    remote.fetch_commit(&request.head)?;
    if let Some(base) = request.base.as_ref().filter(|base| **base != request.head) {
        remote.fetch_commit(base)?;
    }

    let (repository, meter) = (&remote.repository, &remote.meter);
    let commit = repository.find_commit(head).map_err(GitError::local)?;
    let files = Listing::of(repository, head, limits, meter)?;
    let (mut changes, mut base_files) = (None, None);
    if let Some((base, sha)) = base.zip(request.base.clone()) {
        let old = Listing::of(repository, base, limits, meter)?;
        changes = Some(changes::between(repository, &old, &files, limits, meter)?);
        base_files = Some(old.without(&files).read_some(repository, sha, limits, meter)?);
    }
    Ok(Fetched {
        snapshot: files.read(repository, request.head.clone(), limits, meter)?,
        commit_object: commit.data.clone(),
        changes,
        base_files,
    })
}

/// Asks where the default branch stands, without fetching anything.
pub fn default_branch_head(
    url: &str,
    token: Option<&SecretString>,
    guard: &AddressGuard,
    limits: &Limits,
) -> Result<DefaultBranch, GitError> {
    let meter = Meter::start(limits.time, limits.bytes_max);
    let remote = Remote::open(url, token, guard, meter, limits)?;
    let references = remote.references("HEAD")?;
    let head = references.into_iter().find_map(|reference| match reference {
        Ref::Symbolic { full_ref_name, target, object, .. } if full_ref_name == "HEAD" => {
            Some((target, object))
        }
        Ref::Symbolic { .. } | Ref::Direct { .. } | Ref::Peeled { .. } | Ref::Unborn { .. } => None,
    });
    let (target, object) = head.ok_or(GitError::NoDefaultBranch)?;
    let name = target.strip_prefix(b"refs/heads/").ok_or(GitError::NoDefaultBranch)?;
    let head = object.to_string().parse().map_err(GitError::local)?;
    Ok(DefaultBranch { name: name.to_str_lossy().into_owned(), head })
}

/// Asks where a branch stands, without fetching anything.
pub fn branch_head(
    url: &str,
    branch: &str,
    token: Option<&SecretString>,
    guard: &AddressGuard,
    limits: &Limits,
) -> Result<CommitSha, GitError> {
    let name = format!("refs/heads/{branch}");
    // Anything but a plain name would be a pattern, or make the refspec another one.
    if gix::validate::reference::name(name.as_str().into()).is_err() {
        return Err(GitError::BranchNotFound(branch.to_owned()));
    }
    let meter = Meter::start(limits.time, limits.bytes_max);
    let remote = Remote::open(url, token, guard, meter, limits)?;
    let head = remote.references(&name)?.into_iter().find_map(|reference| match reference {
        Ref::Direct { full_ref_name, object } | Ref::Symbolic { full_ref_name, object, .. } => {
            (full_ref_name == name.as_str()).then_some(object)
        }
        Ref::Peeled { .. } | Ref::Unborn { .. } => None,
    });
    let head = head.ok_or_else(|| GitError::BranchNotFound(branch.to_owned()))?;
    head.to_string().parse().map_err(GitError::local)
}

/// A repository on a server, with a bare copy of what was fetched in a folder of its own.
struct Remote {
    url: String,
    guard: AddressGuard,
    token: Option<SecretString>,
    repository: Repository,
    meter: Arc<Meter>,
    /// Deletes the copy when dropped; behind `repository`, whose files it holds.
    _scratch: Scratch,
}

impl Remote {
    fn open(
        url: &str,
        token: Option<&SecretString>,
        guard: &AddressGuard,
        meter: Arc<Meter>,
        limits: &Limits,
    ) -> Result<Self, GitError> {
        let url = guard.check(url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(GitError::UnexpectedUrl);
        }
        let scratch = Scratch::new().map_err(GitError::local)?;
        let repository = ThreadSafeRepository::init_opts(
            scratch.repository(),
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            // Isolated: neither the user's configuration nor the environment takes part.
            gix::open::Options::isolated().config_overrides([
                // An object that inflates to more than a whole commit may have is a bomb.
                format!("gitoxide.objects.allocLimit={}", limits.bytes_max),
            ]),
        )
        .map_err(GitError::local)?
        .to_thread_local();
        Ok(Self {
            url: url.into(),
            guard: guard.clone(),
            token: token.cloned(),
            repository,
            meter,
            _scratch: scratch,
        })
    }

    fn fetch_commit(&self, sha: &CommitSha) -> Result<(), GitError> {
        let received = self.until_deadline(|| {
            let spec = format!("+{sha}:refs/fetched/{sha}");
            let remote = self.remote(&spec)?;
            self.connect(&remote)?
                .prepare_fetch(Discard, gix::remote::ref_map::Options::default())?
                .with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN))
                .receive(Discard, &self.meter.interrupted)?;
            Ok(())
        });
        received.map_err(|error| self.explain(error, Some(sha)))?;
        // A server may send another object under the name of a commit, but not another commit.
        let id = object_id(sha)?;
        match self.repository.find_header(id) {
            Ok(header) if header.kind() == gix::objs::Kind::Commit => Ok(()),
            Ok(_) | Err(_) => Err(GitError::CommitNotFound(sha.clone())),
        }
    }

    fn references(&self, spec: &str) -> Result<Vec<Ref>, GitError> {
        let listed = self.until_deadline(|| {
            let remote = self.remote(spec)?;
            let (map, _) = self
                .connect(&remote)?
                .ref_map(Discard, gix::remote::ref_map::Options::default())?;
            Ok(map.remote_refs)
        });
        listed.map_err(|error| self.explain(error, None))
    }

    fn remote(&self, spec: &str) -> gix::Result<gix::Remote<'_>> {
        self.repository
            .remote_at_without_url_rewrite(self.url.as_str())?
            .with_fetch_tags(Tags::None)
            .with_refspecs([spec], Direction::Fetch)
    }

    fn connect<'a>(
        &'a self,
        remote: &'a gix::Remote<'a>,
    ) -> gix::Result<Connection<'a, 'a, 'a, http::Transport<GuardedHttp>>> {
        let http = GuardedHttp::new(&self.guard, self.token.as_ref(), Arc::clone(&self.meter))
            .map_err(gix::Error::from_error)?;
        let url = gix::url::parse(self.url.as_str())?;
        let transport = http::Transport::new_http(http, url, Protocol::V2, false);
        Ok(remote
            .to_connection_with_transport(transport)
            .with_transport_options(Box::new(()))
            // Our transport never asks; without this gix would look for a helper or a terminal.
            .with_credentials(|_| Ok(None)))
    }

    /// Runs `work` and raises the interrupt flag when the time is over: resolving a pack reads
    /// nothing, so the transport alone could not stop it.
    fn until_deadline<T>(&self, work: impl FnOnce() -> gix::Result<T>) -> gix::Result<T> {
        let (finished, waiting) = mpsc::channel::<()>();
        let meter = &*self.meter;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let outcome = waiting.recv_timeout(meter.remaining());
                if outcome == Err(mpsc::RecvTimeoutError::Timeout) {
                    meter.interrupted.store(true, Ordering::Relaxed);
                }
            });
            let result = work();
            drop(finished);
            result
        })
    }

    fn explain(&self, error: gix::Error, sha: Option<&CommitSha>) -> GitError {
        if let Some(failure) = self.meter.take_failure() {
            return failure;
        }
        let exhausted = error
            .classify()
            .any(|found| matches!(found.class(), gix::error::Class::ResourceExhaustion(_)));
        if exhausted {
            return GitError::TooLarge { bytes_max: self.meter.bytes_max() };
        }
        // The server says so in words only: "upload-pack: not our ref <sha>".
        match sha {
            Some(sha) if format!("{error:?}").contains("not our ref") => {
                GitError::CommitNotFound(sha.clone())
            }
            Some(_) | None => GitError::Protocol(Box::new(error)),
        }
    }
}

fn object_id(sha: &CommitSha) -> Result<ObjectId, GitError> {
    ObjectId::from_hex(sha.as_str().as_bytes())
        .map_err(|_| GitError::UnsupportedObjectFormat(sha.clone()))
}

#[cfg(test)]
pub(crate) mod tests;
