//! The generated tables against their sources.

#[path = "../../examples/tables/generator.rs"]
mod generator;

use crate::support::shared;

/// A table edited by hand, or made from other sources, says something else than the standard.
#[test]
fn tables_are_what_the_generator_writes() {
    let (Some(schemas), Some(codes)) = (shared("iso20022-xsd"), shared("iso20022-codes")) else {
        return;
    };
    let tables = generator::generate(&schemas, &codes).expect("schemas the generator knows");
    let same = tables.schemas == include_str!("../../src/schema/tables.rs");
    assert!(same, "src/schema/tables.rs differs: run the example `tables`");
    let same = tables.codes == include_str!("../../src/codes/tables.rs");
    assert!(same, "src/codes/tables.rs differs: run the example `tables`");
}
