-- Programs that what happens to jobs is pushed to. `settings` holds no credential; those are in `secrets`, sealed with
-- a key of the installation, so that a copy of the store does not give them away.
create table integration (
    id text primary key not null,
    kind text not null,
    name text not null,
    settings text not null,
    secrets blob not null,
    secret_names text not null,
    topics text not null,
    enabled integer not null check (enabled in (0, 1)),
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create unique index integration_name on integration (name);

-- What was delivered last of each subject: the same again changes nothing.
create table integration_link (
    integration text not null references integration (id) on delete cascade,
    subject text not null,
    key text not null,
    remote_id text not null,
    updated_at integer not null,
    primary key (integration, subject)
) strict, without rowid;

create index integration_link_subject on integration_link (subject);

-- The record of deliveries with their last result.
create table integration_delivery (
    id text primary key not null,
    integration text not null references integration (id) on delete cascade,
    topic text not null,
    subject text not null,
    key text not null,
    headline text not null,
    state text not null,
    detail text not null,
    attempts integer not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create index integration_delivery_newest on integration_delivery (integration, created_at);
create index integration_delivery_age on integration_delivery (created_at);

-- Files lie here until they are delivered.
create table integration_file (
    delivery text primary key not null references integration_delivery (id) on delete cascade,
    name text not null,
    media_type text not null,
    content blob not null
) strict;
