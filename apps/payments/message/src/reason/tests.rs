//! If a reason is not in the ISO set, the answer is invalid at every receiver.

use super::Reason;

/// A reason that is not in the published list makes every answer that carries it worthless.
#[test]
fn named_reasons_are_in_the_list() {
    for reason in Reason::NAMED {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
    }
    assert_eq!(Reason::from_code("TOUT"), None);
    assert_eq!(Reason::from_code("ac01"), None);
}
