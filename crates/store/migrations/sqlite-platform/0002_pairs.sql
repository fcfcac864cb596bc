-- Postings that may be the same opening, found when `posting` came. Whoever has both is asked about them.
create table posting_pair (
    posting integer not null references posting (number) on delete cascade,
    other integer not null references posting (number) on delete cascade,
    likeness real not null,
    reason text not null,
    primary key (posting, other)
) strict, without rowid;

create index posting_pair_other on posting_pair (other);
