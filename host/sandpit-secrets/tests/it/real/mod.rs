//! Against servers that nobody here wrote, from their registry (see `support::real`): OpenBao, and moto
//! and drongo, which stand in for AWS and Google. Where there is no Python or no registry this says
//! so, and fails where `CI` is `true`.

mod bao;
mod drongo;
mod moto;
