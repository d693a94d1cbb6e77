//! The command line: what is printed in which form, what help and completions say, and how mistakes are told.

mod completions;
mod data_directory;
mod help;
mod mistakes;
mod program;
mod rows;
mod settings;
mod terminal;
