//! Folders, bundles and lists.

use std::fs;
use std::path::Path;

use kubestats::forge::{Answers, AnyForge, Forge, ForgeError, Found, KnownAs, SearchQuery, Searched};
use kubestats::model::{ForgeId, ForgeRepository};

use super::{Taken, query};
use crate::support::repos::{fixture, run_git};

/// A folder with a work tree, a bare repository, a bundle, and things that are none of them.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run_git(path, &["init", "--quiet", "work"]);
    run_git(path, &["init", "--quiet", "--bare", "ada--bare.git"]);
    fs::write(path.join("some.bundle"), vec![b'x'; 2_049]).unwrap();
    fs::create_dir(path.join("empty")).unwrap();
    fs::write(path.join("notes.txt"), "no list").unwrap();
    folder
}

fn search(query: &SearchQuery) -> Result<(Vec<ForgeRepository>, bool), ForgeError> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut taken = Taken::default();
    let Searched { outcome, ended } = runtime.block_on(AnyForge::local().search(query, &mut taken));
    let Taken(found) = ended.map(|()| taken)?;
    assert_eq!((outcome.found, outcome.requests), (found.len() as u64, 0));
    Ok((found, outcome.is_incomplete))
}

fn find(path: &Path) -> (Vec<ForgeRepository>, bool) {
    search(&query(path.to_str().unwrap())).unwrap()
}

fn names(found: &[ForgeRepository]) -> Vec<(&str, &str)> {
    found.iter().map(|repository| (repository.owner.as_str(), repository.name.as_str())).collect()
}

#[test]
fn a_folder_is_its_repositories_and_bundles_by_name() {
    let folder = folder();
    let (found, is_incomplete) = find(folder.path());
    let parent = folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(names(&found), [("ada", "bare"), (parent, "some"), (parent, "work")]);
    assert!(!is_incomplete);
    let bundle = &found[1];
    assert_eq!(bundle.clone_url, folder.path().canonicalize().unwrap().join("some.bundle").to_str().unwrap());
    assert_eq!((bundle.metrics.size_kb, bundle.id.as_ref()), (3, None));
    let (limited, _) = search(&SearchQuery { limit: Some(1), ..query(folder.path().to_str().unwrap()) }).unwrap();
    assert_eq!(names(&limited), [("ada", "bare")]);
    assert_eq!(names(&find(&folder.path().join("work")).0), [(parent, "work")]);
    assert_eq!(names(&find(&folder.path().join("some.bundle")).0), [(parent, "some")]);
}

#[test]
fn a_list_is_its_lines() {
    let folder = folder();
    let text = "\u{feff}# mine\n\nhttps://github.com/onedr0p/home-ops.git   # a comment\n  work\r\nada--bare.git\n\
        git@github.com:ada/cluster.git\nssh://git@forge.example/ada/other\nhttps://ada:word@forge.example/ada/secret\n\
        https://forge.example/ada/with#hash\nno such thing\nfile:///etc\n-uhost:path\nempty\nhttps://forge.example\n";
    let list = folder.path().join("list");
    fs::write(&list, text).unwrap();
    let (found, is_incomplete) = find(&list);
    let parent = folder.path().file_name().unwrap().to_str().unwrap();
    let expected = [
        ("onedr0p", "home-ops"),
        (parent, "work"),
        ("ada", "bare"),
        ("ada", "cluster"),
        ("ada", "other"),
        ("ada", "secret"),
    ];
    assert_eq!(&names(&found)[..6], expected);
    assert_eq!(found.len(), 7);
    assert!(is_incomplete, "some lines mean nothing");
    assert_eq!(found[3].clone_url, "git@github.com:ada/cluster.git");
    assert_eq!(found[5].clone_url, "https://forge.example/ada/secret", "no credentials");
}

#[test]
fn what_is_neither_says_so() {
    let folder = folder();
    let check = |path: &Path, expected: &str| {
        let error = search(&query(path.to_str().unwrap())).unwrap_err();
        let ForgeError::BadQuery { forge, reason, .. } = error else { panic!("{error:?}") };
        assert_eq!((forge.as_str(), reason.as_str()), ("local", expected));
    };
    check(&folder.path().join("absent"), "no such file or folder");
    check(&folder.path().join("empty"), "a folder without a Git repository or .bundle file in it");
    fs::write(folder.path().join("binary"), [0xff, 0xfe, 0x00]).unwrap();
    check(&folder.path().join("binary"), "neither a bundle nor a text");
    check(Path::new("/dev/zero"), "neither a folder nor a file");
    let list = fs::File::create(folder.path().join("endless")).unwrap();
    list.set_len((16 << 20) + 1).unwrap();
    check(&folder.path().join("endless"), "a list of more than 16 MiB");
}

#[test]
fn a_path_is_asked_for_again_until_it_is_gone() {
    let repository = fixture("move");
    let path = repository.path();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let local = AnyForge::local();
    let id = |path: &Path| KnownAs {
        id: ForgeId { forge: "local".to_owned(), id: path.to_str().unwrap().to_owned() },
        node_id: None,
        full_name: String::new(),
    };
    let ids = [id(&path), id(&repository.beside("absent"))];
    let Answers { found, ended } = runtime.block_on(local.repositories(&ids));
    assert!(matches!(found.as_slice(), [Some(Found::Here(_)), Some(Found::Gone)]) && ended.is_ok(), "{found:?}");
    let found = runtime.block_on(local.repository(path.to_str().unwrap())).unwrap();
    assert!(matches!(found, Found::Here(_)));
    assert!(local.rate_limits().is_empty() && local.host() == "local" && local.advice().is_none());
}
