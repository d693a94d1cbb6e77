//! Fetching from servers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kubestats::git::{Credentials, FetchOptions, GitError, Mirror, Remote};

use super::{sync, whole_history};
use crate::support::git_http::GitServer;
use crate::support::repos::{TempRepo, fixture, run_git};

/// A server on a free port of this machine that treats each connection in a thread of its own. Returns the port.
fn serve(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

/// A `git://` server of one repository.
fn git_server(repository: &TempRepo) -> Remote {
    let path = repository.path();
    let port = serve(move |stream| {
        let output = OwnedFd::from(stream.try_clone().unwrap());
        let mut daemon = Command::new("git");
        daemon.args(["daemon", "--inetd", "--export-all"]).arg(&path);
        daemon.env("HOME", "/nonexistent");
        daemon.stdin(OwnedFd::from(stream)).stdout(output).stderr(std::process::Stdio::null());
        daemon.status().unwrap();
    });
    Remote::Url(format!("git://127.0.0.1:{port}{}", repository.path().display()))
}

/// An HTTP server that gives everyone the same answer, and the header lines of each request.
fn http_server(answer: &'static str) -> (u16, Receiver<String>) {
    let (sender, requests) = channel();
    let port = serve(move |mut stream| {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
                _ => return,
            }
        }
        let _ = sender.send(String::from_utf8_lossy(&request).into_owned());
        let _ = stream.write_all(answer.as_bytes());
    });
    (port, requests)
}

const UNAUTHORIZED: &str =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn a_url_is_mirrored_and_followed() {
    let repository = fixture("create-modify-delete");
    let remote = git_server(&repository);
    let directory = repository.beside("mirror");
    assert_eq!(whole_history(&sync(&directory, &remote).unwrap()).len(), 3);
    repository.commit_file("new.yaml", "a: 1\n", "new");
    assert_eq!(whole_history(&sync(&directory, &remote).unwrap()).len(), 4);
}

#[test]
fn received_objects_are_checked_but_old_sloppy_commits_pass() {
    let sloppy = fixture("sloppy-commits");
    // Git's own reading of a sloppy history is the measure: nothing that it can read is refused.
    let mirror = sync(&sloppy.beside("mirror"), &git_server(&sloppy)).unwrap();
    assert_eq!(whole_history(&mirror).len(), 10);
}

#[test]
fn a_shallow_server_is_refused() {
    let repository = fixture("shallow");
    let error = sync(&repository.beside("mirror"), &git_server(&repository)).unwrap_err();
    assert!(matches!(error, GitError::Shallow { .. }), "{error}");
}

#[test]
fn a_refusing_server_is_told_without_the_password() {
    let (port, requests) = http_server(UNAUTHORIZED);
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::Url(format!("http://user:secret@127.0.0.1:{port}/owner/name"));
    let error = sync(&folder.path().join("mirror"), &remote).unwrap_err();
    assert!(matches!(error, GitError::Unauthorized { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&format!("http://127.0.0.1:{port}/owner/name")), "{message}");
    assert!(!message.contains("secret"), "{message}");
    // "user:secret"
    assert!(requests.recv().unwrap().contains("Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
}

#[test]
fn a_token_is_sent_as_a_header_and_not_sent_on_by_a_redirect() {
    let (other_port, other_requests) = http_server(UNAUTHORIZED);
    let answer = format!(
        "HTTP/1.1 301 Moved\r\nLocation: http://localhost:{other_port}/a/info/refs?service=git-upload-pack\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (port, requests) = http_server(answer.leak());
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::Url(format!("http://127.0.0.1:{port}/owner/name"));
    let token = Credentials::token("secret");
    let options = FetchOptions::default();
    let result = Mirror::sync(&folder.path().join("mirror"), &remote, Some(&token), &options, &mut |_| ());
    assert!(matches!(result, Err(GitError::Fetch { .. })), "{result:?}");
    // "x-access-token:secret"
    assert!(requests.recv().unwrap().contains("Authorization: Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0\r\n"));
    assert!(other_requests.try_recv().is_err());
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    let port = serve(|stream| {
        std::thread::sleep(Duration::from_secs(30));
        drop(stream);
    });
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::Url(format!("http://127.0.0.1:{port}/owner/name"));
    let options = FetchOptions { time: Duration::from_millis(300), ..FetchOptions::default() };
    // A server that is waited for to its end makes another error.
    let error = Mirror::sync(&folder.path().join("mirror"), &remote, None, &options, &mut |_| ()).unwrap_err();
    assert!(matches!(error, GitError::TimedOut { .. }), "{error}");
}

#[test]
fn a_page_for_people_is_no_empty_repository() {
    let (port, _requests) = http_server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>log in</html>");
    let folder = tempfile::tempdir().unwrap();
    let mirror = folder.path().join("mirror");
    let message = sync(&mirror, &Remote::Url(format!("http://127.0.0.1:{port}/owner/name"))).unwrap_err().to_string();
    assert!(message.contains("its answer is not Git's"), "{message}");

    let root = folder.path().join("served");
    run_git(folder.path(), &["init", "--quiet", "--bare", "served/empty.git"]);
    let server = GitServer::start(root, None);
    let error = sync(&mirror, &Remote::Url(format!("{}/empty.git", server.url))).unwrap_err();
    assert!(matches!(error, GitError::Empty { .. }), "{error}");
}

#[test]
fn an_unreachable_server_is_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::Url(format!("http://127.0.0.1:{port}/owner/name"));
    let message = sync(&folder.path().join("mirror"), &remote).unwrap_err().to_string();
    assert!(message.starts_with(&format!("http://127.0.0.1:{port}/owner/name: cannot be fetched: ")), "{message}");
    assert!(!message.contains('\n'));
}
