//! A word that means two things.

use super::*;

#[test]
fn a_word_has_one_meaning() {
    // Without it a payment on hold and a group on hold would meet in one alarm at night.
    let check = |text: &str, expect: &[&str]| {
        let said: Vec<String> = check(text).iter().map(ToString::to_string).collect();
        assert_eq!(said, expect, "{text}");
    };
    check("# Words\n\n- **seq** – a place.\n- **hold** – an amount set apart.\n", &[]);
    check(
        "- **hold** – an amount set apart.\n\n## Moves\n- **Hold** – why a group stays.\n",
        &["error: GLOSSARY.md:4: `Hold` has a meaning already, in line 1: find another word"],
    );
    check(
        "- **seq** – a place.\n- seq: a place\n- **head** – \n",
        &[
            "error: GLOSSARY.md:2: is not of the form `- **word** – meaning`",
            "error: GLOSSARY.md:3: is not of the form `- **word** – meaning`",
        ],
    );
    check("# Words\n", &["error: GLOSSARY.md: defines no word"]);
}
