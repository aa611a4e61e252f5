//! Names and texts that are hostile to shells, terminals and parsers, through every command.
