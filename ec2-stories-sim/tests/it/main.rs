//! The simulation as any SDK meets it: forms in, XML out.

mod form;
mod launch;
