//! Nodes that came and went before a beginning by force and after it, known to the survivor or not.

use register::SealKind;
use sim::{SECOND, id};
use types::NodeId;

use crate::force::serves_alone;
use crate::members::{admitted, ids, replaced, until_whole, votes};
use crate::tale::*;

#[test]
fn ids_that_the_lost_gave_out_are_never_given_again() {
    // The survivor has not heard of a node that was admitted while it was cut off. Its disk is found later;
    // under the id of a newcomer it would vouch for what that holds, and be told what that has promised.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.run_for(SECOND);
    world.isolate(FAR);
    let unheard = world.join(None);
    admitted(&mut world, HOME, unheard, None);
    world.run_for(5 * SECOND);
    done(&mut world, HOME);
    assert_eq!(world.id_of(unheard), NodeId(4));
    for lost in [HOME, NEAR, unheard] {
        world.kill(lost);
    }
    world.heal();
    world.run_for(4 * SECOND);
    let next = |world: &sim::World| world.node(FAR).unwrap().register().state().roster().next_id();
    assert_eq!(next(&world), NodeId(4), "as far as it knows");
    serves_alone(&mut world, FAR);
    assert!(next(&world) > NodeId(10_000), "{}", next(&world));
    let (one, two) = (replaced(&mut world, FAR, HOME), replaced(&mut world, FAR, NEAR));
    until_whole(&mut world);
    assert!(world.id_of(one) != world.id_of(two) && world.id_of(one) > NodeId(10_000));

    world.start(unheard);
    world.run_for(20 * SECOND);
    sound(&world);
    let roster = world.node(one).unwrap().register().state().roster().clone();
    assert!(!roster.is_known(world.id_of(unheard)));
    done(&mut world, two);
    sound(&world);
}

#[test]
fn an_order_is_carried_out_as_people_were_shown_it_or_not_at_all() {
    // What they agreed to give up was judged by a log that has grown since: they would lose what nobody has
    // shown them.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.isolate(FAR);
    world.run_for(4 * SECOND);
    let shown = world.plan_of(FAR, &[FAR]);
    assert_eq!(shown.given_up, [id(HOME), id(NEAR)]);
    // It was not cut off for good, and helps to decide something more.
    world.heal();
    world.run_for(2 * SECOND);
    order(&mut world, HOME, FAR, SealKind::Planned);
    until_moved(&mut world, HOME);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    let orders = world.report().orders;
    world.recover_as_shown(FAR, &[FAR], shown);
    world.run_for(SECOND);
    assert_eq!(world.report().orders, [orders[0], orders[1] + 1]);
    assert_eq!(votes(&world, FAR), ids(&[HOME, NEAR, FAR]));
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    assert_eq!(votes(&world, FAR), ids(&[FAR]));
    sound(&world);
}
