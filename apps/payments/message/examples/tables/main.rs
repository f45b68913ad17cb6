//! Writes the schema and code tables of this crate from the published schemas and code lists.
//!
//! `cargo run -p payments-message --example tables -- XSD_DIR CODES_DIR`, in this crate's folder
//! or the workspace root, replaces `src/schema/tables.rs` and `src/codes/tables.rs`.

mod generator;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(schemas), Some(codes)) = (arguments.next(), arguments.next()) else {
        return Err(std::io::Error::other("usage: tables XSD_DIR CODES_DIR"));
    };
    let tables = generator::generate(Path::new(&schemas), Path::new(&codes))?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    std::fs::write(source.join("schema/tables.rs"), tables.schemas)?;
    std::fs::write(source.join("codes/tables.rs"), tables.codes)
}
