//! A door in front of a server: connections wait in front of it until the test opens it.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Gate {
    address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
    arrived: watch::Receiver<usize>,
}

impl Gate {
    /// A closed gate in front of `upstream`.
    pub async fn closed(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, opened) = watch::channel(false);
        let (count, arrived) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                count.send_modify(|arrived| *arrived += 1);
                let mut opened = opened.clone();
                tokio::spawn(async move {
                    // An error means that the test is over.
                    if opened.wait_for(|open| *open).await.is_ok() {
                        let mut inside = TcpStream::connect(upstream).await.unwrap();
                        // Either side may hang up whenever it likes.
                        let _ = copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
        Self { address, open: Arc::new(open), arrived }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns once someone stands in front of the gate.
    pub async fn someone_waits(&self) {
        self.arrived.clone().wait_for(|arrived| *arrived > 0).await.unwrap();
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }
}
