-- What changed, in order. The counter outlives pruned rows, so a sequence is never given twice.
create table event (
    sequence integer primary key not null,
    kind text not null,
    subject_id text,
    data text not null,
    at integer not null
) strict;

-- One row. The column that names it is the tenant's on the server, so that the statements are the same.
create table event_counter (
    tenant_id text primary key not null default 'self',
    last integer not null,
    pruned_through integer not null default 0
) strict, without rowid;
