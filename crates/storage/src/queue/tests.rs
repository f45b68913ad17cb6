//! If the queue misplaces a record, a node reads back what it never wrote.

use super::*;

fn append(owner: u32, bytes: usize) -> Write {
    Write::Append {
        owner: Owner(owner),
        id: WriteId(0),
        kind: Kind::Group,
        at: Position(0),
        bytes: Bytes::from(vec![0; bytes]),
    }
}

fn blob(owner: u32) -> Write {
    Write::Blob { owner: Owner(owner), id: WriteId(0), group: GroupId(0), blob: Bytes::new() }
}

fn check(writes: impl IntoIterator<Item = Write>, expect: &[usize]) {
    let mut backlog: VecDeque<Write> = writes.into_iter().collect();
    let mut sizes = Vec::new();
    while !backlog.is_empty() {
        let mut batch = Vec::new();
        cut(&mut backlog, &mut batch);
        sizes.push(batch.len());
    }
    assert_eq!(sizes, expect);
}

/// Without it one superblock per group would be written when a whole region moves, or a record
/// would be durable before the epoch it belongs to.
#[test]
fn a_commit_ends_where_an_owner_goes_on_after_its_superblock() {
    check([append(1, 1), append(2, 1), blob(1), append(2, 1), blob(2), blob(3)], &[6]);
    check([blob(1), append(1, 1), append(2, 1)], &[1, 2]);
    check([blob(1), blob(1), append(2, 1), append(1, 1), blob(1), append(1, 1)], &[3, 2, 1]);
}

/// Without it a burst would be written in one piece, and all that follows would wait for it.
#[test]
fn a_commit_is_bounded() {
    let quarter = COMMIT_BYTES_MAX / 4;
    check((0..9).map(|_| append(1, quarter - 32)), &[4, 4, 1]);
    check([append(1, COMMIT_BYTES_MAX + 1), append(1, 1)], &[1, 1]);
}

/// Without it a record would be admitted that has no segment to go to.
#[test]
fn places_stay_inside_what_is_prepared() {
    let mut place = Place { at: 4096, end: 16384, next: None };
    assert_eq!(place.take(4096, 1024), Some(4096));
    assert_eq!(place.take(4096, 1024), Some(8192));
    assert_eq!(place.take(4096, 1024), None, "the reserve stays");
    assert_eq!(place.take(2048, 0), Some(12288), "the reserve is used");
    assert_eq!(place.take(2048, 0), None, "room for the roll stays");
    place.next = Some(16384);
    assert_eq!(place.take(2048, 1024), Some(16384 + 4096));
    assert_eq!((place.end, place.next), (32768, None));
}
