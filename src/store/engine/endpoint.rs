//! The address the engine serves: a Unix socket only this user can open, or TCP in test mode.
//!
//! A socket's path may have about 107 bytes. A longer one becomes a symlink to a socket in a short private folder;
//! [`super::connector`] follows it.

use super::{EngineError, EngineOptions, configuration};
use axum::Router;
use axum::serve::ListenerExt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};
use uuid::Uuid;

// `sockaddr_un` has 108 bytes on Linux and 104 on macOS, one of them the closing zero.
const LONGEST_PATH: usize = 103;
const SHORT_FOLDER: &str = "/tmp";
const SHORT_PREFIX: &str = "kubestats-";

/// A bound address: connections wait from now on, until they are served.
pub(super) enum Endpoint {
    Unix { listener: UnixListener, cleanup: SocketFiles },
    Tcp(TcpListener),
}

impl Endpoint {
    /// Binds what `options` ask for. The caller holds the directory's lock: a socket that is there is a dead one's.
    pub(super) async fn bind(options: &EngineOptions) -> Result<Self, EngineError> {
        if let Some(address) = options.listen {
            if !address.ip().is_loopback() {
                return Err(EngineError::NotLoopback(address));
            }
            let listener = TcpListener::bind(address).await;
            return listener.map(Self::Tcp).map_err(EngineError::io(format!("listen on {address}")));
        }
        let socket = &options.socket;
        if let Some(folder) = socket.parent() {
            configuration::create_private_directory(folder)?;
        }
        let context = || EngineError::io(format!("listen on {}", socket.display()));
        let cleanup = SocketFiles { wanted: socket.clone() };
        cleanup.remove();
        let target = short_enough(socket).map_err(context())?;
        let listener = UnixListener::bind(&target).map_err(context())?;
        // Also closed when somebody chose a socket in a folder that is open to others.
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).map_err(context())?;
        Ok(Self::Unix { listener, cleanup })
    }

    /// The address, where it is one of TCP: port 0 became another.
    pub(super) fn address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Unix { .. } => Ok(None),
            Self::Tcp(listener) => listener.local_addr().map(Some),
        }
    }

    /// Serves until `stop` resolves and the connections have ended.
    pub(super) async fn serve(self, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        match self {
            Self::Unix { listener, cleanup } => {
                let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
                cleanup.remove();
                served
            }
            Self::Tcp(listener) => {
                // Without it small answers wait for the client's delayed acknowledgement, some 40 ms.
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                axum::serve(listener, router).with_graceful_shutdown(stop).await
            }
        }
    }
}

/// The files of one bound socket.
pub(super) struct SocketFiles {
    wanted: PathBuf,
}

impl SocketFiles {
    // What cannot be removed shows when the path is bound again.
    fn remove(&self) {
        if let Ok(target) = fs::read_link(&self.wanted)
            && let Some(folder) = target.parent()
            && is_short_folder(folder)
        {
            let _ = fs::remove_file(&target);
            let _ = fs::remove_dir(folder);
        }
        let _ = fs::remove_file(&self.wanted);
    }
}

/// The path to bind for `wanted`: itself, or the end of a symlink that now stands there.
fn short_enough(wanted: &Path) -> io::Result<PathBuf> {
    if wanted.as_os_str().len() <= LONGEST_PATH {
        return Ok(wanted.to_owned());
    }
    let folder = Path::new(SHORT_FOLDER).join(format!("{SHORT_PREFIX}{}", Uuid::new_v4().simple()));
    // Fails when it exists: never somebody else's folder.
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let target = folder.join("engine.sock");
    symlink(&target, wanted)?;
    Ok(target)
}

fn is_short_folder(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    folder.parent() == Some(Path::new(SHORT_FOLDER)) && name.is_some_and(|name| name.starts_with(SHORT_PREFIX))
}
