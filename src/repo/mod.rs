//! Reading a repository.
