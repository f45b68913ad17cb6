//! Reads: what each level shows, and what it says when it cannot.

use group::{ReadLevel, ReadRefusal};
use register::SealKind;
use sim::{Ask, Knobs, MILLI, SECOND, Shown, World};
use types::{Class, Epoch, GroupId, RequestId, Seq, Stamp, Terms, Token};
use wire::Reply;

use crate::tale::*;

/// Asks a node to be shown group 0 and waits for what it says.
fn read(world: &mut World, host: usize, level: ReadLevel) -> Result<Shown, ReadRefusal> {
    read_with(world, host, level, &[])
}

/// The same by somebody who has seen this.
fn read_after(world: &mut World, host: usize, token: Token) -> Result<Shown, ReadRefusal> {
    read_with(world, host, ReadLevel::Session, &[token])
}

fn read_with(
    world: &mut World,
    host: usize,
    level: ReadLevel,
    tokens: &[Token],
) -> Result<Shown, ReadRefusal> {
    let request = world.read(host, G0, level, tokens, 2 * SECOND);
    said(world, request)
}

fn said(world: &mut World, request: RequestId) -> Result<Shown, ReadRefusal> {
    let until = world.now() + 10 * SECOND;
    world.run_until(until, |world| world.shown(request).is_some());
    sound(world);
    world.shown(request).expect("a read is answered")
}

/// Does something new and returns what the client has seen with its answer.
fn told(world: &mut World, host: usize) -> Token {
    let ask = world.command(G0, 5, 60 * SECOND);
    outcome(world, host, &ask).token(G0).expect("an answer names a record")
}

fn async_trio() -> World {
    let terms = Terms { class: Class::Async, ..Terms::default() };
    serving_with(Knobs { terms, ..Knobs::quiet(1) }, 1)
}

/// Has a home answer something from its own disk that nobody else will ever have.
fn told_early(world: &mut World) -> (Ask, Token) {
    let ask = world.command(G0, 5, 600 * SECOND);
    let request = world.ask_early(HOME, &ask, SECOND);
    let told = reply(world, request);
    assert!(matches!(told, Reply::Provisional { .. }), "{told:?}");
    (ask, told.token(G0).expect("a provisional answer names its record"))
}

#[test]
fn an_idle_home_shows_all_that_was_acknowledged_after_one_round_trip() {
    // A home that waits for the next commit to piggyback on would answer in ten seconds, or never.
    let mut world = serving(1);
    let token = told(&mut world, HOME);
    world.run_for(300 * MILLI);
    let begun = world.now();
    let shown = read(&mut world, HOME, ReadLevel::Linearizable).unwrap();
    assert!(shown.applied >= token.seq);
    let took = world.now() - begun;
    assert!((20 * MILLI..25 * MILLI).contains(&took), "{took} µs: there and back is 20 ms");
}

#[test]
fn away_from_home_a_linearizable_read_is_told_where_to_go() {
    // Another node may be behind by any amount and cannot know it.
    let mut world = serving(1);
    let refused = read(&mut world, FAR, ReadLevel::Linearizable).unwrap_err();
    assert!(
        matches!(refused, ReadRefusal::NotHome { home: Some(home), .. } if home == sim::id(HOME)),
        "{refused:?}"
    );
}

#[test]
fn a_home_that_was_replaced_and_does_not_know_it_shows_nothing() {
    // Its disk, its clock and its pulse are fine; only that others have gone on without it.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.isolate(HOME);
    let moved = until_moved(&mut world, HOME);
    done(&mut world, moved);
    assert!(group(&world, HOME).home_epoch().is_some(), "it still takes itself for the home");
    let refused = read(&mut world, HOME, ReadLevel::Linearizable).unwrap_err();
    assert!(matches!(refused, ReadRefusal::Unconfirmed { .. }), "{refused:?}");
    // What it holds may be shown as what it is.
    let stale = read(&mut world, HOME, ReadLevel::Stale).unwrap();
    assert!(stale.applied < group(&world, moved).applied());
    let shown = read(&mut world, moved, ReadLevel::Linearizable).unwrap();
    assert_eq!(shown.applied, group(&world, moved).applied());
    all_agree(&mut world);
}

