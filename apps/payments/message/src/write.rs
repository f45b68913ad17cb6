//! Writing XML: elements in order, texts escaped.

/// A document being written.
pub(crate) struct Writer {
    out: String,
    open: Vec<&'static str>,
}

impl Writer {
    /// Begins a document of that namespace.
    pub(crate) fn document(namespace: &str) -> Self {
        let mut out = String::with_capacity(2_048);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"");
        escape(namespace, &mut out);
        out.push_str("\">");
        Self { out, open: Vec::with_capacity(8) }
    }

    /// Writes an element and what `inside` writes into it.
    pub(crate) fn element(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        self.begin(name);
        self.open.push(name);
        inside(self);
        self.open.pop();
        self.end(name);
    }

    /// Writes an element with a text.
    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.begin(name);
        escape(text, &mut self.out);
        self.end(name);
    }

    /// The same, if there is a text.
    pub(crate) fn maybe(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Writes an amount.
    pub(crate) fn amount(&mut self, name: &'static str, currency: &str, amount: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(" Ccy=\"");
        escape(currency, &mut self.out);
        self.out.push_str("\">");
        escape(amount, &mut self.out);
        self.end(name);
    }

    /// Ends the document.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        debug_assert!(self.open.is_empty(), "elements close in the call that opens them");
        self.out.push_str("</Document>\n");
        self.out.into_bytes()
    }

    fn begin(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Escapes for texts and attribute values alike. A carriage return would come back as a line feed,
/// so it goes out as a reference; characters that XML does not have go out as U+FFFD.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            other if crate::xml::is_char(other) => out.push(other),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
