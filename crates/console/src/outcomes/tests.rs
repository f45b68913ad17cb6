//! If an id is read as another one, somebody is told the outcome of a stranger's payment.

use super::*;

#[test]
fn an_id_is_read_as_it_is_written_and_nothing_else_is() {
    // The id comes from an earlier answer, by hand or by machine.
    let id = MessageId([
        0x6f, 0x1a, 0x3c, 0x52, 0x8d, 0x24, 0x4b, 0x7e, 0x9c, 0x31, 0x2f, 0x5d, 7, 0xa9, 0, 0xe4,
    ]);
    assert_eq!(read_id(&id.to_string()), Some(id));
    assert_eq!(read_id(&id.to_string().replace('-', "").to_uppercase()), Some(id));
    for wrong in ["", "6f", "g".repeat(32).as_str(), "é".repeat(16).as_str(), &"0".repeat(33)] {
        assert_eq!(read_id(wrong), None, "{wrong}");
    }
    assert_eq!(read_id(&format!("{}------", "0".repeat(32))), None);
}
