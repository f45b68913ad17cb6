//! Wakes tasks at a moment, to some ten µs; the runtime's own timer rounds up to the next ms.
//!
//! One thread sleeps until the earliest moment. A wake may come early or for a moment that nobody
//! waits for any more; [`Alarm::wait_until`] looks at the time itself.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use tokio::{sync::Notify, time::Instant};

/// The thread and what it waits for.
#[derive(Debug)]
pub(super) struct Timer {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    earlier: Condvar,
    number: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// By moment, then by the number of the alarm, which makes keys unique.
    due: BTreeMap<(Instant, u64), Arc<Notify>>,
    stopped: bool,
}

/// One waiter's place at the timer.
#[derive(Debug)]
pub(super) struct Alarm {
    inner: Arc<Inner>,
    number: u64,
    notify: Arc<Notify>,
}

impl Timer {
    pub(super) fn start() -> io::Result<Self> {
        let inner = Arc::new(Inner::default());
        let thread = std::thread::Builder::new().name("link-timer".into()).spawn({
            let inner = inner.clone();
            move || inner.run()
        })?;
        Ok(Self { inner, thread: Some(thread) })
    }

    pub(super) fn alarm(&self) -> Alarm {
        Alarm {
            inner: self.inner.clone(),
            number: self.inner.number.fetch_add(1, Ordering::Relaxed),
            notify: Arc::default(),
        }
    }
}

impl Alarm {
    /// Returns at `moment` or a little later, never earlier.
    pub(super) async fn wait_until(&self, moment: Instant) {
        while Instant::now() < moment {
            self.set(moment);
            self.notify.notified().await;
        }
    }

    fn set(&self, moment: Instant) {
        let key = (moment, self.number);
        let mut state = self.inner.lock();
        let first = state.due.first_key_value().is_none_or(|(earliest, _)| key < *earliest);
        state.due.insert(key, self.notify.clone());
        drop(state);
        if first {
            self.inner.earlier.notify_one();
        }
    }
}

impl Inner {
    fn run(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let now = Instant::now();
            while let Some(entry) = state.due.first_entry().filter(|entry| entry.key().0 <= now) {
                entry.remove().notify_one();
            }
            let next = state.due.first_key_value().map(|((moment, _), _)| *moment);
            state = match next {
                None => self.earlier.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(moment) => {
                    let pause = moment.saturating_duration_since(now);
                    let woken = self.earlier.wait_timeout(state, pause);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.inner.lock().stopped = true;
        self.inner.earlier.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing but its lock; an error would be its panic, already reported.
            drop(thread.join());
        }
    }
}
