//! Which addresses may be called: a guard against being sent into our own network.
//!
//! A URL that a tenant chose is checked twice: its text before the request ([`AddressGuard::check`]),
//! and what its host resolves to while connecting ([`AddressGuard::resolver`]), so that a name that
//! changes its address between the two gains nothing. Redirects count as new URLs.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use domain::{Classify, ErrorKind};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Ports of public https servers; anything else on a public host is not a web server's business.
const PUBLIC_PORTS: [u16; 2] = [443, 8443];

/// Refuses what is not public, except for the hosts an operator named.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    allowed: Arc<[AllowedHost]>,
}

#[derive(Debug, PartialEq, Eq)]
struct AllowedHost {
    /// As a URL spells it: lowercase, IPv6 in brackets.
    host: String,
    /// Without one, every port.
    port: Option<u16>,
}

impl AddressGuard {
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Also lets through the hosts of a comma-separated list such as `git.corp,127.0.0.1:8481`:
    /// over http or https, at any address they resolve to.
    pub fn allowing(hosts: &str) -> Result<Self, AddressRefused> {
        let hosts = hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        Ok(Self { allowed: hosts.map(AllowedHost::parse).collect::<Result<_, _>>()? })
    }

    /// Reads a URL and refuses it for anything that its text alone shows.
    pub fn check(&self, url: &str) -> Result<Url, AddressRefused> {
        // Not quoted in errors before this point: it may hold a password.
        let url = Url::parse(url).map_err(|_| AddressRefused::NoUrl)?;
        let host = url.host_str().ok_or(AddressRefused::NoUrl)?.to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressRefused::Credentials { host });
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressRefused::Scheme { scheme: url.scheme().to_owned() });
        }
        if self.allows(&url) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(AddressRefused::Plain { host });
        }
        // hyper connects to a literal without asking any resolver.
        if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
            return Err(AddressRefused::Literal { host });
        }
        match url.port_or_known_default() {
            Some(port) if PUBLIC_PORTS.contains(&port) => Ok(url),
            port => Err(AddressRefused::Port { host, port: port.unwrap_or(0) }),
        }
    }

    /// Whether the operator named this URL's host and port.
    pub fn allows(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        self.allowed.iter().any(|allowed| {
            url.host_str() == Some(allowed.host.as_str())
                && (allowed.port.is_none() || allowed.port == port)
        })
    }

    /// For an HTTP client: resolves names and hands on public addresses only.
    pub fn resolver(&self) -> Arc<impl Resolve + use<>> {
        Arc::new(GuardedResolver(self.clone()))
    }

    fn allows_host(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.host.eq_ignore_ascii_case(host))
    }
}

impl AllowedHost {
    fn parse(text: &str) -> Result<Self, AddressRefused> {
        // The URL parser also lowercases and normalises addresses.
        let bad = || AddressRefused::BadHost { entry: text.to_owned() };
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| bad())?;
        let host = url.host_str().ok_or_else(bad)?;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        if !plain {
            return Err(bad());
        }
        // `http` hides its own port, hence the look at the text.
        let port = url.port().or_else(|| text.ends_with(":80").then_some(80));
        Ok(Self { host: host.to_owned(), port })
    }
}

struct GuardedResolver(AddressGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed = guard.allows_host(&host);
            let vetted: Vec<SocketAddr> =
                found.into_iter().filter(|at| allowed || is_public(at.ip())).collect();
            if vetted.is_empty() {
                return Err(AddressRefused::NotPublic { host }.into());
            }
            Ok(Box::new(vetted.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, _, _) // this network, private, loopback
            | (100, 64..=127, _) // carrier-grade NAT
            | (169, 254, _) // link-local; cloud metadata lives here
            | (172, 16..=31, _)
            | (192, 0, 0 | 2) // protocol assignments, documentation
            | (192, 88, 99) // 6to4 relays
            | (192, 168, _)
            | (198, 18..=19, _) // benchmarks
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., _, _) // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is global unicast; within it some blocks carry or embed something else:
    // 2001::/23 (Teredo, ORCHID), documentation twice, 6to4.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && (b & 0xfe00) == 0)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefused {
    #[error("this is no absolute URL with a host")]
    NoUrl,
    #[error("the URL of `{host}` holds a user name or password; give credentials separately")]
    Credentials { host: String },
    #[error("`{scheme}` URLs are not called; use https")]
    Scheme { scheme: String },
    #[error("`{host}` would be called without encryption; use https")]
    Plain { host: String },
    #[error("`{host}` is an IP address; use the server's name")]
    Literal { host: String },
    #[error("port {port} of `{host}` is not called; use 443 or 8443")]
    Port { host: String, port: u16 },
    #[error("`{host}` has no public address; an operator can allow it in PRIVATE_GIT_HOSTS")]
    NotPublic { host: String },
    #[error("`{entry}` is no host; expected `host` or `host:port`")]
    BadHost { entry: String },
}

