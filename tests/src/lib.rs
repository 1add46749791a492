//! Black-box tests of Sandpit: one binary, `it/`, that sees the project as its users do, through
//! the command line, the documents and the files. What a crate does inside is tested in the crate.
