//! Ready.
