//! Figures in the text form that Prometheus reads, in base units: seconds, bytes, counts.
//!
//! Written by hand: the form is a dozen lines of rules, and every figure already exists elsewhere, so
//! a registry of its own would only hold second copies.

use core::fmt::{Display, Write as _};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use group::{GroupStatus, RoleStatus};
use model::Model;
use runtime::NodeView;
use types::GroupId;

use crate::router::App;
use crate::site::role;
use crate::status::word;
use crate::{Problem, Site, group_view, health};

/// `GET /metrics`.
pub(crate) async fn text<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let site = app.site.clone();
    let text = app.handle.ask(move |view| page(&site, view)).await?;
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn page<M: Model>(site: &Site, view: &NodeView<'_, M>) -> String {
    let mut page = Page(String::with_capacity(32 << 10));
    page.node(site, view);
    page.storage(view);
    page.transport(site, view);
    page.reads(view);
    page.groups(site, view, &view.node.statuses(view.now));
    page.channels(view);
    page.0
}

/// The text so far.
struct Page(String);

/// A figure of a group: name, what it is, and how to read it.
type Figure = (&'static str, &'static str, fn(&GroupStatus) -> f64);

#[rustfmt::skip]
const GROUP_FIGURES: [Figure; 28] = [
    ("epoch", "Newest epoch recorded here.", |s| whole(s.epoch.0)),
    ("appended_seq", "End of the chain here.", |s| whole(s.appended.0)),
    ("w1_seq", "Durable on this node.", |s| whole(s.durable.0)),
    ("w2_seq", "Committed as far as known here.", |s| whole(s.commit.0)),
    ("applied_seq", "Applied to the model here.", |s| whole(s.applied.0)),
    ("outcomes", "Message ids that have an outcome.", |s| whole(s.answers as u64)),
    ("waiting_commands", "Commands taken in and not answered.", |s| whole(s.waiting as u64)),
    ("orphan_records", "Records set aside here.", |s| whole(s.orphan_records)),
    ("model_version", "Model version under which the next record is applied.", |s| f64::from(s.version.0.0)),
    ("barred", "1 if this node stores the group and does not run its model, or not in public.", |s| flag(s.bar.is_some())),
    ("differing_members", "Members that came to another state by the same records.", |s| whole(s.differing.len() as u64)),
    ("rpo_at_risk_records", "Answered and not committed.", |s| whole(s.at_risk.records)),
    ("rpo_at_risk_bytes", "Bytes of them.", |s| whole(s.at_risk.bytes)),
    ("rpo_at_risk_seconds", "Age of the oldest of them.", |s| seconds(s.at_risk.oldest_us)),
    ("degraded", "1 while it has fewer members or copies than it is to have.", |s| flag(s.degraded_from.is_some())),
    ("home_loss_loses", "1 if the loss of the home may lose what it acknowledges.", |s| flag(s.home_loss_loses)),
    ("vouched_seq", "Up to here everything is durable and can be read on this node.", |s| whole(s.vouched.0)),
    ("quarantined", "1 while the group is out of service here: its records contradict another member's.", |s| flag(s.role == RoleStatus::Quarantined)),
    ("fault_ranges", "Ranges of records that this node held, or may have held, and cannot read.", |s| whole(s.faults.len() as u64)),
    ("repaired_records", "Records that could not be read and were put back since the start.", |s| whole(s.repaired)),
    ("snapshot_seq", "The newest snapshot on this node's disk.", |s| whole(s.snapshot.0)),
    ("confirmed_snapshot_seq", "The newest whose digest another member has come to itself.", |s| whole(s.confirmed.0)),
    ("trimmed_seq", "Records up to here may be gone from this node's log.", |s| whole(s.trimmed.0)),
    ("base_seq", "Where there is a witness: up to here every full member has a confirmed snapshot.", |s| whole(s.base.0)),
    ("above_base_bytes", "Bytes of the records here that are above the base.", |s| whole(s.above_base_bytes)),
    ("base_waits_for_members", "Full members that keep the base where it is.", |s| whole(s.base_waits_for.len() as u64)),
    ("needs_state", "1 if this node lacks records that only another full member's snapshot has.", |s| flag(s.needs_state.is_some())),
    ("stalled_seconds", "How long something has waited without a commit.", |s| seconds(s.stalled_us)),
];

