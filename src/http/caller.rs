//! Who sent a request: somebody at this machine, or anybody else.
//!
//! A loopback address alone says little. A proxy on this machine passes strangers on; a browser on this machine runs pages of strangers,
//! which may send requests to any address, and may have a name of their own that leads here (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, Version, header};

use crate::graphql::Caller;

/// Headers by which proxies say for whom they ask.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Who sent a request.
pub fn caller(parts: &Parts) -> Caller {
    match refusal(parts) {
        None => Caller::Local,
        Some(reason) => Caller::Reader(reason),
    }
}

fn refusal(parts: &Parts) -> Option<&'static str> {
    let headers = &parts.headers;
    if !is_from_loopback(parts) {
        return Some("this one came over the network");
    }
    // HTTP/1.0 is what proxies speak that add no header; no client of today does.
    if is_forwarded(headers) || parts.version == Version::HTTP_10 {
        return Some("a proxy passed this one on");
    }
    if !host(&parts.uri, headers).is_some_and(|host| is_loopback_name(name_of(host))) {
        return Some("its Host header is no name of this machine (localhost, 127.0.0.1, [::1])");
    }
    if !is_same_origin(&parts.uri, headers) {
        return Some("a page of another site sent this one");
    }
    None
}

/// Why a request may not open a socket. A page of another site can open one without being asked, as it can send a form, but could read
/// what comes back.
pub fn refuse_socket(parts: &Parts) -> Option<&'static str> {
    if !is_same_origin(&parts.uri, &parts.headers) {
        return Some("a page of another site may not open a socket here");
    }
    let is_direct = is_from_loopback(parts) && !is_forwarded(&parts.headers);
    let is_own = host(&parts.uri, &parts.headers).is_some_and(|host| is_loopback_name(name_of(host)));
    (is_direct && !is_own).then_some("the Host header is no name of this machine (localhost, 127.0.0.1, [::1])")
}

/// The address at the other end of the connection.
pub fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

fn is_from_loopback(parts: &Parts) -> bool {
    peer(parts).is_some_and(|peer| peer.is_loopback())
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}

/// Host and perhaps port that the client meant. Two of them mean that somebody lies.
fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, _) => uri.authority().map(|authority| authority.as_str()),
        _ => None,
    }
}

/// Without an Origin it was no browser, or one that asked for its own site.
fn is_same_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let origin = origin.to_str().ok().filter(|_| origins.next().is_none());
    let origin = origin.and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
    match (origin, host(uri, headers)) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    let without_port = || host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, rest)) if rest.is_empty() || rest.starts_with(':') => literal,
        Some(_) => "",
        None => without_port().map_or(host, |(name, _)| name),
    }
}

fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // Resolvers answer these with loopback addresses: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/graphql").method("POST");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        parts
    }

    #[track_caller]
    fn check(peer: &str, headers: &[(&str, &str)], words: Option<&str>) {
        match (refusal(&parts(peer, headers)), words) {
            (None, None) => {}
            (Some(reason), Some(words)) if reason.contains(words) => {}
            (reason, _) => panic!("{peer} {headers:?}: {reason:?}, not {words:?}"),
        }
    }

    #[test]
    fn whoever_is_at_this_machine_is_local() {
        for host in
            ["localhost", "localhost:8080", "LOCALHOST.", "a.localhost:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:80"]
        {
            check("127.0.0.1:50000", &[("host", host)], None);
            check("[::1]:50000", &[("host", host)], None);
            check("[::ffff:127.0.0.1]:50000", &[("host", host), ("origin", &format!("http://{host}"))], None);
        }
    }

    #[test]
    fn others_are_not() {
        let local = ("host", "localhost:8080");
        check("192.0.2.1:50000", &[local], Some("network"));
        check("[2001:db8::1]:50000", &[local], Some("network"));
        for name in FORWARDING {
            check("127.0.0.1:50000", &[local, (name, "127.0.0.1")], Some("proxy"));
        }
        let mut old = parts("127.0.0.1:50000", &[local]);
        old.version = Version::HTTP_10;
        assert!(refusal(&old).is_some_and(|reason| reason.contains("proxy")));
    }

    #[test]
    fn names_that_lead_here_do_not_count() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[::1",
            "[::1]x",
            "",
        ] {
            check("127.0.0.1:50000", &[("host", host)], Some("Host"));
        }
        check("127.0.0.1:50000", &[], Some("Host"));
        check("127.0.0.1:50000", &[("host", "localhost"), ("host", "localhost")], Some("Host"));
    }

    #[test]
    fn pages_of_others_do_not_count() {
        for origin in
            ["http://evil.example", "null", "http://localhost", "http://localhost:9090", "file://localhost:8080", ""]
        {
            check("127.0.0.1:50000", &[("host", "localhost:8080"), ("origin", origin)], Some("page"));
        }
        let both = [("host", "localhost:8080"), ("origin", "http://localhost:8080"), ("origin", "http://evil.example")];
        check("127.0.0.1:50000", &both, Some("page"));
    }

    #[test]
    fn a_socket_is_for_pages_of_this_site() {
        let refused = |peer, headers: &[(&str, &str)]| refuse_socket(&parts(peer, headers)).is_some();
        assert!(!refused("192.0.2.1:1", &[("host", "stats.example"), ("origin", "https://stats.example")]));
        assert!(!refused("127.0.0.1:1", &[("host", "stats.example"), ("x-forwarded-for", "192.0.2.1")]));
        assert!(refused("127.0.0.1:1", &[("host", "evil.example"), ("origin", "http://evil.example")]), "rebinding");
        assert!(refused("192.0.2.1:1", &[("host", "stats.example"), ("origin", "https://evil.example")]));
    }
}
