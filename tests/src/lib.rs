//! Black-box tests of Sandpit: `it/` sees the project as its users do, through the command line, the
//! documents and the files; `hostile/` is plugins that mean harm, each beside an honest one. What a
//! crate does inside is tested in the crate.
