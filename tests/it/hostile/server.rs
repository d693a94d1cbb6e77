//! A server of Git's protocol (version 2), over HTTP or `git://`, that misbehaves.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::support::faults::listen;

/// How a server misbehaves.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    /// It lists branches forever.
    EndlessBranches,
    /// Its first words never end.
    EndlessGreeting,
    /// It sends one file forever.
    EndlessFile,
    /// It sends a commit that says to have eight gigabytes.
    LargeCommit,
    /// It tells of its progress forever, and sends nothing else.
    EndlessProgress,
    /// It lists its branches and then says nothing more.
    SilentFetch,
    /// It sends something that is no pack.
    Nonsense,
    /// HEAD names a branch of this name.
    Branch(&'static str),
    /// It refuses, and says back what it was sent.
    Echo,
}

/// What a client asks.
enum Question<'a> {
    Greeting,
    Branches,
    Fetch,
    /// A question of HTTP, whole.
    Refused(&'a str),
}

/// An id of no commit at all.
const COMMIT: &str = "1234567890123456789012345678901234567890";

/// Starts a server; answers its `http://` URL.
pub fn http(mood: Mood) -> String {
    listen(move |mut stream| {
        let Some(request) = read_request(&mut stream) else { return };
        let question = match mood {
            Mood::Echo => Question::Refused(&request),
            _ if request.starts_with("GET ") => Question::Greeting,
            _ if request.contains("command=ls-refs") => Question::Branches,
            _ => Question::Fetch,
        };
        let kind = if request.starts_with("GET ") { "upload-pack-advertisement" } else { "upload-pack-result" };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-git-{kind}\r\nConnection: close\r\n\r\n");
        // The client is free to go.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| answer(&mut stream, mood, &question));
    })
}

/// The same by Git's own protocol; answers its `git://` URL.
pub fn git(mood: Mood) -> String {
    let url = listen(move |mut stream| {
        let _ = converse(&mut stream, mood);
    });
    url.replace("http://", "git://")
}

fn converse(stream: &mut TcpStream, mood: Mood) -> io::Result<()> {
    let hello = read_packet(stream)?;
    if let Mood::Echo = mood {
        return answer(stream, mood, &Question::Refused(&hello));
    }
    answer(stream, mood, &Question::Greeting)?;
    loop {
        let mut request = String::new();
        loop {
            let packet = read_packet(stream)?;
            if packet == FLUSH {
                break;
            }
            request.push_str(&packet);
        }
        let question = if request.contains("command=ls-refs") { Question::Branches } else { Question::Fetch };
        answer(stream, mood, &question)?;
    }
}

fn answer(out: &mut TcpStream, mood: Mood, question: &Question) -> io::Result<()> {
    match question {
        Question::Refused(request) => {
            let header = request.lines().find_map(|line| line.strip_prefix("Authorization: "));
            packet(out, format!("ERR you said {}", header.unwrap_or(request)).as_bytes())
        }
        Question::Greeting => {
            let words = ["version 2\n", "ls-refs=unborn\n", "fetch=shallow\n", "object-format=sha1\n"];
            words.iter().try_for_each(|word| packet(out, word.as_bytes()))?;
            if let Mood::EndlessGreeting = mood {
                forever(out, |out| packet(out, format!("x-{}=1\n", "y".repeat(60_000)).as_bytes()))?;
            }
            out.write_all(b"0000")
        }
        Question::Branches => {
            let head = if let Mood::Branch(name) = mood { name } else { "main" };
            packet(out, format!("{COMMIT} HEAD symref-target:refs/heads/{head}\n").as_bytes())?;
            packet(out, format!("{COMMIT} refs/heads/{head}\n").as_bytes())?;
            if let Mood::EndlessBranches = mood {
                let line = format!("{COMMIT} refs/heads/{}\n", "b".repeat(900));
                let line = format!("{:04x}{line}", line.len() + 4).repeat(64);
                forever(out, |out| out.write_all(line.as_bytes()))?;
            }
            out.write_all(b"0000")
        }
        Question::Fetch => {
            if let Mood::SilentFetch = mood {
                // Until the client goes.
                return out.read(&mut [0; 1]).map(drop);
            }
            packet(out, b"packfile\n")?;
            send_pack(out, mood)
        }
    }
}

fn send_pack(out: &mut TcpStream, mood: Mood) -> io::Result<()> {
    /// The side bands of a pack and of progress.
    const DATA: u8 = 1;
    const PROGRESS: u8 = 2;
    let banded = |band: u8, bytes: &[u8]| [&[band], bytes].concat();
    // One object, of this type and size, whose compressed bytes begin with a stored block.
    let begin = |kind: u8, size: u64| {
        let mut bytes = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
        let mut left = size >> 4;
        bytes.push(0x80 | kind << 4 | (size & 15) as u8);
        while left > 0 {
            let more = if left > 127 { 0x80 } else { 0 };
            bytes.push(more | (left & 127) as u8);
            left >>= 7;
        }
        bytes.extend([0x78, 0x01]);
        bytes
    };
    let block = [&[0, 0xff, 0x7f, 0, 0x80][..], &[b'x'; 0x7fff]].concat();
    match mood {
        Mood::EndlessProgress => {
            forever(out, |out| {
                // Slowly enough to leave the machine to others.
                thread::sleep(Duration::from_millis(1));
                packet(out, &banded(PROGRESS, "Counting objects: 1% (1/100)\r".repeat(1000).as_bytes()))
            })
        }
        Mood::EndlessFile | Mood::LargeCommit => {
            let (kind, size) = if let Mood::LargeCommit = mood { (1, 8 << 30) } else { (3, 1 << 40) };
            packet(out, &banded(DATA, &begin(kind, size)))?;
            forever(out, |out| packet(out, &banded(DATA, &block)))
        }
        _ => packet(out, &banded(DATA, b"this is no pack at all")).and_then(|()| out.write_all(b"0000")),
    }
}

fn forever(out: &mut TcpStream, mut send: impl FnMut(&mut TcpStream) -> io::Result<()>) -> io::Result<()> {
    loop {
        send(out)?;
    }
}

fn packet(out: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&[format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat())
}

/// Stands for the packet that ends a request.
const FLUSH: &str = "\0flush";

fn read_packet(stream: &mut TcpStream) -> io::Result<String> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length =
        usize::from_str_radix(&String::from_utf8_lossy(&length), 16).map_err(|_| io::ErrorKind::InvalidData)?;
    if length == 0 {
        return Ok(FLUSH.to_owned());
    }
    let mut bytes = vec![0; length.saturating_sub(4)];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Head and body of an HTTP request.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}