#[test]
fn a_reads_question_that_is_lost_is_asked_again() {
    // One lost frame would otherwise turn every read of a quiet group into a timeout.
    let mut world = serving(1);
    world.cut(HOME, NEAR);
    world.cut(HOME, FAR);
    let request = world.read(HOME, G0, ReadLevel::Linearizable, &[], 2 * SECOND);
    world.run_for(100 * MILLI);
    world.heal();
    assert!(said(&mut world, request).is_ok());
}

#[test]
fn under_load_reads_are_answered_by_what_is_acknowledged_anyway() {
    // Reads that come with commands need no messages of their own, and see all commands before them.
    let mut world = serving(1);
    let mut reads = Vec::new();
    for _ in 0..50 {
        ask(&mut world, HOME);
        reads.push(world.read(HOME, G0, ReadLevel::Linearizable, &[], 2 * SECOND));
        world.run_for(3 * MILLI);
    }
    for request in reads {
        said(&mut world, request).unwrap();
    }
    all_agree(&mut world);
}

#[test]
fn s23_a_home_that_was_paused_while_clocks_jumped_shows_nothing_stale() {
    // With a lease, the clock of the home or of a follower would decide whether it may still answer.
    // There is none: whatever the clocks say, the home asks.
    for jump in [-3, 3] {
        let mut world = serving(1);
        done(&mut world, HOME);
        let before = world.read(HOME, G0, ReadLevel::Linearizable, &[], 60 * SECOND);
        world.pause(HOME);
        for host in 0..3 {
            world.jump(host, jump * i64::try_from(SECOND).unwrap());
        }
        let moved = until_moved(&mut world, HOME);
        done(&mut world, moved);
        let after = world.read(HOME, G0, ReadLevel::Linearizable, &[], 2 * SECOND);
        world.resume(HOME);
        for request in [before, after] {
            let refused = said(&mut world, request).unwrap_err();
            assert!(
                matches!(refused, ReadRefusal::NotHome { .. } | ReadRefusal::Unconfirmed { .. }),
                "{refused:?}"
            );
        }
        let shown = read(&mut world, moved, ReadLevel::Linearizable).unwrap();
        assert_eq!(shown.applied, group(&world, moved).applied());
        all_agree(&mut world);
    }
}

#[test]
fn a_follower_that_was_paused_confirms_for_nobody_it_has_left() {
    // The follower's word that it had promised nobody else is as old as its answer, not as its clock.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.pause(FAR);
    world.part(HOME, NEAR);
    let request = world.read(HOME, G0, ReadLevel::Linearizable, &[], 20 * SECOND);
    world.run_for(SECOND);
    assert_eq!(world.shown(request), None, "nobody else could confirm");
    world.resume(FAR);
    let applied = group(&world, HOME).applied();
    assert!(said(&mut world, request).unwrap().applied >= applied);
    all_agree(&mut world);
}

#[test]
fn whoever_was_answered_sees_it_in_every_region() {
    // A customer pays through one region and looks in another: the money must not seem to be back.
    let mut world = serving(1);
    world.part(HOME, FAR);
    let token = told(&mut world, HOME);
    let request = world.read(FAR, G0, ReadLevel::Session, &[token], 10 * SECOND);
    world.run_for(50 * MILLI);
    assert_eq!(world.shown(request), None, "it has not come there, and nothing older is shown");
    world.heal();
    let shown = said(&mut world, request).unwrap();
    assert!(shown.applied >= token.seq);
    // What was seen there is seen everywhere from then on, too.
    let seen = shown.token.unwrap();
    for host in [HOME, NEAR, FAR] {
        assert!(read_after(&mut world, host, seen).unwrap().applied >= seen.seq);
    }
}

#[test]
fn a_region_that_does_not_come_so_far_in_time_says_how_far_it_is() {
    // To wait for ever is no answer, and to show less is a wrong one.
    let mut world = serving(1);
    world.isolate(FAR);
    let token = told(&mut world, HOME);
    let refused = read_after(&mut world, FAR, token).unwrap_err();
    let applied = group(&world, FAR).applied();
    assert_eq!(refused, ReadRefusal::Behind { token, applied });
    assert!(applied < token.seq);
    all_agree(&mut world);
}

