//! Unit tests.

use clap::Parser as _;

use super::Fault;
use crate::cli::{Cli, Command};

fn fault(args: &[&str]) -> Result<Fault, String> {
    let cli = Cli::try_parse_from([&["evenkeel", "demo"], args].concat());
    let Command::Demo(args) = cli.map_err(|error| error.to_string())?.command else {
        return Err("another command".to_owned());
    };
    Fault::of(&args).map_err(|error| error.to_string())
}

#[test]
fn faults_are_read_as_they_are_meant() {
    // Without this, a region whose name has hyphens could not be named, or the wrong link be cut.
    assert_eq!(fault(&[]), Ok(Fault::Kill(0)));
    assert_eq!(fault(&["--kill", "none"]), Ok(Fault::None));
    assert_eq!(fault(&["--kill", "us-east-1"]), Ok(Fault::Kill(2)));
    assert_eq!(fault(&["--planned"]), Ok(Fault::Planned { from: 0, to: 1 }));
    assert_eq!(fault(&["--fault", "stop"]), Ok(Fault::Stop(0)));
    assert_eq!(fault(&["--fault", "isolate:eu-central-1"]), Ok(Fault::Isolate(1)));
    assert_eq!(fault(&["--fault", "cut:us-east-1-eu-west-1"]), Ok(Fault::Cut(2, 0)));
    assert_eq!(fault(&["--fault", "kill2"]), Ok(Fault::KillTwo(0, 1)));
    assert!(fault(&["--fault", "cut:us-east-1-us-east-1"]).is_err());
    assert!(fault(&["--fault", "stop:us"]).is_err());
    assert!(fault(&["--planned", "--kill", "none"]).is_err());
}