#[rustfmt::skip]
const LANE_FIGURES: [(&str, &str, &str); 11] = [
    ("session_up", "gauge", "1 if the lane stands."),
    ("session_rtt_seconds", "gauge", "Last time from a ping to its echo."),
    ("session_frames_in_total", "counter", "Frames received."),
    ("session_frames_out_total", "counter", "Frames handed to the socket."),
    ("session_in_bytes_total", "counter", "Bytes of frames received."),
    ("session_out_bytes_total", "counter", "Bytes of frames handed to the socket."),
    ("session_queued_bytes", "gauge", "Bytes that wait to be sent."),
    ("session_refused_frames_total", "counter", "Frames refused because the queue was full."),
    ("session_dropped_frames_total", "counter", "Frames dropped unsent as the lane ended."),
    ("session_connections_total", "counter", "Connections that stood."),
    ("session_failed_attempts_total", "counter", "Attempts to connect that failed."),
];

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP evenkeel_{name} {help}"));
        self.line(format_args!("# TYPE evenkeel_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut out = format!("evenkeel_{name}");
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            write!(out, "{before}{label}=\"{}\"", escaped(text))
                .expect("writing to a string cannot fail");
        }
        if !labels.is_empty() {
            out.push('}');
        }
        self.line(format_args!("{out} {value}"));
    }

    fn line(&mut self, line: impl Display) {
        writeln!(self.0, "{line}").expect("writing to a string cannot fail");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn node<M: Model>(&mut self, site: &Site, view: &NodeView<'_, M>) {
        self.family("node_info", "gauge", "This node; always 1.");
        let number = site.node().0.to_string();
        let own = site.find(site.node());
        let zone = own.map_or("", |own| own.zone.as_str());
        let role = role(site.role_of(site.node()));
        let labels =
            [("node", number.as_str()), ("region", site.region()), ("zone", zone), ("role", role)];
        self.sample("node_info", &labels, 1.0);
        let ready = health::reasons(view).is_empty();
        self.single("ready", "gauge", "1 if clients may be sent here.", flag(ready));
        let reachable = view.node.register().reachable(view.now.instant);
        let help = "1 if this node believes that the register would decide.";
        self.single("register_reachable", "gauge", help, flag(reachable));
        self.family("peer_silent_seconds", "gauge", "Since a peer last showed durable progress.");
        for node in site.nodes().filter(|node| node.id != site.node()) {
            let peer = node.id.0.to_string();
            let silent = view.node.watch().silence(node.id, view.now.instant);
            let labels = [("peer", peer.as_str()), ("region", node.region.as_str())];
            self.sample("peer_silent_seconds", &labels, seconds(silent));
        }
    }

    fn storage<M: Model>(&mut self, view: &NodeView<'_, M>) {
        let stats = view.storage.stats();
        self.family("fsync_seconds", "summary", "Times of fsyncs since the start.");
        for (label, quantile) in [("0.5", 0.5), ("0.99", 0.99), ("1", 1.0)] {
            let value = seconds(stats.fsync_us.value_at_quantile(quantile));
            self.sample("fsync_seconds", &[("quantile", label)], value);
        }
        self.sample("fsync_seconds_count", &[], whole(stats.fsync_us.len()));
        let running = stats.fsync_since.map_or(0, |since| view.now.instant.since(since));
        let help = "For how long the fsync under way has run; 0 if none is.";
        self.single("fsync_running_seconds", "gauge", help, seconds(running));
        let help = "Commits to the log since the start.";
        self.single("log_commits_total", "counter", help, whole(stats.batches));
        let help = "Records written since the start.";
        self.single("log_records_total", "counter", help, whole(stats.records));
        let help = "Bytes of log written since the start.";
        self.single("log_written_bytes_total", "counter", help, whole(stats.bytes));
        let help = "Bytes that wait to be written.";
        self.single("log_queue_bytes", "gauge", help, whole(stats.queue_bytes as u64));
        self.family("disk_space", "gauge", "Room for the log; 1 at the state that holds.");
        self.sample("disk_space", &[("state", &word(&stats.space))], 1.0);
    }

    fn transport<M: Model>(&mut self, site: &Site, view: &NodeView<'_, M>) {
        let metrics = view.transport.metrics();
        // A pass for each figure: the samples of a family have to stand together.
        let lanes: Vec<_> = metrics
            .lanes
            .iter()
            .map(|lane| {
                let rtt = lane.rtt_us.map(seconds);
                let figures = [
                    Some(flag(lane.up)),
                    rtt,
                    Some(whole(lane.frames_in)),
                    Some(whole(lane.frames_out)),
                    Some(whole(lane.bytes_in)),
                    Some(whole(lane.bytes_out)),
                    Some(whole(lane.queued_bytes as u64)),
                    Some(whole(lane.refused)),
                    Some(whole(lane.dropped)),
                    Some(whole(lane.connections)),
                    Some(whole(lane.failures.iter().sum())),
                ];
                (lane.peer.0.to_string(), word(&lane.lane), site.region_of(lane.peer), figures)
            })
            .collect();
        for (index, (name, kind, help)) in LANE_FIGURES.into_iter().enumerate() {
            self.family(name, kind, help);
            for (peer, lane, region, figures) in &lanes {
                let labels = [("peer", peer.as_str()), ("region", region), ("lane", lane)];
                if let Some(value) = figures.get(index).copied().flatten() {
                    self.sample(name, &labels, value);
                }
            }
        }
        let help = "Connections of strangers and misfits turned away.";
        let rejected = metrics.rejected.iter().sum();
        self.single("session_rejected_total", "counter", help, whole(rejected));
    }

    /// Of channels only what is there: most groups have none.
    fn channels<M: Model>(&mut self, view: &NodeView<'_, M>) {
        self.family("channel_pending", "gauge", "Messages to another group that are not answered.");
        let groups = || view.node.groups().filter(|group| !group.channels().is_unused());
        for group in groups() {
            for (to, outbox) in group.channels().outboxes() {
                let (from, to) = (group.id().0.to_string(), to.0.to_string());
                let labels = [("from", from.as_str()), ("to", to.as_str())];
                self.sample("channel_pending", &labels, whole(outbox.pending().count() as u64));
            }
        }
        let help =
            "Ends of channels that take nothing more: people have to settle what contradicts.";
        self.family("group_frozen_channels", "gauge", help);
        for group in groups() {
            let (id, count) = (group.id().0.to_string(), group.channels().cases().count());
            self.sample("group_frozen_channels", &[("group", &id)], whole(count as u64));
        }
        let help = "For how long a channel of which one end was opened again has not been whole.";
        self.family("channel_half_open_seconds", "gauge", help);
        for (from, to, since) in view.node.half_open() {
            let (from, to) = (from.0.to_string(), to.0.to_string());
            let labels = [("from", from.as_str()), ("to", to.as_str())];
            let age = seconds(view.now.wall.since(since));
            self.sample("channel_half_open_seconds", &labels, age);
        }
    }

    fn reads<M: Model>(&mut self, view: &NodeView<'_, M>) {
        let tally = view.node.reads();
        self.family("reads_total", "counter", "Reads by level and how they ended.");
        for ((level, end), count) in &tally.ended {
            let labels = [("level", level.name()), ("outcome", end.name())];
            self.sample("reads_total", &labels, whole(*count));
        }
        let help = "For how long reads waited until they ended, by level.";
        self.family("read_wait_seconds_total", "counter", help);
        for (level, waited_us) in &tally.waited_us {
            self.sample("read_wait_seconds_total", &[("level", level.name())], seconds(*waited_us));
        }
        let help = "Reads and cuts that wait now.";
        self.single("reads_waiting", "gauge", help, whole(tally.waiting as u64));
    }

    fn groups<M: Model>(
        &mut self,
        site: &Site,
        view: &NodeView<'_, M>,
        statuses: &[(GroupId, GroupStatus)],
    ) {
        let numbers: Vec<String> = statuses.iter().map(|(group, _)| group.0.to_string()).collect();
        for (name, help, read) in GROUP_FIGURES {
            let name = format!("group_{name}");
            self.family(&name, "gauge", help);
            for ((_, status), group) in statuses.iter().zip(&numbers) {
                self.sample(&name, &[("group", group)], read(status));
            }
        }
        self.family("group_role", "gauge", "What this node does in a group; 1 at the role it has.");
        for ((_, status), group) in statuses.iter().zip(&numbers) {
            let labels = [("group", group.as_str()), ("role", group_view::role(&status.role))];
            self.sample("group_role", &labels, 1.0);
        }
        self.family("group_closed_age_seconds", "gauge", "Age of the last applied record.");
        for ((_, status), group) in statuses.iter().zip(&numbers) {
            if status.closed.0 > 0 {
                let age = view.now.wall.since(status.closed);
                self.sample("group_closed_age_seconds", &[("group", group)], seconds(age));
            }
        }
        self.family("group_unacked_bytes", "gauge", "Bytes a member has not acknowledged.");
        for ((_, status), group) in statuses.iter().zip(&numbers) {
            for peer in &status.peers {
                let node = peer.node.0.to_string();
                let region = site.region_of(peer.node);
                let labels = [("group", group.as_str()), ("peer", &node), ("region", region)];
                self.sample("group_unacked_bytes", &labels, whole(peer.behind_bytes));
            }
        }
        self.family(
            "group_learner_behind_records",
            "gauge",
            "Records that a node lacks which its home brings up and which does not count yet.",
        );
        for ((_, status), group) in statuses.iter().zip(&numbers) {
            for peer in status.peers.iter().filter(|peer| !peer.counts) {
                let node = peer.node.0.to_string();
                let region = site.region_of(peer.node);
                let labels = [("group", group.as_str()), ("peer", &node), ("region", region)];
                let behind = status.appended.0.saturating_sub(peer.acked.0);
                self.sample("group_learner_behind_records", &labels, whole(behind));
            }
        }
        self.family("group_oldest_unacked_seconds", "gauge", "Age of the oldest of them.");
        for ((_, status), group) in statuses.iter().zip(&numbers) {
            for peer in &status.peers {
                let node = peer.node.0.to_string();
                let region = site.region_of(peer.node);
                let labels = [("group", group.as_str()), ("peer", &node), ("region", region)];
                self.sample("group_oldest_unacked_seconds", &labels, seconds(peer.behind_us));
            }
        }
    }
}

/// Backslashes, quotes and line ends are escaped in a label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people; 2^53 is never reached")]
const fn whole(value: u64) -> f64 {
    value as f64
}

const fn seconds(micros: u64) -> f64 {
    whole(micros) / 1_000_000.0
}
