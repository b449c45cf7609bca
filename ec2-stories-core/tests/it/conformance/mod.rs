//! The in-memory implementations, and the file store, keep their contracts.

mod accounts;
mod cloud;
mod providers;
mod tuple_stores;
