//! Looks at the books that are answered from: not at those of a group whose state here differs from
//! most others'.

use axum::http::HeaderMap;
use console::{Problem, Read, Reading};
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
        Reading::of(headers, deadline::patience_us(headers)?)
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

    /// All groups whose state is here.
    ///
    /// # Errors
    /// 503 if the node stops.
    pub(crate) async fn groups(&self) -> Result<Vec<GroupId>, Problem> {
        let groups = self.handle.ask(|view| {
            let here = view.node.groups().filter(|group| group.runs_model());
            here.map(|group| group.id()).collect::<Vec<_>>()
        });
        Ok(groups.await?)
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
