mod budgets;
mod cloud;
mod decisions;
mod random;
mod sight;
mod world;
