//! Every byte that is stored or sent.
