//! Reading contents.

use kubestats::git::{Blob, BlobId};

use super::{mirrored, whole_history};
use crate::support::repos::fixture;

#[test]
fn contents_come_in_the_order_asked_for() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    let commits = whole_history(&mirror);
    let ids: Vec<BlobId> = commits.iter().filter_map(|commit| commit.changes[0].blob).rev().collect();
    let mut reader = mirror.blobs().unwrap();
    for _ in 0..2 {
        let mut values = Vec::new();
        let read = reader.read_many(&ids, 1000, |id, blob| match blob {
            Blob::Bytes(bytes) => values.push((id, bytes.last_chunk::<2>().copied())),
            other => panic!("{other:?}"),
        });
        read.unwrap();
        assert_eq!(values, [(ids[0], Some(*b"2\n")), (ids[1], Some(*b"1\n"))]);
    }
}

#[test]
fn large_and_missing_blobs_are_told_and_passed_over() {
    let (repository, mirror) = mirrored("create-modify-delete");
    let id = |name: &str| repository.git(&["rev-parse", name]).parse::<BlobId>().unwrap();
    let present = id("main~1:settings.yaml");
    let tree = id("main~1^{tree}");
    let unknown = BlobId::from_bytes(&[7; 20]).unwrap();
    let mut reader = mirror.blobs().unwrap();
    let mut answers = Vec::new();
    let size = repository.git(&["cat-file", "-s", "main~1:settings.yaml"]).parse::<u64>().unwrap();
    for limit in [size, size - 1] {
        let visit = |_, blob: Blob<'_>| {
            answers.push(match blob {
                Blob::Bytes(bytes) => format!("{} bytes", bytes.len()),
                Blob::TooLarge(size) => format!("{size} are too many"),
                Blob::Missing => "missing".to_owned(),
            });
        };
        reader.read_many(&[unknown, present, tree], limit, visit).unwrap();
    }
    let whole = format!("{size} bytes");
    let too_many = format!("{size} are too many");
    assert_eq!(answers, ["missing", &whole, "missing", "missing", &too_many, "missing"]);
}

#[test]
fn many_blobs_of_any_size_block_neither_side() {
    let repository = fixture("create-modify-delete");
    let mut sizes = Vec::new();
    for index in 0..600_usize {
        // Empty ones, small ones, and some that are larger than any pipe.
        let size = if index % 100 == 7 { 300_000 } else { index % 50 };
        std::fs::write(repository.path().join(format!("{index}.yaml")), vec![b'#'; size]).unwrap();
        sizes.push(size);
    }
    repository.commit_file("last.yaml", "", "many");
    let remote = kubestats::git::Remote::Path(repository.path());
    let mirror = super::sync(&repository.beside("mirror"), &remote).unwrap();
    let id = |index: usize| repository.git(&["rev-parse", &format!("main:{index}.yaml")]).parse::<BlobId>().unwrap();
    let known: Vec<BlobId> = (0..110).map(id).collect();
    let ids: Vec<BlobId> = known.iter().cycle().take(5_000).copied().collect();
    let mut read = Vec::new();
    let mut reader = mirror.blobs().unwrap();
    let visit = |_, blob: Blob<'_>| match blob {
        Blob::Bytes(bytes) => read.push(bytes.len()),
        other => panic!("{other:?}"),
    };
    reader.read_many(&ids, 1 << 20, visit).unwrap();
    let expected: Vec<usize> = sizes[..110].iter().cycle().take(5_000).copied().collect();
    assert_eq!(read, expected);
}

#[test]
fn a_reader_without_its_mirror_says_so() {
    let (_repository, mirror) = mirrored("create-modify-delete");
    std::fs::remove_dir_all(mirror.directory()).unwrap();
    let id = BlobId::from_bytes(&[7; 20]).unwrap();
    let result = mirror.blobs().unwrap().read_many(&[id], 1, |_, _| ());
    assert!(result.is_err());
}
