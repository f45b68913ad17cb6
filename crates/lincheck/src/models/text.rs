//! A text that is replaced, added to and read: the values of a key-value store, and lists by another
//! name.

use alloc::string::String;

use crate::Specification;

/// A text, empty at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text;

/// What it is asked. Only `Get` has an answer that says something; the others answer an empty text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextInput {
    /// All of it.
    Get,
    /// To be this.
    Put(String),
    /// To have this added to its end.
    Append(String),
}

impl Specification for Text {
    type State = String;
    type Input = TextInput;
    type Output = String;

    fn initial(&self) -> String {
        String::new()
    }

    fn only_reads(&self, input: &TextInput) -> bool {
        matches!(input, TextInput::Get)
    }

    fn step(&self, state: &String, input: &TextInput, output: Option<&String>) -> Option<String> {
        match input {
            TextInput::Get if output.is_some_and(|output| output != state) => None,
            TextInput::Get => Some(state.clone()),
            TextInput::Put(text) => Some(text.clone()),
            TextInput::Append(text) => Some([state.as_str(), text].concat()),
        }
    }
}
