-- Shared by everybody on this machine: accounts, the posting catalogue, what is known about sources.
-- Ids are hyphenated lower-case UUIDs, times are microseconds since 1970 in UTC.

create table person (
    id text primary key not null,
    name text not null,
    external_subject text unique,
    is_local integer not null default 0 check (is_local in (0, 1)),
    created_at integer not null
) strict, without rowid;

-- At most one person is "whoever sits at this machine".
create unique index person_local on person (is_local) where is_local = 1;

-- `number` is short and rises with time, so that the tables below stay small and grow at their end.
create table posting (
    number integer primary key not null,
    id text not null unique,
    source text not null,
    source_id text,
    url text not null,
    title text not null,
    company text not null,
    posted_at integer,
    first_seen integer not null,
    last_seen integer not null,
    closed_at integer,
    repost_count integer not null default 0
) strict;

-- Wide values lie apart from the narrow row: who reads one does not pay for the others.
create table posting_document (
    posting integer primary key not null references posting (number) on delete cascade,
    document text not null
) strict;

create table posting_features (
    posting integer primary key not null references posting (number) on delete cascade,
    posting_id text not null,
    match_features blob not null,
    embedding blob
) strict;

-- `blocks` repeats the posting's rows of posting_block (little-endian 64-bit numbers), so that an update finds them
-- without a second index.
create table posting_dedupe (
    posting integer primary key not null references posting (number) on delete cascade,
    posting_id text not null,
    features blob not null,
    blocks blob not null
) strict;

create table posting_block (
    block integer not null,
    posting integer not null,
    primary key (block, posting)
) strict, without rowid;

-- `key` is the first 16 bytes of the SHA-256 of the key's text.
create table posting_key (
    key blob primary key not null,
    posting integer not null
) strict, without rowid;

create table posting_link (
    posting integer not null references posting (number) on delete cascade,
    source text not null,
    url text not null,
    source_id text,
    board text,
    title text not null,
    first_seen integer not null,
    last_seen integer not null,
    missed_runs integer not null default 0,
    closed_at integer,
    primary key (posting, source, url)
) strict, without rowid;

create index posting_link_board on posting_link (source, board) where board is not null and closed_at is null;

create table source_health (
    source text primary key not null,
    last_success_at integer,
    last_failure_at integer,
    last_reason text,
    retry_at integer,
    failures_in_a_row integer not null default 0,
    last_count integer,
    usual_count real
) strict, without rowid;

create table http_cache (
    url text primary key not null,
    etag text,
    last_modified text,
    body_hash text not null,
    result_hash text,
    fetched_at integer not null
) strict, without rowid;

create table query_cache (
    source text not null,
    query_hash text not null,
    fetched_at integer not null,
    postings text not null,
    primary key (source, query_hash)
) strict, without rowid;
