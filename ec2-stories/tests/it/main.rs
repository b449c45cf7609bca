//! Tests of the facade: story files, the command line, and a deployment on the embedded cloud.

mod story;