#[test]
fn what_an_async_home_answered_and_lost_is_called_orphaned_and_never_shown() {
    // The client was told of a payment that no region has. Shown a state of after the failover, it
    // would believe that the payment was in it.
    let mut world = async_trio();
    world.isolate(HOME);
    let (_, token) = told_early(&mut world);
    let refused = read_after(&mut world, FAR, token).unwrap_err();
    assert!(matches!(refused, ReadRefusal::Behind { .. }), "nobody knows yet: {refused:?}");
    let moved = until_moved(&mut world, HOME);
    for _ in 0..5 {
        done(&mut world, moved);
    }
    let start = group(&world, moved).table().last().copied().unwrap();
    world.heal();
    world.run_for(5 * SECOND);
    for host in [HOME, NEAR, FAR] {
        assert!(group(&world, host).applied() > token.seq, "it would be high enough");
        let refused = read_after(&mut world, host, token).unwrap_err();
        let (by, start) = (start.epoch, start.seq);
        assert_eq!(refused, ReadRefusal::Orphaned { token, by, start, forced: false });
    }
    all_agree(&mut world);
}

#[test]
fn what_an_async_home_answered_and_kept_is_waited_for() {
    // The same token, and a home that comes back in time: it must not be given up for lost.
    let mut world = async_trio();
    world.part(HOME, NEAR);
    world.part(HOME, FAR);
    let (_, token) = told_early(&mut world);
    let request = world.read(FAR, G0, ReadLevel::Session, &[token], 10 * SECOND);
    world.run_for(200 * MILLI);
    assert_eq!(world.shown(request), None);
    world.heal();
    assert!(said(&mut world, request).unwrap().applied >= token.seq);
    all_agree(&mut world);
}

#[test]
fn a_linearizable_read_waits_for_what_an_async_home_has_already_answered() {
    // Whoever was told that a payment is made would find the money still there, and spend it twice.
    let mut world = async_trio();
    world.stall(NEAR, 2 * SECOND);
    world.stall(FAR, 2 * SECOND);
    let (_, token) = told_early(&mut world);
    let request = world.read(HOME, G0, ReadLevel::Linearizable, &[], 10 * SECOND);
    world.run_for(SECOND);
    assert_eq!(world.shown(request), None, "both others say that this is still the home");
    assert!(said(&mut world, request).unwrap().applied >= token.seq);
    all_agree(&mut world);
}

#[test]
fn a_token_of_nothing_that_ever_was_is_refused_and_not_waited_for() {
    // Whoever makes tokens up must not get a node to wait, or to call something lost that never was.
    let mut world = serving(1);
    let token = told(&mut world, HOME);
    let head = token.head.map(|byte| !byte);
    let forged = Token { head, ..token };
    let refused = world.read(NEAR, G0, ReadLevel::Session, &[forged], 2 * SECOND);
    world.run_for(SECOND);
    // The checker knows every token that was told and would call this a fault of the node.
    let foreign = Err(ReadRefusal::Foreign { token: forged });
    assert_eq!(world.shown(refused), Some(foreign));
    assert_eq!(world.check().violation().map(|one| one.invariant), Some("I12"));
}

#[test]
fn a_bounded_read_of_an_idle_group_has_its_time_closed_for_it() {
    // Idle groups close their time once a second here, every ten in production: a bound of one round
    // trip more would be refused most of the time.
    let mut world = serving(1);
    world.run_for(700 * MILLI);
    for host in [FAR, HOME] {
        let within_us = SECOND + 200 * MILLI;
        let request = world.read(host, G0, ReadLevel::Bounded { within_us }, &[], SECOND);
        world.run_for(150 * MILLI);
        assert!(matches!(world.shown(request), Some(Ok(_))), "{:?}", world.shown(request));
        world.run_for(600 * MILLI);
    }
    sound(&world);
}

#[test]
fn a_bounded_read_that_cannot_be_had_says_how_old_it_would_be() {
    // A cut-off region does not know what it misses. It knows since when.
    let mut world = serving(1);
    world.isolate(FAR);
    let cut = world.now();
    world.run_for(5 * SECOND);
    done(&mut world, HOME);
    let within_us = 4 * SECOND;
    let refused = read(&mut world, FAR, ReadLevel::Bounded { within_us }).unwrap_err();
    let ReadRefusal::TooOld { age_us: Some(age_us), within_us: told, .. } = refused else {
        panic!("{refused:?}")
    };
    assert!(told == within_us && age_us >= world.now() - cut, "{age_us}");
    let within_us = 60 * SECOND;
    assert!(read(&mut world, FAR, ReadLevel::Bounded { within_us }).is_ok());
    all_agree(&mut world);
}

