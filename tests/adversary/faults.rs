//! What breaks under a command: after each fault one clear line, the right status, and nothing lost.
