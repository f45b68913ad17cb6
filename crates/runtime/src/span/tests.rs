//! If a unit is misread, a region is declared dead a thousand times too early.

use super::*;

#[test]
fn spans_have_a_unit_and_read_back_as_written() {
    for text in ["500us", "20ms", "10s", "5min", "2h", "0us"] {
        assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(text.to_string()));
    }
    for text in
        ["", "10", "s", "1.5s", "-1s", "10 s", "1d", "99999999999999999999s", "9999999999999h"]
    {
        assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
    }
    assert_eq!("90s".parse::<Span>().map(Span::micros), Ok(90_000_000));
}
