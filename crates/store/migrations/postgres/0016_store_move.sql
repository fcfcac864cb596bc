-- An embedded installation that is being copied into this database, and how far that is. What is named in
-- `store_move_table` was committed together with its rows.
create table store_move (
    singleton bigint primary key default 1 check (singleton = 1),
    source text not null,
    started_at timestamptz not null,
    finished_at timestamptz
);

create table store_move_table (
    owner text not null,
    name text not null,
    copied bigint not null,
    primary key (owner, name)
);
