-- Postings that may be the same opening, found when `posting` came. Whoever has both is asked about them.
create table posting_pair (
    posting bigint not null references posting (number) on delete cascade,
    other bigint not null references posting (number) on delete cascade,
    likeness double precision not null,
    reason text not null,
    primary key (posting, other)
);

create index posting_pair_other on posting_pair (other);
