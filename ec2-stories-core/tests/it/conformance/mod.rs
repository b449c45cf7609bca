//! The in-memory implementations, and the file store, keep their contracts.

mod cloud;
mod tuple_stores;
