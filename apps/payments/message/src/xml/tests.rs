//! If the reader is lenient, a stranger's document takes memory, or means two things to two readers.

use std::borrow::Cow;

use super::error::{Error, Limit};
use super::{Reader, Token};
use crate::limits::Limits;

/// Reads all of a document and writes down what came: `{namespace}name`, attributes, texts.
fn trace_within(bytes: &[u8], limits: &Limits) -> Result<String, Error> {
    let mut reader = Reader::new(bytes, limits)?;
    let mut out = String::new();
    loop {
        match reader.next()? {
            Token::Open => {
                let name = reader.name();
                out += &format!("<{{{}}}{}", name.namespace, name.local);
                for attribute in reader.attributes() {
                    let namespace = reader.namespace_of(attribute);
                    out += &format!(" {{{namespace}}}{}={}", attribute.local, attribute.value);
                }
                out.push('>');
            }
            Token::Text(text) => out += &text,
            Token::Close => out.push('/'),
            Token::End => return Ok(out),
        }
    }
}

fn trace(text: &str) -> Result<String, Error> {
    trace_within(text.as_bytes(), &Limits::DEFAULT)
}

/// A message that means something else here than at its sender is booked wrongly.
#[test]
fn well_formed_documents_are_read() {
    for (text, expect) in [
        ("<a/>", "<{}a>/"),
        ("\u{FEFF}<a/>", "<{}a>/"),
        ("<?xml version='1.0'?><a/>", "<{}a>/"),
        ("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\n<a/>", "<{}a>/"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a>x</a>", "<{}a>x/"),
        ("<a >x</a >\n<!-- end -->", "<{}a>x/"),
        ("<a>1<!-- - -->2<?go on?>3</a>", "<{}a>123/"),
        ("<a>&lt;&amp;&gt;&apos;&quot;&#65;&#x1F4B6;&#x0041;</a>", "<{}a><&>'\"A💶A/"),
        ("<a><![CDATA[<&]]>]]</a>", "<{}a><&]]/"),
        ("<a>x\r\ny\rz&#13;</a>", "<{}a>x\ny\nz\r/"),
        ("<a b='1' c = \"&lt;x\ty\r\nz\"/>", "<{}a {}b=1 {}c=<x y z>/"),
        (
            "<a xmlns='u'><b xmlns=''/><p:c xmlns:p='v' p:d='1' d='2'/></a>",
            "<{u}a><{}b>/<{v}c {v}d=1 {}d=2>//",
        ),
        ("<p:a xmlns:p='&#117;'/>", "<{u}a>/"),
        ("<é ü='1'/>", "<{}é {}ü=1>/"),
        ("<a xml:lang='de'/>", "<{}a {http://www.w3.org/XML/1998/namespace}lang=de>/"),
    ] {
        assert_eq!(trace(text).as_deref(), Ok(expect), "{text}");
    }
}

/// Each of these is read differently by different parsers, which is what an attacker needs.
#[test]
fn malformed_documents_are_refused() {
    for text in [
        "",
        " ",
        "x",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a/>&amp;",
        "<a/><![CDATA[x]]>",
        "<a",
        "<a b=1/>",
        "<a b/>",
        "<a b='1'c='2'/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a b='&'/>",
        "<a b='&x;'/>",
        "<a b='x/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
        "<a xmlns='u' xmlns='u'/>",
        "<p:a/>",
        "<a p:b='1'/>",
        "<a:b:c xmlns:a='u'/>",
        "<:a/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<1a/>",
        "<a$/>",
        "<a>]]></a>",
        "<a>&</a>",
        "<a>&x;</a>",
        "<a>&#0;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#xD800;</a>",
        "<a>&#+65;</a>",
        "<a>&#X41;</a>",
        "<a>&#;</a>",
        "<a>\u{1}</a>",
        "<a>\u{FFFF}</a>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><!x></a>",
        "<a><?xml version='1.0'?></a>",
        "<a><?XML x?></a>",
        "<a><??></a>",
        " <?xml version='1.0'?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        "<?xml version='1.0' encoding='UTF-7'?><a/>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>",
        "<!DOCTYPE a><a/>",
        "<!doctype a><a/>",
        "<a><!DOCTYPE a></a>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
    ] {
        let read = trace(text);
        assert!(read.is_err(), "{text:?} was read as {read:?}");
    }
    for bytes in
        [&b"<a>\xFF</a>"[..], b"\xFE\xFF\0<\0a\0/\0>", b"<a>\xED\xA0\x80</a>", b"<a>\0</a>"]
    {
        assert!(trace_within(bytes, &Limits::DEFAULT).is_err(), "{bytes:?}");
    }
}

/// Without bounds, a few kilobytes from outside take a node's memory or minutes of its time.
#[test]
fn limits_hold_at_their_edge() {
    let limits = Limits {
        document_bytes_max: 400,
        depth_max: 3,
        elements_max: 5,
        attributes_max: 2,
        tag_bytes_max: 40,
        text_bytes_max: 10,
        namespaces_max: 3,
        asides_max: 2,
    };
    for (inside, outside, limit) in [
        (format!("<a/>{}", " ".repeat(396)), format!("<a/>{}", " ".repeat(397)), Limit::Document),
        ("<a><a><a/></a></a>".into(), "<a><a><a><a/></a></a></a>".into(), Limit::Depth),
        ("<a><b/><b/><b/><b/></a>".into(), "<a><b/><b/><b/><b/><b/></a>".into(), Limit::Elements),
        ("<a b='' c=''/>".into(), "<a b='' c='' d=''/>".into(), Limit::Attributes),
        (format!("<a{}/>", " ".repeat(39)), format!("<a{}/>", " ".repeat(40)), Limit::Tag),
        (
            "<a>12345&amp;<!-- -->6789</a>".into(),
            "<a>12345&amp;<!-- -->67890</a>".into(),
            Limit::Text,
        ),
        (
            "<a xmlns='u' xmlns:p='u'/>".into(),
            "<a xmlns='u'><b xmlns:p='u' xmlns:q='u'/></a>".into(),
            Limit::Namespaces,
        ),
        ("<a><!-- --><?x?></a>".into(), "<a><!-- --><?x?><!-- --></a>".into(), Limit::Asides),
    ] {
        let inside: String = inside;
        let outside: String = outside;
        assert!(trace_within(inside.as_bytes(), &limits).is_ok(), "{inside}");
        let refused = trace_within(outside.as_bytes(), &limits);
        assert!(
            matches!(&refused, Err(Error::Limit { limit: l, .. }) if *l == limit),
            "{refused:?}"
        );
    }
}

/// Copying every text would double the memory of a message for nothing.
#[test]
fn plain_text_is_borrowed() {
    let mut reader = Reader::new(b"<a>plain</a>", &Limits::DEFAULT).expect("a document");
    assert!(matches!(reader.next(), Ok(Token::Open)));
    assert!(matches!(reader.next(), Ok(Token::Text(Cow::Borrowed("plain")))));
}