#[test]
fn a_node_whose_clock_went_back_does_not_take_its_state_for_fresh() {
    // By its own clock, what it has is from the future.
    let mut world = serving(1);
    world.isolate(FAR);
    world.run_for(3 * SECOND);
    world.jump(FAR, -i64::try_from(20 * SECOND).unwrap());
    let refused = read(&mut world, FAR, ReadLevel::Bounded { within_us: 4 * SECOND }).unwrap_err();
    let ReadRefusal::TooOld { age_us, .. } = refused else { panic!("{refused:?}") };
    assert!(age_us.is_none_or(|age_us| age_us >= 5 * SECOND), "{age_us:?}");
    all_agree(&mut world);
}

#[test]
fn a_cut_is_the_same_state_of_every_group_in_every_region() {
    // A report that adds up groups at different moments finds money that is not there, or misses some.
    let mut world = serving(4);
    let at = Stamp(world.true_wall().0 + SECOND);
    let cuts: Vec<RequestId> =
        [HOME, NEAR, FAR].into_iter().map(|host| world.cut_at(host, at, 4 * SECOND)).collect();
    // Some groups are busy, one is idle.
    for round in 0..200_u16 {
        let ask = world.command(GroupId(round % 3), 5, 60 * SECOND);
        world.ask(usize::from(round % 3), &ask, 2 * SECOND);
        world.run_for(10 * MILLI);
    }
    sound(&world);
    let seen: Vec<_> = cuts
        .iter()
        .map(|request| world.cut_through(*request).expect("it has ended").unwrap().clone())
        .collect();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    assert_eq!(seen[0].len(), 4);
    assert!(seen[0][&G0].applied > Seq(5) && group(&world, HOME).applied() > seen[0][&G0].applied);
}

#[test]
fn a_time_that_a_node_has_passed_is_no_cut_any_more() {
    // The state of then cannot be had again, and one of about then is none.
    let mut world = serving(2);
    done(&mut world, HOME);
    let at = Stamp(world.true_wall().0 - SECOND);
    let request = world.cut_at(FAR, at, SECOND);
    world.run_for(100 * MILLI);
    let refused = world.cut_through(request).unwrap().unwrap_err();
    assert!(matches!(refused, group::CutRefusal::Past { .. }), "{refused:?}");
}

#[test]
fn a_cut_that_a_group_does_not_come_to_holds_nobody_up() {
    // One group without a home must not keep all others from being applied until the cut is given up.
    let mut world = serving(2);
    let at = Stamp(world.true_wall().0 + 100 * MILLI);
    let request = world.cut_at(FAR, at, 2 * SECOND);
    world.run_for(50 * MILLI);
    world.isolate(NEAR);
    let home = |world: &World, id: u16| {
        let of = |host: &usize| {
            world.node(*host).unwrap().group(GroupId(id)).unwrap().home_epoch().is_some()
        };
        (0..3).find(of)
    };
    assert_eq!(home(&world, 1), Some(NEAR), "the second group's home is cut off");
    for _ in 0..3 {
        done(&mut world, HOME);
    }
    world.run_for(300 * MILLI);
    assert_eq!(world.cut_through(request), None);
    assert_eq!(group(&world, FAR).applied(), group(&world, HOME).applied(), "the first goes on");
    world.run_for(2 * SECOND);
    let refused = world.cut_through(request).unwrap().unwrap_err();
    assert!(
        matches!(refused, group::CutRefusal::Open { group, .. } if group == GroupId(1)),
        "{refused:?}"
    );
    all_agree(&mut world);
}

#[test]
fn a_planned_switch_sends_readers_on_and_shows_them_all_of_it() {
    // Between two homes nobody can answer; after it, the new one must know all that the old one told.
    let mut world = serving(1);
    let token = told(&mut world, HOME);
    order(&mut world, FAR, NEAR, SealKind::Planned);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(NEAR)));
    let refused = read(&mut world, HOME, ReadLevel::Linearizable).unwrap_err();
    assert!(matches!(refused, ReadRefusal::NotHome { .. }), "{refused:?}");
    assert!(read(&mut world, NEAR, ReadLevel::Linearizable).unwrap().applied >= token.seq);
    all_agree(&mut world);
}

