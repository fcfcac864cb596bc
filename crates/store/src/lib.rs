//! The database (SQLite with SQLCipher, or PostgreSQL), tenancy, migrations and repositories.
