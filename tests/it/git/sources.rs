//! What SOURCE texts mean, and the identities of repositories.

use kubestats::git::{Remote, classify, normalise_url};

use crate::support::repos::fixture;

#[test]
fn urls_are_recognised() {
    for url in [
        "https://github.com/owner/name",
        "https://user:secret@example.org:8443/owner/name.git",
        "http://localhost:3000/name",
        "ssh://git@example.org/owner/name.git",
        "git://example.org/name.git",
        "git@github.com:owner/name.git",
        "example.org:name",
    ] {
        assert_eq!(classify(url).unwrap(), [Remote::Url(url.to_owned())]);
    }
}

#[test]
fn paths_are_recognised() {
    let repository = fixture("create-modify-delete");
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let path = repository.path();
    assert_eq!(classify(&text(&path)).unwrap(), [Remote::Path(path.clone())]);
    assert_eq!(classify(&format!("file://{}", text(&path))).unwrap(), [Remote::Path(path.clone())]);
    assert_eq!(classify(&text(&path.join(".git"))).unwrap(), [Remote::Path(path.join(".git"))]);
    let bundle = repository.bundle();
    assert_eq!(classify(&text(&bundle)).unwrap(), [Remote::Bundle(bundle.clone())]);
    let without_suffix = bundle.with_extension("");
    let renamed = without_suffix.with_file_name("renamed");
    std::fs::copy(&bundle, &renamed).unwrap();
    assert_eq!(classify(&text(&renamed)).unwrap(), [Remote::Bundle(renamed)]);
    // A folder stands for the repositories and bundles in it, sorted; the file `renamed` does not count there.
    let folder = path.parent().unwrap();
    assert_eq!(classify(&text(folder)).unwrap(), [Remote::Path(path), Remote::Bundle(bundle)]);
}

#[test]
fn anything_else_is_an_error_that_names_it_and_hides_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.txt");
    std::fs::write(&file, "words").unwrap();
    let (folder, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
    for (source, words) in [
        ("", "an empty source"),
        ("/no/such/folder", "/no/such/folder: no such file or folder"),
        (folder, "a folder without a Git repository or .bundle file"),
        (file, "a file that is no Git bundle"),
        ("ftp://example.org/name", "not a URL that can be fetched"),
        ("ext::sh -c touch% pwned", "no such file or folder"),
        ("--upload-pack=touch", "no such file or folder"),
        ("-oProxyCommand=touch:x", "no such file or folder"),
        ("ssh://-oProxyCommand=touch/x", "not a URL"),
        ("https://user:secret@/", "not a URL"),
        ("https://user:sec/ret@example.org/name", "not a URL"),
        ("user:secret@example.org:owner/name", "example.org:owner/name: no such file"),
    ] {
        let message = classify(source).unwrap_err().to_string();
        assert!(message.contains(words), "{source}: {message}");
        assert!(message.contains("expected a Git repository"), "{message}");
        assert!(!message.contains("secret") && !message.contains("sec/ret"), "{message}");
    }
}

#[test]
fn one_repository_has_one_url() {
    for url in [
        "https://github.com/Owner/name",
        "https://GitHub.com/Owner/name.git/",
        "https://user:secret@github.com:443/Owner/name.git?x=1#y",
        "http://github.com/Owner/name",
        "ssh://git@github.com/Owner/name.git",
        "ssh://git@github.com:2222/Owner/name.git",
        "git://github.com/Owner/name.git",
        "git@github.com:Owner/name.git",
        "GITHUB.com:/Owner/name",
    ] {
        assert_eq!(normalise_url(url).unwrap(), "https://github.com/Owner/name", "{url}");
    }
    assert_eq!(normalise_url("http://localhost:3000/a/b.git").unwrap(), "http://localhost:3000/a/b");
    assert_eq!(normalise_url("https://example.org:8443/a/b").unwrap(), "https://example.org:8443/a/b");
    assert_eq!(normalise_url("git://example.org:9419/a/b.git").unwrap(), "git://example.org:9419/a/b");
    assert_eq!(normalise_url("https://[2001:DB8::1]/a").unwrap(), "https://[2001:db8::1]/a");
    for url in ["https://github.com/", "https://github.com/.git", "/srv/name", "words", "https://user:secret@"] {
        let message = normalise_url(url).unwrap_err().to_string();
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn a_local_repository_is_known_by_its_origin_else_by_its_path() {
    let repository = fixture("create-modify-delete");
    let remote = Remote::Path(repository.path());
    let canonical = repository.path().canonicalize().unwrap();
    let canonical = canonical.to_str().unwrap();
    assert_eq!(remote.alias().unwrap(), canonical);
    repository.git(&["remote", "add", "origin", "/srv/elsewhere.git"]);
    assert_eq!(remote.alias().unwrap(), canonical);
    repository.git(&["remote", "set-url", "origin", "git@github.com:owner/name.git"]);
    assert_eq!(remote.alias().unwrap(), "https://github.com/owner/name");
    let bundle = repository.bundle();
    let expected = bundle.canonicalize().unwrap();
    assert_eq!(Remote::Bundle(bundle).alias().unwrap(), expected.to_str().unwrap());
}

#[test]
fn credentials_are_not_shown() {
    let remote = Remote::Url("https://user:secret@example.org/owner/name.git".to_owned());
    assert_eq!(remote.url_without_credentials(), "https://example.org/owner/name.git");
    assert_eq!(remote.alias().unwrap(), "https://example.org/owner/name");
    assert!(!format!("{remote:?}").contains("secret"));
    let credentials = kubestats::git::Credentials::token("secret");
    assert!(!format!("{credentials:?}").contains("secret"));
}