#[test]
fn a_home_that_is_confirmed_and_cannot_apply_in_time_says_that_and_not_that_it_may_be_replaced() {
    // An operator who reads "it may have been replaced" looks for a failover that never was.
    let mut world = async_trio();
    world.stall(NEAR, 3 * SECOND);
    world.stall(FAR, 3 * SECOND);
    let (_, token) = told_early(&mut world);
    let refused = read(&mut world, HOME, ReadLevel::Linearizable).unwrap_err();
    let ReadRefusal::Unapplied { needs, applied, .. } = refused else { panic!("{refused:?}") };
    assert!(needs >= token.seq && applied < needs, "{refused:?}");
    all_agree(&mut world);
}

/// Tokens that nobody was told of, each further ahead of `token` than the one before.
fn made_up(token: Token, count: u64) -> impl Iterator<Item = Token> {
    (1..=count).map(move |ahead| Token { seq: Seq(token.seq.0 + 1_000 * ahead), ..token })
}

#[test]
fn the_home_waits_for_nothing_that_it_has_not_told() {
    // It has all of its own epoch, so whoever asks for more has made it up, and need not be kept.
    let mut world = serving(1);
    let token = told(&mut world, HOME);
    let forged = made_up(token, 1).next().unwrap();
    let request = world.read(HOME, G0, ReadLevel::Session, &[forged], 2 * SECOND);
    world.run_for(MILLI);
    let foreign = ReadRefusal::Foreign { token: forged };
    assert_eq!(world.shown(request), Some(Err(foreign)), "at once");
}

#[test]
fn of_too_many_who_wait_for_what_nobody_here_has_heard_of_those_furthest_ahead_are_sent_away() {
    // Whoever makes tokens up would else hold every place for as long as reads may wait, and those whose
    // payments are on their way would be turned away.
    let mut world = serving(1);
    world.isolate(FAR);
    let token = told(&mut world, HOME);
    let forged: Vec<RequestId> = made_up(token, 3_000)
        .map(|token| world.read(FAR, G0, ReadLevel::Session, &[token], 8 * SECOND))
        .collect();
    let newer = Token { epoch: Epoch(token.epoch.0 + 7), ..token };
    let newer = world.read(FAR, G0, ReadLevel::Session, &[newer], 8 * SECOND);
    let honest = world.read(FAR, G0, ReadLevel::Session, &[token], 8 * SECOND);
    world.run_for(MILLI);
    let sent_away = |world: &World, request: &RequestId| {
        matches!(world.shown(*request), Some(Err(ReadRefusal::Unheard { .. })))
    };
    let gone = forged.iter().filter(|request| sent_away(&world, request)).count();
    assert!(gone >= 3_000 - 1_024, "{gone} of 3000 are gone");
    assert!(sent_away(&world, forged.last().unwrap()) && sent_away(&world, &newer));
    assert_eq!(world.shown(honest), None, "it keeps its place");
    // What is here is shown all the same.
    assert!(read(&mut world, FAR, ReadLevel::Stale).is_ok());
    world.heal();
    assert!(said(&mut world, honest).unwrap().applied >= token.seq);
}

#[test]
fn whoever_must_not_wait_is_not_told_to_come_back() {
    // A node full of readers who wait would refuse all others, whom it could answer at once.
    let mut world = serving(1);
    world.isolate(FAR);
    let bounded = ReadLevel::Bounded { within_us: 1 };
    let waiting: Vec<RequestId> =
        (0..17_000).map(|_| world.read(FAR, G0, bounded, &[], 8 * SECOND)).collect();
    world.run_for(MILLI);
    let count = |world: &World, refusal: Option<Result<Shown, ReadRefusal>>| {
        waiting.iter().filter(|request| world.shown(**request) == refusal).count()
    };
    assert_eq!(count(&world, Some(Err(ReadRefusal::Busy))), 17_000 - 16_384);
    assert_eq!(count(&world, None), 16_384);
    assert!(read(&mut world, FAR, ReadLevel::Stale).is_ok());
    let refused = read(&mut world, FAR, ReadLevel::Linearizable).unwrap_err();
    assert!(matches!(refused, ReadRefusal::NotHome { .. }), "{refused:?}");
}

