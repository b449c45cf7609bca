//! What happens to tuples on files when a process dies, a disk lies, or two processes meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ec2_stories_core::ErrorKind;
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::store::FileStore;
use proptest::prelude::*;
use tempfile::TempDir;

fn file_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}=tuple"))
}

#[tokio::test]
async fn tuples_outlive_the_process_and_what_a_crash_left_beside_is_removed() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    let version = store.put("deployments/shop/plan", b"three nodes", Expect::Absent).await.unwrap();
    drop(store);
    let left = directory.path().join("=scratch/half-written");
    fs::write(&left, "ec2-stories-tuple 1\ndeploy").unwrap();

    let store = FileStore::open(directory.path()).unwrap();
    assert!(!left.exists());
    let tuple = store.get("deployments/shop/plan").await.unwrap().unwrap();
    assert_eq!((tuple.value.as_slice(), tuple.version), (b"three nodes".as_slice(), version));
    assert_eq!(store.list("").await.unwrap(), ["deployments/shop/plan"]);
}

#[tokio::test]
async fn a_damaged_tuple_is_named_with_its_path_and_can_be_replaced() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    let version = store.put("a/b", b"value", Expect::Absent).await.unwrap();
    let path = file_of(directory.path(), "a/b");
    let whole = fs::read(&path).unwrap();
    for damaged in [&b""[..], &whole[..whole.len() / 2], &whole[..whole.len() - 1], b"ec2-stories-tuple 9\n"]
    {
        fs::write(&path, damaged).unwrap();
        for error in [
            store.get("a/b").await.unwrap_err(),
            store.put("a/b", b"", Expect::Unchanged(version.clone())).await.unwrap_err(),
            store.delete("a/b", Expect::Unchanged(version.clone())).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert_eq!(error.resource(), Some("a/b"));
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
    store.put("a/b", b"again", Expect::Anything).await.unwrap();
    assert_eq!(store.get("a/b").await.unwrap().unwrap().value, b"again");
}

#[tokio::test]
async fn a_file_under_another_name_is_not_taken_for_its_tuple() {
    let directory = TempDir::new().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    store.put("real", b"value", Expect::Absent).await.unwrap();
    fs::copy(file_of(directory.path(), "real"), file_of(directory.path(), "copy")).unwrap();
    assert_eq!(store.get("copy").await.unwrap_err().kind(), ErrorKind::Corrupt);
    // As a file system would show it that takes both for the same name.
    fs::copy(file_of(directory.path(), "real"), file_of(directory.path(), "REAL")).unwrap();
    assert_eq!(store.get("REAL").await.unwrap_err().kind(), ErrorKind::Invalid);
    let refused = store.put("REAL", b"other", Expect::Anything).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn emptied_directories_go_and_only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let root = directory.path().join("journal");
    let store = FileStore::open(&root).unwrap();
    for name in ["a/b/c", "a/d"] {
        store.put(name, b"", Expect::Absent).await.unwrap();
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(&root), mode(&root.join("a")), mode(&file_of(&root, "a/d"))), (0, 0, 0));
    store.delete("a/b/c", Expect::Anything).await.unwrap();
    assert!(!root.join("a/b").exists() && root.join("a").exists());
    store.delete("a/d", Expect::Anything).await.unwrap();
    assert!(!root.join("a").exists());
}

/// Names the directory to the child process of the test below.
const SHARED: &str = "EC2_STORIES_TEST_SHARED_STORE";

#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_between_two_processes() {
    const EACH: u32 = 100;
    if let Some(directory) = std::env::var_os(SHARED) {
        return increment(&FileStore::open(PathBuf::from(directory)).unwrap(), EACH).await;
    }
    let directory = TempDir::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file_store::no_increment_is_lost_between_two_processes"])
        .env(SHARED, directory.path())
        .stdout(Stdio::null()) // Its summary is not a second one of this run.
        .spawn()
        .unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    increment(&store, EACH).await;
    assert!(child.wait().unwrap().success());
    let total = store.get("counter").await.unwrap().unwrap().value;
    assert_eq!(String::from_utf8(total).unwrap(), (2 * EACH).to_string());
}

async fn increment(store: &FileStore, times: u32) {
    let mut done = 0;
    while done < times {
        let (count, expect) = match store.get("counter").await.unwrap() {
            Some(tuple) => (String::from_utf8(tuple.value).unwrap(), Expect::Unchanged(tuple.version)),
            None => ("0".to_owned(), Expect::Absent),
        };
        let next = (count.parse::<u32>().unwrap() + 1).to_string();
        match store.put("counter", next.as_bytes(), expect).await {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_befalls_a_file_no_wrong_value_is_read(
        value in prop::collection::vec(any::<u8>(), 0..300),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        replacement in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = TempDir::new().unwrap();
            let store = FileStore::open(directory.path()).unwrap();
            store.put("a", &value, Expect::Absent).await.unwrap();
            let path = file_of(directory.path(), "a");
            let whole = fs::read(&path).unwrap();
            let mut damaged = whole.clone();
            let from = from.index(whole.len());
            damaged.splice(from..whole.len().min(from + length), replacement);
            fs::write(&path, &damaged).unwrap();
            match store.get("a").await {
                Ok(tuple) => assert!(damaged == whole && tuple.is_some_and(|tuple| tuple.value == value)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            }
        });
    }
}
