//! Cross-service tests: the whole flow through real sockets, and the rules of the tree.
