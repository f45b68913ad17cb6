//! Many groups at once.

use sim::{Knobs, NetKnobs, SECOND, World};
use types::GroupId;

use crate::tale::*;

fn homes(world: &World, groups: u16) -> usize {
    (0..groups)
        .filter(|group| {
            (0..world.count()).any(|host| {
                let group = world.node(host).and_then(|node| node.group(GroupId(*group)));
                group.is_some_and(|group| {
                    group.home_epoch().is_some() && group.applied() == group.tail().seq
                })
            })
        })
        .count()
}

#[test]
fn s30_256_groups_lose_a_region_at_once_and_all_open_in_time() {
    // A region's loss moves everything at once; retries that pile up would turn seconds into minutes.
    let quiet = Knobs::quiet(256);
    let net = NetKnobs { loss_ppm: 10_000, ..quiet.net };
    let mut world = serving_with(Knobs { net, ..quiet }, 1);
    world.kill(HOME);
    let (killed_at, frames) = (world.now(), world.report().frames);
    let open = world.run_until(killed_at + 10 * SECOND, |world| homes(world, 256) == 256);
    sound(&world);
    assert!(open, "{} of 256 groups serve", homes(&world, 256));
    // Detection 2 s, then at most a turn of 300 ms for a second in line, the register, and the copies.
    let took_us = world.now() - killed_at;
    assert!(took_us <= 5 * SECOND, "{took_us} µs");
    let frames = world.report().frames - frames;
    assert!(frames < 3_000, "{frames} frames: one per node and step, not one per group");
    done(&mut world, NEAR);
    all_agree(&mut world);
}
