//! Prints the licences of all dependencies; ends with 1 where one may not be shipped.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let licences = tests::licences::check(&tests::house::metadata());
    for (expression, count) in &licences.counts {
        println!("{count:5}  {expression}");
    }
    for refused in &licences.refused {
        println!("refused: {refused}");
    }
    if licences.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