impl AddressRefused {
    /// Looks for a refusal among the causes of an error, such as one of an HTTP client that asked
    /// our resolver.
    pub fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Self>() {
                return Some(refused.clone());
            }
            cause = error.source();
        }
        None
    }
}

impl Classify for AddressRefused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let cases = [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.0.1.1", true),
            ("198.17.255.255", true),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.0.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700:4700::1111", true),
            ("2001:200::1", true),
            ("2a00:1450:4001::1", true),
            ("3fff:1000::1", true),
            ("::", false),
            ("::1", false),
            ("::7f00:1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:1.1.1.1", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:10::1", false),
            ("2001:1ff::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("3fff:fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ];
        for (address, public) in cases {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn a_url_is_refused_for_what_its_text_shows() {
        use AddressRefused::{Credentials, Literal, NoUrl, Plain, Port, Scheme};
        let host = |text: &str| text.to_owned();
        let cases = [
            ("https://github.com/a/b.git", None),
            ("https://example.org:8443/r", None),
            ("https://GITHUB.com/a/b", None),
            ("github.com/a/b", Some(NoUrl)),
            ("", Some(NoUrl)),
            ("https://", Some(NoUrl)),
            ("http://github.com/a", Some(Plain { host: host("github.com") })),
            ("ssh://git@github.com/a", Some(Credentials { host: host("github.com") })),
            ("git://github.com/a", Some(Scheme { scheme: host("git") })),
            ("ext://host/x", Some(Scheme { scheme: host("ext") })),
            ("https://u:p@github.com/a", Some(Credentials { host: host("github.com") })),
            ("https://tok@github.com/a", Some(Credentials { host: host("github.com") })),
            ("https://127.0.0.1/a", Some(Literal { host: host("127.0.0.1") })),
            ("https://2130706433/a", Some(Literal { host: host("127.0.0.1") })),
            ("https://0x7f.1/a", Some(Literal { host: host("127.0.0.1") })),
            ("https://0177.0.0.1/a", Some(Literal { host: host("127.0.0.1") })),
            ("https://1.1.1.1/a", Some(Literal { host: host("1.1.1.1") })),
            ("https://[::1]/a", Some(Literal { host: host("[::1]") })),
            ("https://[::ffff:10.0.0.1]/", Some(Literal { host: host("[::ffff:a00:1]") })),
            ("https://github.com:22/a", Some(Port { host: host("github.com"), port: 22 })),
            ("https://github.com:80/a", Some(Port { host: host("github.com"), port: 80 })),
        ];
        let guard = AddressGuard::public_only();
        for (url, refusal) in cases {
            assert_eq!(guard.check(url).err(), refusal, "{url}");
        }
    }

    #[test]
    fn an_operator_may_allow_hosts_of_their_own() {
        let guard = AddressGuard::allowing("Git.Corp, 127.0.0.1:8481 ,[::1]:80,").unwrap();
        let cases = [
            ("http://git.corp/a", true),
            ("https://git.corp:3000/a", true),
            ("http://127.0.0.1:8481/a", true),
            ("http://127.0.0.1:8482/a", false),
            ("http://127.0.0.1/a", false),
            ("http://[::1]/a", true),
            ("http://[::1]:81/a", false),
            ("http://evil.git.corp/a", false),
            ("http://user@git.corp/a", false),
        ];
        for (url, allowed) in cases {
            assert_eq!(guard.check(url).is_ok(), allowed, "{url}");
        }
        for entry in ["a/b", "u@h", "h?x", "h:99999", "a b"] {
            assert!(AddressGuard::allowing(entry).is_err(), "{entry}");
        }
    }

    #[tokio::test]
    async fn a_name_of_our_own_network_does_not_resolve_unless_allowed() {
        let localhost = || "localhost".parse::<Name>().unwrap();
        let refused = AddressGuard::public_only().resolver().resolve(localhost()).await;
        let error = refused.err().expect("localhost must be refused");
        assert_eq!(
            AddressRefused::among(error.as_ref()),
            Some(AddressRefused::NotPublic { host: "localhost".to_owned() })
        );
        let allowed = AddressGuard::allowing("localhost:1").unwrap();
        let found: Vec<_> = allowed.resolver().resolve(localhost()).await.unwrap().collect();
        assert!(found.iter().all(|at| at.ip().is_loopback()) && !found.is_empty());
    }
}
