//! What it would take to open a frozen channel again: the view of both ends at once.

use alloc::vec::Vec;

use channel::{NoPlan, Plan, Side, is_open};
use model::{End, Model};
use types::ChannelKey;

use super::Group;

/// Plans how the channel from one group to another is opened again, from the state that this node has applied of both.
/// It changes nothing. What has moved meanwhile, each group's own chain says when it is ordered.
///
/// # Errors
/// [`NoPlan`] if neither end is frozen.
pub fn reopening<M: Model>(from: &Group<M>, to: &Group<M>, nonce: u64) -> Result<Plan, NoPlan> {
    let ends = [from.id(), to.id()];
    let (outbox, inbox) = (from.channels().outbox(to.id()), to.channels().inbox(from.id()));
    // Before all that was ever done is read.
    if let Some(no_plan) = is_open(outbox, inbox) {
        return Err(no_plan);
    }
    let sent = from.model().passed(to.id(), End::Sender);
    let taken = to.model().passed(from.id(), End::Receiver);
    let keys = |passed: &[model::Passed]| passed.iter().map(|one| one.key).collect();
    let (sent_keys, taken_keys): (Vec<ChannelKey>, Vec<ChannelKey>) = (keys(&sent), keys(&taken));
    let detail = |group: &Group<M>, peer, end, one: Option<&model::Passed>| {
        one.map(|one| group.model().passed_detail(peer, end, one.place)).unwrap_or_default()
    };
    let sent_detail = |index: usize| detail(from, to.id(), End::Sender, sent.get(index));
    let taken_detail = |index: usize| detail(to, from.id(), End::Receiver, taken.get(index));
    Plan::new(
        ends,
        (nonce, from.closed().max(to.closed())),
        (outbox, Side { done: &sent_keys, detail: &sent_detail }, &|message| {
            from.model().message_detail(message)
        }),
        (inbox, Side { done: &taken_keys, detail: &taken_detail }),
    )
}
