//! Waiting for payments that another group has to settle.
//!
//! Such a payment's command is done when it is debited; what its sender wants to know comes two commits
//! later, in a record that no request asked for. However many requests wait for such records, the core
//! thread is looked at once in a few milliseconds for all of them, and not at all while none waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payments_model::Payments;
use runtime::{Handle, NodeView};
use tokio::sync::oneshot;
use types::{GroupId, MessageId};

use crate::found::Found;

/// How often is looked. A payment between two regions takes some ten times as long.
const LOOK: Duration = Duration::from_millis(5);

/// All requests that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settling(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    waiters: Vec<Waiter>,
    is_looked_for: bool,
}

#[derive(Debug)]
struct Waiter {
    wanted: Wanted,
    told: oneshot::Sender<Found>,
}

/// What a request waits for.
#[derive(Debug)]
struct Wanted {
    group: GroupId,
    message: MessageId,
    /// What of it was pending when it was looked at last, so that the next look need not read the message;
    /// empty before this node has applied it.
    pending: Vec<[u8; 16]>,
}

impl Wanted {
    /// The message, if nothing of it is pending here.
    fn look(&mut self, view: &NodeView<'_, Payments>) -> Option<Found> {
        let here = view.node.group(self.group)?;
        // A state that differs from most others' is not answered from.
        let model = here.readable()?;
        if self.pending.iter().any(|transfer| model.is_pending(*transfer)) {
            return None;
        }
        self.pending = model.pending_of(self.message)?;
        if !self.pending.is_empty() {
            return None;
        }
        let recorded = model.recorded(self.message)?;
        Some(Found::new(here, view.now, (model, &recorded)))
    }
}

impl Settling {
    /// The message with all its verdicts once none of them is pending here; `None` if that takes longer
    /// than `patience`.
    pub(crate) async fn settled(
        &self,
        handle: &Handle<Payments>,
        group: GroupId,
        message: MessageId,
        patience: Duration,
    ) -> Option<Found> {
        let (told, settled) = oneshot::channel();
        let begins = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = Wanted { group, message, pending: Vec::new() };
            waiting.waiters.push(Waiter { wanted, told });
            !core::mem::replace(&mut waiting.is_looked_for, true)
        };
        if begins {
            tokio::spawn(self.clone().look(handle.clone()));
        }
        // A look that ends because the node stops leaves nothing to wait for.
        tokio::time::timeout(patience, settled).await.ok()?.ok()
    }

    /// Looks again and again until nobody waits.
    async fn look(self, handle: Handle<Payments>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let waiters = {
                let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.waiters.retain(|waiter| !waiter.told.is_closed());
                if waiting.waiters.is_empty() {
                    waiting.is_looked_for = false;
                    return;
                }
                core::mem::take(&mut waiting.waiters)
            };
            let (told, mut wanted): (Vec<_>, Vec<_>) =
                waiters.into_iter().map(|waiter| (waiter.told, waiter.wanted)).unzip();
            let looked = handle.ask(move |view| {
                let found: Vec<_> = wanted.iter_mut().map(|one| one.look(view)).collect();
                (wanted, found)
            });
            let looked = looked.await;
            let is_gone = looked.is_err();
            let mut left = Vec::new();
            let (wanted, found) = looked.unwrap_or_default();
            for ((told, wanted), found) in told.into_iter().zip(wanted).zip(found) {
                match found {
                    // Whoever does not wait any more asks again.
                    Some(found) => drop(told.send(found)),
                    None => left.push(Waiter { wanted, told }),
                }
            }
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if is_gone {
                // The node stops: who waits is told what is known.
                *waiting = Waiting::default();
                return;
            }
            waiting.waiters.append(&mut left);
        }
    }
}
