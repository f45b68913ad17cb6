//! A member whose records contradict the journal takes no part in it, however often it is started.

use group::RoleStatus;
use sim::{SECOND, World};

use crate::tale::{FAR, G0, HOME, NEAR, done, group, home, serving, sound};

fn is_out(world: &World, host: usize) -> bool {
    let status = group(world, host).status(world.clocks(host));
    status.role == RoleStatus::Quarantined && status.contradiction.is_some()
}

#[test]
fn a_forked_member_that_is_started_anew_does_not_make_its_fork_the_journal() {
    // Found by reading: that it had taken itself out was only in its memory. Started again while the home was
    // gone, it answered the seal, and a record that nobody had ever committed became part of the journal.
    let mut world = serving(1);
    for _ in 0..3 {
        done(&mut world, HOME);
    }
    world.run_for(SECOND);
    world.kill(FAR);
    assert!(world.forge(FAR, G0), "it holds the group");
    world.start(FAR);
    done(&mut world, HOME);
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| is_out(world, FAR)), "the home's next record shows it");
    world.run_for(SECOND);
    for _ in 0..2 {
        world.kill(FAR);
        let old = home(&world).unwrap();
        world.kill(old);
        world.start(FAR);
        assert!(is_out(&world, FAR), "it knows what it was");
        world.run_for(20 * SECOND);
        sound(&world);
        assert_eq!(home(&world), None, "one copy that can be trusted is not enough to go on from");
        world.start(old);
        let until = world.now() + 10 * SECOND;
        assert!(world.run_until(until, |world| home(world).is_some()), "with the other it is");
        done(&mut world, NEAR);
    }
    // With another node in its place the group has its copies again.
    let new = world.replace(HOME, FAR);
    let until = world.now() + 60 * SECOND;
    let is_whole = |world: &World| {
        world.node(new).and_then(|node| node.group(G0)).is_some_and(|group| {
            group.status(world.clocks(new)).role == RoleStatus::Follower
                && group.applied() > types::Seq(3)
        })
    };
    assert!(world.run_until(until, is_whole), "the new node has caught up and counts");
    sound(&world);
    done(&mut world, HOME);
}
