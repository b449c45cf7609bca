//! The suite for tuple stores.

use futures::future::join_all;

use super::{demand, fails, succeeds};
use crate::ErrorKind;
use crate::provider::{Expect, TupleStore};

/// Checks a [`TupleStore`]; `make` makes an empty one each time.
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn tuple_store<S: TupleStore>(make: impl AsyncFn() -> S) {
    names(&make().await).await;
    round_trip(&make().await).await;
    expectations(&make().await).await;
    races(&make().await).await;
    listing(&make().await).await;
}

async fn names(store: &impl TupleStore) {
    const BULLET: &str = "a name is 1 to 512 bytes of segments; other names are Invalid";
    let segment = "s".repeat(128);
    let longest = [&segment; 3].map(String::as_str).join("/") + "/" + &"t".repeat(125);
    for good in ["a", "A.b_c-9", "...", "a/b", "a", &longest] {
        succeeds(store.put(good, good.as_bytes(), Expect::Anything).await, BULLET);
        let tuple = succeeds(store.get(good).await, BULLET);
        demand(tuple.is_some_and(|tuple| tuple.value == good.as_bytes()), BULLET, good);
    }
    let too_long = format!("{longest}u");
    for bad in
        ["", "/a", "a/", "a//b", "..", "a/../b", "a b", "é", "a\\b", "a\0", &"s".repeat(129), &too_long]
    {
        fails(store.get(bad).await, ErrorKind::Invalid, BULLET);
        fails(store.put(bad, b"", Expect::Anything).await, ErrorKind::Invalid, BULLET);
        fails(store.delete(bad, Expect::Anything).await, ErrorKind::Invalid, BULLET);
    }
}

async fn round_trip(store: &impl TupleStore) {
    const BULLET: &str =
        "what was put is what is got, of any bytes and size, with a version that differs after every change";
    demand(succeeds(store.get("a").await, BULLET).is_none(), BULLET, "a tuple in an empty store");
    let mut versions = Vec::new();
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    for value in [b"".as_slice(), b"\n\n", &every_byte, b"x", b"x"] {
        let version = succeeds(store.put("a", value, Expect::Anything).await, BULLET);
        let tuple = succeeds(store.get("a").await, BULLET);
        let Some(tuple) = tuple else { panic!("contract broken: {BULLET}: nothing there after a put") };
        demand(tuple.value == value && tuple.version == version, BULLET, value.len());
        demand(!versions.contains(&version), BULLET, &version);
        versions.push(version);
        succeeds(store.delete("a", Expect::Anything).await, BULLET);
        demand(succeeds(store.get("a").await, BULLET).is_none(), BULLET, "a tuple after its delete");
    }
}

async fn expectations(store: &impl TupleStore) {
    const BULLET: &str = "a change that expects what is not there is Conflict and changed nothing";
    const ABSENT: &str = "delete of what is absent is a success unless a version was expected";
    let first = succeeds(store.put("a", b"1", Expect::Absent).await, BULLET);
    fails(store.put("a", b"2", Expect::Absent).await, ErrorKind::Conflict, BULLET);
    let second = succeeds(store.put("a", b"2", Expect::Unchanged(first.clone())).await, BULLET);
    let stale = || Expect::Unchanged(first.clone());
    fails(store.put("a", b"3", stale()).await, ErrorKind::Conflict, BULLET);
    fails(store.delete("a", stale()).await, ErrorKind::Conflict, BULLET);
    fails(store.put("b", b"3", stale()).await, ErrorKind::Conflict, BULLET);
    let tuple = succeeds(store.get("a").await, BULLET);
    demand(
        tuple.is_some_and(|tuple| tuple.value == b"2" && tuple.version == second),
        BULLET,
        "another value",
    );
    demand(succeeds(store.get("b").await, BULLET).is_none(), BULLET, "a tuple that was never put");

    succeeds(store.delete("a", Expect::Unchanged(second)).await, BULLET);
    succeeds(store.delete("a", Expect::Anything).await, ABSENT);
    succeeds(store.delete("a", Expect::Absent).await, ABSENT);
    fails(store.delete("a", stale()).await, ErrorKind::Conflict, ABSENT);
    fails(
        store.put("a", b"3", stale()).await,
        ErrorKind::Conflict,
        "a version does not come back after a delete",
    );
}

async fn races(store: &impl TupleStore) {
    const BULLET: &str = "of changes that expect the same, one wins; the others are Conflict";
    let mut expected = Expect::Absent;
    for _ in 0..10 {
        let contenders = (0..8_u8).map(|contender| {
            let expected = expected.clone();
            async move { (contender, store.put("a/b", &[contender], expected).await) }
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(contenders).await.into_iter().partition(|(_, result)| result.is_ok());
        demand(won.len() == 1, BULLET, (&won, &lost));
        for (_, result) in lost {
            fails(result, ErrorKind::Conflict, BULLET);
        }
        let tuple = succeeds(store.get("a/b").await, BULLET);
        for (winner, version) in won {
            let version = succeeds(version, BULLET);
            demand(
                tuple.as_ref().is_some_and(|t| t.value == [winner] && t.version == version),
                BULLET,
                &tuple,
            );
            expected = Expect::Unchanged(version);
        }
    }
}

async fn listing(store: &impl TupleStore) {
    const BULLET: &str = "list returns all names that begin with the prefix, sorted";
    let all = ["a", "a-b", "a.b/c", "a/b", "a/b/c", "a/bc", "b/a"];
    demand(succeeds(store.list("").await, BULLET).is_empty(), BULLET, "names in an empty store");
    for name in all.iter().rev() {
        succeeds(store.put(name, b"", Expect::Absent).await, BULLET);
    }
    for prefix in ["", "a", "a/", "a/b", "a/b/", "b", "c", "../", "/"] {
        let expected: Vec<&str> = all.iter().copied().filter(|name| name.starts_with(prefix)).collect();
        let seen = succeeds(store.list(prefix).await, BULLET);
        demand(seen == expected, BULLET, (prefix, &seen));
    }
    succeeds(store.delete("a/b", Expect::Anything).await, BULLET);
    let seen = succeeds(store.list("a/b").await, BULLET);
    demand(seen == ["a/b/c", "a/bc"], BULLET, &seen);
}
