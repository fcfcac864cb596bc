-- What recognising a posting reads lies together for each `home`: its employer's hash, or that of the work where no
-- employer is named. Before, every block and every candidate was on a page of its own, and taking in a posting cost the
-- more the larger the catalogue.
drop table posting_block;
drop table posting_dedupe;

-- Where the rows of posting_dedupe, posting_block and posting_band of a posting lie; null while it has none.
alter table posting add column home integer;

-- `blocks` and `bands` repeat the posting's rows of the two tables below (little-endian 64-bit numbers), so that an
-- update finds them without a second index.
create table posting_dedupe (
    home integer not null,
    posting integer not null,
    posting_id text not null,
    features blob not null,
    blocks blob not null,
    bands blob not null,
    fingerprint integer not null,
    primary key (home, posting)
) strict, without rowid;

-- The upper half of a block is its home.
create table posting_block (
    block integer not null,
    posting integer not null,
    primary key (block, posting)
) strict, without rowid;

-- Bands of the texts' fingerprints. With the fingerprint beside it a posting that shares a band by chance costs no more
-- than this row.
create table posting_band (
    band integer not null,
    posting integer not null,
    fingerprint integer not null,
    home integer not null,
    primary key (band, posting)
) strict, without rowid;

-- Postings of the earlier form; the next ingest prepares them.
create table posting_unprepared (
    posting integer primary key not null references posting (number) on delete cascade
) strict;

insert into posting_unprepared (posting) select number from posting;

-- So that whoever reads the features of all open postings need not read every posting.
create index posting_closed on posting (number) where closed_at is not null;
