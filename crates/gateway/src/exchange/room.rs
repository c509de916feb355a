//! Memory for the texts that requests pass on.

use std::cell::Cell;

use bytes::BytesMut;

/// Enough for most requests; who needs more gets memory of its own.
const ROOM: usize = 256;

/// So much is allocated at once, for several requests. It is freed when the last of them is over, so that one that lasts
/// long, such as a stream, may hold all of it.
const CHUNK: usize = 4096;

thread_local! {
    /// What is left of the last chunk.
    static LEFT: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// Room for the texts of one request.
pub(crate) fn room() -> BytesMut {
    let left = LEFT.take().filter(|left| left.capacity() >= ROOM);
    let mut room = left.unwrap_or_else(|| BytesMut::with_capacity(CHUNK));
    LEFT.set(Some(room.split_off(ROOM)));
    room
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, ROOM, room};

    #[test]
    fn each_has_its_own_and_may_have_more() {
        let mut rooms: Vec<_> = (0..2 * CHUNK / ROOM).map(|_| room()).collect();
        for (number, room) in (0u8..).zip(&mut rooms) {
            assert_eq!((room.len(), room.capacity()), (0, ROOM));
            room.resize(ROOM + usize::from(number), number);
        }
        for (number, room) in (0u8..).zip(&rooms) {
            assert!(room.len() == ROOM + usize::from(number) && room.iter().all(|byte| *byte == number));
        }
    }
}
