//! What can stand between the program and ClickHouse, or in its place: a proxy that breaks connections, TLS, and servers
//! that are something else.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to a connection that carries a certain request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing goes on, in either direction, and the connection stays open.
    Hang,
    /// The connection ends when so many bytes of the request were passed on.
    CutRequest { after: usize },
    /// The connection ends when the request has come; it is passed on, whole, just before the next one of its kind.
    Late,
    /// The request is passed on whole; the connection ends when so many bytes of the answer were.
    CutAnswer { after: usize },
}

/// A TCP proxy for HTTP.
pub struct Proxy {
    pub url: String,
    plan: Arc<Mutex<Plan>>,
}

struct Plan {
    target: SocketAddr,
    /// Part of a request's head, and what happens to the next request that has it. In order.
    faults: Vec<(&'static str, Fault)>,
    /// Faults that happened.
    happened: usize,
    /// A request that is late, and the part of its head that it was chosen by.
    late: Option<(&'static str, Vec<u8>)>,
}

impl Proxy {
    /// Passes on to the server at `url`.
    pub fn start(url: &str) -> Self {
        let target: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
        let plan = Plan { target, faults: Vec::new(), happened: 0, late: None };
        let plan = Arc::new(Mutex::new(plan));
        let shared = plan.clone();
        let url = listen(move |client| {
            // A server that is not there is a connection that ends at once.
            if let Ok(server) = TcpStream::connect(target) {
                pass_on(client, server, &shared);
            }
        });
        Self { url, plan }
    }

    /// Lets the next request whose head has `part` meet with a fault; several wait for one request each.
    pub fn plan(&self, part: &'static str, fault: Fault) {
        self.plan.lock().unwrap().faults.push((part, fault));
    }

    /// Faults that happened so far.
    pub fn happened(&self) -> usize {
        self.plan.lock().unwrap().happened
    }
}

fn pass_on(client: TcpStream, server: TcpStream, plan: &Arc<Mutex<Plan>>) {
    let fault = Arc::<Mutex<Option<Fault>>>::default();
    let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (shared, noticed) = (plan.clone(), fault.clone());
    thread::spawn(move || pump(client, server, |bytes| choose(&shared, &noticed, bytes)));
    pump(from_server, to_client, |bytes| match &mut *fault.lock().unwrap() {
        None | Some(Fault::CutRequest { .. } | Fault::Late) => Next::Pass,
        Some(Fault::Hang) => Next::Hang,
        Some(Fault::CutAnswer { after }) => cut(after, bytes.len()),
    });
}

/// What to do with bytes of the client, which may begin a request.
fn choose(plan: &Mutex<Plan>, fault: &Mutex<Option<Fault>>, bytes: &[u8]) -> Next {
    let mut fault = fault.lock().unwrap();
    let mut plan = plan.lock().unwrap();
    if bytes.starts_with(b"POST ") || bytes.starts_with(b"GET ") {
        let text = String::from_utf8_lossy(bytes);
        if let Some(index) = plan.faults.iter().position(|(part, _)| text.contains(part)) {
            let (part, chosen) = plan.faults.remove(index);
            *fault = Some(chosen);
            plan.happened += 1;
            if let Fault::Late = chosen {
                plan.late = Some((part, Vec::new()));
            }
        } else if let Some((_, request)) = plan.late.take_if(|(part, _)| text.contains(*part)) {
            let mut server = TcpStream::connect(plan.target).unwrap();
            server.write_all(&request).unwrap();
            // The server answers when it is done.
            assert!(server.read(&mut [0; 64]).unwrap() > 0);
        }
    }
    match &mut *fault {
        None | Some(Fault::CutAnswer { .. }) => Next::Pass,
        Some(Fault::Hang) => Next::Hang,
        Some(Fault::CutRequest { after }) => cut(after, bytes.len()),
        Some(Fault::Late) => {
            let (_, request) = plan.late.as_mut().unwrap();
            request.extend_from_slice(bytes);
            if is_whole(request) { Next::Cut(0) } else { Next::Keep }
        }
    }
}

enum Next {
    Pass,
    /// Passes on nothing of it.
    Keep,
    Hang,
    /// Passes on so many bytes, then ends.
    Cut(usize),
}

fn cut(left: &mut usize, length: usize) -> Next {
    if *left <= length {
        return Next::Cut(*left);
    }
    *left -= length;
    Next::Pass
}

fn pump(mut from: TcpStream, mut to: TcpStream, mut next: impl FnMut(&[u8]) -> Next) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        match next(&buffer[..length]) {
            Next::Pass if to.write_all(&buffer[..length]).is_ok() => {}
            Next::Pass => break,
            Next::Keep => {}
            // Until the other side gives up.
            Next::Hang => while let Ok(1..) = from.read(&mut buffer) {},
            Next::Cut(length) => {
                let _ = to.write_all(&buffer[..length]);
                break;
            }
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Accepts connections on a free loopback port, each handled on a thread of its own; answers the port's URL.
pub fn listen(handle: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let handle = handle.clone();
            thread::spawn(move || handle(stream));
        }
    });
    url
}

/// An HTTP server that gives each request, head and body in one text, the answer that `answer` makes: status and body.
pub fn http_server(answer: impl Fn(&str) -> (u16, String) + Clone + Send + 'static) -> String {
    listen(move |mut stream| {
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                _ => return,
            }
        }
        let (status, body) = answer(&String::from_utf8_lossy(&request));
        let head = format!("HTTP/1.1 {status} Any\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    })
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => body.len() >= length.parse().unwrap(),
        None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
        None => true,
    }
}
