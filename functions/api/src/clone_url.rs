//! Which addresses a repository may be cloned from, as far as their text tells.
//!
//! Where a name leads is decided when it is fetched; here only what can never be right is refused.

/// No git host needs more.
const CLONE_URL_BYTES_MAX: usize = 2048;

/// Checks an address; the error is for the caller. `private_hosts` may be spoken to without TLS.
pub(crate) fn check(url: &str, private_hosts: &[String]) -> Result<(), &'static str> {
    if url.len() > CLONE_URL_BYTES_MAX {
        return Err("it is longer than 2048 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds blanks or characters that must be percent-encoded");
    }
    let (scheme, rest) = url.split_once("://").ok_or("expected https://host/path")?;
    let end = rest.find(['/', '?', '#', '\\']).ok_or("it names no repository on its host")?;
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("it must not carry a user name, password or token");
    }
    if path.contains(['?', '#', '\\']) || path.trim_matches('/').is_empty() {
        return Err("expected a plain path to the repository after the host");
    }
    let host = host_of(authority).ok_or("its host is not a valid one")?;
    let private = private_hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    match scheme {
        "https" => Ok(()),
        "http" if private => Ok(()),
        "http" => Err("use https: this host is not listed as one that may be spoken to in clear"),
        _ => Err("only https is fetched"),
    }
}

/// The host of `host`, `host:port` or `[v6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, rest) = authority.split_at(end);
        (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
    } else {
        authority.split_once(':').unwrap_or((authority, ""))
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let port_fits = port.is_empty() || port.parse::<u16>().is_ok();
    (!host.is_empty() && host.bytes().all(allowed) && port_fits).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_addresses_are_taken_and_http_where_it_is_listed() {
        let cases = [
            ("https://github.com/acme/widget.git", true),
            ("https://git.example.com:8443/a/b/c", true),
            ("https://[2001:db8::1]:443/a/b", true),
            ("http://git.internal:3000/acme/widget.git", true),
            ("http://GIT.internal/acme/widget.git", true),
            ("http://github.com/acme/widget.git", false),
            ("http://git.internal.evil.com/a/b", false),
            ("http://git.internal@evil.com/a/b", false),
            ("https://token@github.com/acme/widget.git", false),
            ("https://user:secret@github.com/acme/widget.git", false),
            ("https://github.com", false),
            ("https://github.com/", false),
            ("https:///acme/widget", false),
            ("https://github.com:port/a/b", false),
            ("https://github.com:99999/a/b", false),
            ("https://evil.com\\@github.com/a/b", false),
            ("https://github.com/a b", false),
            ("https://github.com/a/b?x=1", false),
            ("ssh://git@github.com/acme/widget.git", false),
            ("git@github.com:acme/widget.git", false),
            ("file:///etc/passwd", false),
            ("ext::sh -c touch% /tmp/pwned", false),
            ("", false),
        ];
        let private = ["git.internal".to_owned()];
        for (url, fine) in cases {
            assert_eq!(check(url, &private).is_ok(), fine, "{url}");
        }
    }
}
