-- Shared by everybody: accounts, the posting catalogue, what is known about sources.

create table person (
    id uuid primary key,
    name text not null,
    external_subject text unique,
    is_local boolean not null default false,
    created_at timestamptz not null
);

-- At most one person is "whoever sits at this machine".
create unique index person_local on person (is_local) where is_local;

create sequence posting_number;

-- `number` is short and rises with time, so that the tables below stay small and grow at their end.
create table posting (
    number bigint primary key,
    id uuid not null unique,
    source text not null,
    source_id text,
    url text not null,
    title text not null,
    company text not null,
    posted_at timestamptz,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    closed_at timestamptz,
    repost_count bigint not null default 0
);

-- Wide values lie apart from the narrow row: who reads one does not pay for the others.
create table posting_document (
    posting bigint primary key references posting (number) on delete cascade,
    document text not null
);

create table posting_features (
    posting bigint primary key references posting (number) on delete cascade,
    posting_id uuid not null,
    match_features bytea not null,
    embedding bytea
);

-- `blocks` repeats the posting's rows of posting_block (little-endian 64-bit numbers), so that an update finds them
-- without a second index.
create table posting_dedupe (
    posting bigint primary key references posting (number) on delete cascade,
    posting_id uuid not null,
    features bytea not null,
    blocks bytea not null
);

create table posting_block (
    block bigint not null,
    posting bigint not null,
    primary key (block, posting)
);

-- `key` is the first 16 bytes of the SHA-256 of the key's text.
create table posting_key (
    key bytea primary key,
    posting bigint not null
);

create table posting_link (
    posting bigint not null references posting (number) on delete cascade,
    source text not null,
    url text not null,
    source_id text,
    board text,
    title text not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    missed_runs bigint not null default 0,
    closed_at timestamptz,
    primary key (posting, source, url)
);

create index posting_link_board on posting_link (source, board) where board is not null and closed_at is null;

create table source_health (
    source text primary key,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_reason text,
    retry_at timestamptz,
    failures_in_a_row bigint not null default 0,
    last_count bigint,
    usual_count double precision
);

create table http_cache (
    url text primary key,
    etag text,
    last_modified text,
    body_hash text not null,
    result_hash text,
    fetched_at timestamptz not null
);

create table query_cache (
    source text not null,
    query_hash text not null,
    fetched_at timestamptz not null,
    postings text not null,
    primary key (source, query_hash)
);
