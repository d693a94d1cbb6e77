//! A proxy, as companies have one between their machines and everything else.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::faults::listen;

/// Opens tunnels to one server, whatever host is asked for: nobody else knows where that is.
pub struct HttpProxy {
    /// With user name and password.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpProxy {
    /// To the server at `target`, `host:port`, for whoever sends `user:password`.
    pub fn start(target: &str, credentials: &str) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (shared, target) = (asked.clone(), target.to_owned());
        let expected = format!("basic {}", STANDARD.encode(credentials)).to_lowercase();
        let url = listen(move |mut client| {
            let Some(head) = read_head(&mut client) else { return };
            shared.lock().unwrap().push(head.lines().next().unwrap().to_owned());
            let authorization = "proxy-authorization: ";
            let is_known =
                head.lines().any(|line| line.to_lowercase().strip_prefix(authorization) == Some(expected.as_str()));
            if !is_known {
                let _ = client.write_all(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            let Ok(server) = TcpStream::connect(&target) else { return };
            let _ = client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
            between(client, server);
        });
        Self { url: url.replace("http://", &format!("http://{credentials}@")), asked }
    }

    /// The first lines of what was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Passes on in both directions until either side leaves.
pub fn between(client: TcpStream, server: TcpStream) {
    let (to_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || pass(client, server));
    pass(from_server, to_client);
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to).and_then(|_| to.flush());
    let _ = to.shutdown(Shutdown::Write);
}

/// Byte by byte: what comes after it is the server's.
fn read_head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    String::from_utf8(head).ok()
}
