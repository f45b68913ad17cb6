//! Looks at the books that are answered from: not at those of a group whose state here differs from
//! most others'.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use console::{Problem, Read, Reading};
use group::Group;
use payments_model::Payments;
use runtime::NodeView;
use types::GroupId;

use crate::deadline;
use crate::router::App;

impl App {
    /// How much a request asks for.
    ///
    /// # Errors
    /// 400 if that cannot be read.
    pub(crate) fn reading(&self, headers: &HeaderMap) -> Result<Reading, Problem> {
        Reading::of(self.site.cluster(), headers, deadline::patience_us(headers)?)
    }

    /// How much a request asks for that lists or adds up what is in several ledgers.
    ///
    /// # Errors
    /// 400 if that cannot be read, or if it asks for what is not committed: lists and sums are of the
    /// committed state, and shown as provisional they would lack what a client was told of already.
    pub(crate) fn reading_of_several(&self, headers: &HeaderMap) -> Result<Reading, Problem> {
        let reading = self.reading(headers)?;
        if reading.is_provisional() {
            return Err(Problem::new(400, "committed-only", "Only what is committed is listed.")
                .detail("lists and books hold nothing that was answered before the commit")
                .with("header", console::READ)
                .with(
                    "next_step",
                    "read one account or one payment as provisional, or this under another level",
                ));
        }
        Ok(reading)
    }

    /// Looks at the node once those groups meet what `reading` asks for.
    ///
    /// # Errors
    /// See [`console::refused`].
    pub(crate) async fn show<T: Send + 'static>(
        &self,
        reading: &Reading,
        path: &str,
        groups: Vec<GroupId>,
        look: impl FnOnce(&NodeView<'_, Payments>) -> T + Send + 'static,
    ) -> Result<Read<T>, Problem> {
        reading.look(&self.handle, &self.site, path, groups, look).await
    }

    /// The groups that a question is about: the one that it names, or all whose state is here and all that the
    /// client has seen something of. Of the latter `is_asked_for` says which.
    ///
    /// What the client has seen may be in a group that is kept elsewhere only. Left out, it would be
    /// missing from the answer as if it had never been; asked for, it sends the client there.
    ///
    /// # Errors
    /// 400 if a token is of no group of this cluster; 409 if what the client has seen is not kept here,
    /// and not all of it where it would be sent; 503 if the node stops.
    pub(crate) async fn groups(
        &self,
        reading: &Reading,
        named: Option<u16>,
        is_asked_for: impl Fn(GroupId) -> bool + Send + 'static,
    ) -> Result<Vec<GroupId>, Problem> {
        if let Some(group) = named {
            return Ok(vec![GroupId(group)]);
        }
        let mut seen = reading.groups_seen(&self.site)?;
        seen.retain(|group| is_asked_for(*group));
        let groups = self.handle.ask(move |view| {
            if let Some(group) = split(view, &seen) {
                return Err(group);
            }
            let here = view.node.groups().filter(|group| group.runs_model());
            let here = here.map(|group| group.id()).filter(|group| is_asked_for(*group));
            let mut all = seen.clone();
            all.extend(here);
            Ok(all.into_iter().collect::<Vec<_>>())
        });
        groups.await?.map_err(|group| {
            Problem::new(409, "kept-apart", "What the client has seen is kept in several places.")
                .detail(format!("{group} is not kept here, and others not where it is kept"))
                .with("group", group.0)
                .with(
                    "next_step",
                    "ask for one ledger at a time with `?group=`, or for an account by its key",
                )
        })
    }

    /// Looks at the node, if this one's state of `group` is what most have, or of all groups.
    ///
    /// # Errors
    /// 503 if it is not: another node knows, and this one is building its state again.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        group: Option<GroupId>,
        look: impl FnOnce(&NodeView<'_, Payments>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let looked = self.handle.ask(move |view| {
            let mut groups = view.node.groups();
            let odd = groups.find(|here| {
                group.is_none_or(|group| group == here.id()) && here.readable().is_none()
            });
            match odd {
                Some(odd) => Err(odd.id()),
                None => Ok(look(view)),
            }
        });
        looked.await?.map_err(|group| {
            Problem::new(503, "state-differs", "Ask another node.")
                .detail(format!("the state of {group} here is not what most other nodes have"))
                .with("group", group.0)
                .retry_after_ms(1_000)
        })
    }
}

/// A group of those whose state is elsewhere only, if the node that would be asked for it lacks the state
/// of another: sent there, the client would be sent back.
fn split(view: &NodeView<'_, Payments>, seen: &BTreeSet<GroupId>) -> Option<GroupId> {
    let groups = || seen.iter().filter_map(|group| view.node.group(*group));
    let (group, to) = groups().find_map(|group| Some((group, group.query().err()?.ask?)))?;
    let runs = |other: &Group<Payments>| {
        other.config().role(to).is_some_and(types::MemberRole::runs_model)
    };
    let has_all = groups().all(|other| other.id() == group.id() || runs(other));
    (!has_all).then_some(group.id())
}
