//! Between the functions and Postgres: a proxy that reads just enough of the protocol to know a
//! COMMIT, and then loses it, or its reply, or falls silent as a dropped NAT entry does.

use std::{net::SocketAddr, sync::Arc, sync::Mutex, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::Instant,
};

use crate::{
    tally::Tally,
    trial::{WireFaults, dice},
};

/// A connection that was idle for so long may be lost without notice.
const IDLE: Duration = Duration::from_secs(1);
/// How long a connection that fell silent is kept; nobody waits that long.
const SILENCE: Duration = Duration::from_secs(120);

pub(crate) struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    faults: Mutex<WireFaults>,
    dice: Mutex<fastrand::Rng>,
    orders: watch::Sender<Orders>,
    tally: Arc<Tally>,
}

/// Counters that only grow; a connection obeys what is given after it began.
#[derive(Debug, Default, Clone, Copy)]
struct Orders {
    cuts: u32,
    silences: u32,
    idle_silences: u32,
}

/// What happens to a message on its way to the server.
enum Fate {
    Forward,
    Lose,
    ForwardAndLoseReply,
}

impl Wire {
    pub(crate) async fn start(
        upstream: SocketAddr,
        seed: u64,
        faults: WireFaults,
        tally: Arc<Tally>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            faults: Mutex::new(faults),
            dice: Mutex::new(dice(seed, "wire")),
            orders: watch::Sender::new(Orders::default()),
            tally,
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&accepting), client));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection there is.
    pub(crate) fn cut(&self) {
        self.shared.orders.send_modify(|orders| orders.cuts += 1);
        self.shared.tally.add("connections cut");
    }

    /// Every connection there is falls silent, and neither side is told.
    pub(crate) fn fall_silent(&self) {
        self.shared.orders.send_modify(|orders| orders.silences += 1);
        self.shared.tally.add("connections blackholed");
    }

    /// Every connection that nobody uses at the moment falls silent.
    pub(crate) fn fall_silent_when_idle(&self) {
        self.shared.orders.send_modify(|orders| orders.idle_silences += 1);
        self.shared.tally.add("idle connections blackholed");
    }

    /// From now on nothing is lost any more.
    pub(crate) fn calm(&self) {
        *self.shared.faults.lock().unwrap() = WireFaults::default();
    }
}

async fn serve(shared: Arc<Shared>, mut client: TcpStream) {
    let mut orders = shared.orders.subscribe();
    let mut begun = *orders.borrow_and_update();
    // A server that is down refuses its clients, and so does this.
    let Ok(mut server) = TcpStream::connect(shared.upstream).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut requests = Requests::default();
    let mut lose_reply = false;
    // Since when nothing was asked and no transaction is open.
    let mut idle_since: Option<Instant> = None;
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            changed = orders.changed() => {
                let now = *orders.borrow_and_update();
                if changed.is_err() || now.cuts > begun.cuts {
                    return;
                }
                let is_idle = idle_since.is_some_and(|since| since.elapsed() >= IDLE);
                let falls_silent = now.silences > begun.silences
                    || (is_idle && now.idle_silences > begun.idle_silences);
                begun.idle_silences = now.idle_silences;
                if falls_silent {
                    // Both sockets stay open, and nothing passes.
                    tokio::time::sleep(SILENCE).await;
                    return;
                }
            }
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                idle_since = None;
                requests.bytes.extend_from_slice(&up[..read]);
                while let Some(request) = requests.next() {
                    match shared.fate(&request) {
                        Fate::Forward => {}
                        Fate::Lose => return,
                        Fate::ForwardAndLoseReply => lose_reply = true,
                    }
                    if server.write_all(&request).await.is_err() {
                        return;
                    }
                }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                // ReadyForQuery, outside of any transaction, ends an answer.
                idle_since = down[..read].ends_with(b"Z\0\0\0\x05I").then(Instant::now);
                // The server has answered, so whatever was asked has happened.
                if lose_reply || client.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Shared {
    fn fate(&self, request: &[u8]) -> Fate {
        let faults = *self.faults.lock().unwrap();
        let mut dice = self.dice.lock().unwrap();
        if is_commit(request) {
            if dice.f64() < faults.lose_commit {
                self.tally.add("COMMIT lost");
                return Fate::Lose;
            }
            if dice.f64() < faults.lose_reply {
                self.tally.add("COMMIT reply lost");
                return Fate::ForwardAndLoseReply;
            }
        } else if matches!(request.first(), Some(b'Q' | b'S')) && dice.f64() < faults.lose_any {
            self.tally.add("other reply lost");
            return Fate::ForwardAndLoseReply;
        }
        Fate::Forward
    }
}

/// Bytes from a client, cut into messages (Postgres manual, "Message Formats").
#[derive(Default)]
struct Requests {
    bytes: Vec<u8>,
    /// The first message, alone, begins without a letter.
    greeted: bool,
}

impl Requests {
    fn next(&mut self) -> Option<Vec<u8>> {
        let letter = usize::from(self.greeted);
        let length = self.bytes.get(letter..letter + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize + letter;
        if self.bytes.len() < length {
            return None;
        }
        self.greeted = true;
        Some(self.bytes.drain(..length).collect())
    }
}

fn is_commit(request: &[u8]) -> bool {
    let text = match request.first() {
        Some(b'Q') => request.get(5..),
        // A statement's name comes first, and ends with a zero byte.
        Some(b'P') => request.get(5..).and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest.get(end + 1..)
        }),
        _ => None,
    };
    text.and_then(|text| text.get(..6)).is_some_and(|word| word.eq_ignore_ascii_case(b"commit"))
}