#[test]
fn several_groups_are_sent_to_their_home_if_all_have_one_and_refused_if_not() {
    // Whoever adds up two ledgers of one home could be answered there, and would not find it.
    let mut world = serving(6);
    let home_of = |world: &World, id: u16| {
        let at = |host: &usize| {
            world.node(*host).unwrap().group(GroupId(id)).unwrap().home_epoch().is_some()
        };
        (0..3).find(at).unwrap()
    };
    let homes: Vec<usize> = (0..6).map(|id| home_of(&world, id)).collect();
    let at = |host: usize| -> Vec<GroupId> {
        let all = homes.iter().zip(0..).filter(|(home, _)| **home == host);
        all.map(|(_, id)| GroupId(id)).collect()
    };
    let (here, there) = (at(HOME), at(NEAR));
    assert!(here.len() > 1 && there.len() > 1, "{homes:?}");
    let level = ReadLevel::Linearizable;
    let mut read = |groups: &[GroupId]| {
        let request = world.read_all(HOME, groups.to_vec(), level, &[], 2 * SECOND);
        said(&mut world, request)
    };
    assert!(read(&here).is_ok());
    let refused = read(&there).unwrap_err();
    let near = Some(sim::id(NEAR));
    assert!(matches!(refused, ReadRefusal::NotHome { home, .. } if home == near), "{refused:?}");
    for apart in [[here[0], there[0]], [there[0], at(FAR)[0]]] {
        let refused = read(&apart).unwrap_err();
        assert!(matches!(refused, ReadRefusal::SeveralHomes { .. }), "{refused:?}");
    }
}

#[test]
fn a_read_of_several_groups_waits_for_each_and_is_shown_all_at_one_moment() {
    // Were one forgotten that it waits for later, a client would be shown less than it has seen.
    let mut world = serving(2);
    world.isolate(FAR);
    let mut tokens = Vec::new();
    for group in [G0, GroupId(1)] {
        let ask = world.command(group, 5, 60 * SECOND);
        tokens.push(outcome(&mut world, HOME, &ask).token(group).unwrap());
    }
    let groups = vec![G0, GroupId(1)];
    let request = world.read_all(FAR, groups, ReadLevel::Session, &tokens, 10 * SECOND);
    world.run_for(100 * MILLI);
    assert_eq!(world.shown(request), None);
    world.heal();
    said(&mut world, request).unwrap();
    for token in tokens {
        let here = world.node(FAR).unwrap().group(token.group).unwrap();
        assert!(here.applied() >= token.seq);
    }
}

#[test]
fn of_two_cuts_at_one_time_one_that_is_given_up_does_not_end_the_other() {
    // Two auditors ask for the end of the day; one is impatient, and the other would get a later state.
    let mut world = serving(2);
    let at = Stamp(world.true_wall().0 + 300 * MILLI);
    let given_up = world.cut_at(FAR, at, 350 * MILLI);
    let kept = world.cut_at(FAR, at, 5 * SECOND);
    // The second group's home is away until one of the two has been given up.
    world.isolate(NEAR);
    for _ in 0..40 {
        ask(&mut world, HOME);
        world.run_for(10 * MILLI);
    }
    let refused = world.cut_through(given_up).unwrap().unwrap_err();
    assert!(matches!(refused, group::CutRefusal::Open { .. }), "{refused:?}");
    world.heal();
    let until = world.now() + 4 * SECOND;
    world.run_until(until, |world| world.cut_through(kept).is_some());
    sound(&world);
    let seen = world.cut_through(kept).unwrap().unwrap();
    assert_eq!(seen.len(), 2);
    world.run_for(5 * SECOND);
    all_agree(&mut world);
}

#[test]
fn between_two_looks_of_one_cut_a_node_takes_what_has_come_in() {
    // A look goes over a whole ledger: of sixteen in one step, nobody would be answered meanwhile.
    let mut world = serving(16);
    let at = Stamp(world.true_wall().0 + 300 * MILLI);
    let cut = world.cut_at(FAR, at, 5 * SECOND);
    let until = world.now() + 5 * SECOND;
    world.run_until(until, |world| world.cut_through(cut).is_some());
    sound(&world);
    assert_eq!(world.cut_through(cut).unwrap().unwrap().len(), 16);
    assert_eq!(world.looks_in_step_max(), 1);
    all_agree(&mut world);
}
