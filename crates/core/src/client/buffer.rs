//! What of a stream has come and waits for its reader, bounded in messages and in bytes.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::task::coop::poll_proceed;

use super::ClientOptions;
use crate::{Envelope, Status};

/// What a call waits for and gets.
pub(super) type Reply = Result<Arc<Envelope>, Status>;

/// A buffer's two ends.
pub(super) fn buffer(options: &ClientOptions) -> (Feed, Replies) {
    let waiting = Waiting {
        replies: VecDeque::new(),
        bytes: 0,
        messages_limit: options.stream_buffer.max(1),
        bytes_limit: options.stream_buffer_bytes,
        reader: None,
        is_fed: true,
        is_read: true,
    };
    let waiting = Arc::new(Mutex::new(waiting));
    (Feed(Arc::clone(&waiting)), Replies(waiting))
}

struct Waiting {
    replies: VecDeque<Reply>,
    /// Of the replies that wait.
    bytes: usize,
    messages_limit: usize,
    bytes_limit: usize,
    /// Who waits for the next reply.
    reader: Option<Waker>,
    is_fed: bool,
    is_read: bool,
}

type Shared = Arc<Mutex<Waiting>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Waiting> {
    // Nothing panics while it is locked.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a reply was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// The reader is too far behind.
    Full,
    /// Nobody reads.
    Unread,
}

/// Where replies go in; when it is dropped, the stream is over.
pub(super) struct Feed(Shared);

impl Feed {
    /// Adds a reply, and returns whom to wake. One reply has room, however large it is.
    pub(super) fn push(&self, reply: Arc<Envelope>) -> Result<Option<Waker>, NotTaken> {
        let mut waiting = lock(&self.0);
        let bytes = waiting.bytes.saturating_add(reply.size());
        if !waiting.is_read {
            return Err(NotTaken::Unread);
        }
        let is_full = waiting.replies.len() >= waiting.messages_limit || bytes > waiting.bytes_limit;
        if is_full && !waiting.replies.is_empty() {
            return Err(NotTaken::Full);
        }
        waiting.bytes = bytes;
        waiting.replies.push_back(Ok(reply));
        Ok(waiting.reader.take())
    }

    /// Adds the last reply, for which there is always room. A reader that has gone away needs none.
    pub(super) fn end(self, reply: Reply) {
        let mut waiting = lock(&self.0);
        if waiting.is_read {
            waiting.bytes = waiting.bytes.saturating_add(size(&reply));
            waiting.replies.push_back(reply);
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0);
        waiting.is_fed = false;
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// Where replies come out.
pub(super) struct Replies(Shared);

impl Replies {
    pub(super) async fn next(&mut self) -> Option<Reply> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next reply, or none after the last.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Reply>> {
        // A full buffer must not keep the task from letting others have their turn.
        let progress = ready!(poll_proceed(cx));
        let mut waiting = lock(&self.0);
        if let Some(reply) = waiting.replies.pop_front() {
            waiting.bytes = waiting.bytes.saturating_sub(size(&reply));
            progress.made_progress();
            return Poll::Ready(Some(reply));
        }
        if !waiting.is_fed {
            progress.made_progress();
            return Poll::Ready(None);
        }
        let old = waiting.reader.replace(cx.waker().clone());
        drop(waiting);
        // Not under the lock: with a waker its task may end.
        drop(old);
        Poll::Pending
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0);
        waiting.is_read = false;
        let left = (std::mem::take(&mut waiting.replies), waiting.reader.take());
        drop(waiting);
        // Not under the lock, as above.
        drop(left);
    }
}

fn size(reply: &Reply) -> usize {
    reply.as_ref().map_or(0, |envelope| envelope.size())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Feed, NotTaken, Replies, buffer};
    use crate::{Envelope, Guid, Kind, Status, client::ClientOptions};

    fn limited(messages: usize, bytes: usize) -> (Feed, Replies) {
        let options = ClientOptions { stream_buffer: messages, stream_buffer_bytes: bytes, ..ClientOptions::default() };
        buffer(&options)
    }

    fn message(bytes: usize) -> Arc<Envelope> {
        Arc::new(Envelope { payload: vec![0; bytes].into(), ..Envelope::new(Kind::Partial, Guid::call()) })
    }

    #[tokio::test]
    async fn large_messages_fill_it_before_many_do() {
        let (feed, mut replies) = limited(100, 10_000);
        let taken = std::iter::repeat_with(|| feed.push(message(1_000))).take_while(Result::is_ok).count();
        assert_eq!(taken, 9, "a little is counted for each envelope");
        assert!(replies.next().await.is_some());
        assert!(feed.push(message(1_000)).is_ok(), "what was read has made room");
        assert_eq!(feed.push(message(1_000)).unwrap_err(), NotTaken::Full);
    }

    #[tokio::test]
    async fn many_messages_fill_it_before_large_ones_do() {
        let (feed, _replies) = limited(3, 10_000);
        assert_eq!(std::iter::repeat_with(|| feed.push(message(1))).take_while(Result::is_ok).count(), 3);
    }

    #[tokio::test]
    async fn one_message_and_the_last_word_always_have_room() {
        let (feed, mut replies) = limited(1, 10);
        assert!(feed.push(message(1_000)).is_ok());
        assert_eq!(feed.push(message(0)).unwrap_err(), NotTaken::Full);
        feed.end(Err(Status::internal("over")));
        assert!(replies.next().await.unwrap().is_ok());
        assert!(replies.next().await.unwrap().is_err());
        assert!(replies.next().await.is_none());
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        let (feed, replies) = limited(3, 10_000);
        let kept = message(1);
        feed.push(Arc::clone(&kept)).unwrap();
        drop(replies);
        assert_eq!(Arc::strong_count(&kept), 1);
        assert_eq!(feed.push(message(1)).unwrap_err(), NotTaken::Unread);
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken() {
        let (feed, mut replies) = limited(3, 10_000);
        let read = tokio::spawn(async move { (replies.next().await.is_some(), replies.next().await.is_none()) });
        tokio::task::yield_now().await;
        feed.push(message(1)).unwrap().unwrap().wake();
        tokio::task::yield_now().await;
        drop(feed);
        assert_eq!(read.await.unwrap(), (true, true));
    }
}
