-- Programs that what happens to jobs is pushed to. `settings` holds no credential; those are in `secrets`, sealed with
-- a key of the installation, so that a copy of the store does not give them away.
create table integration (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    kind text not null,
    name text not null,
    settings text not null,
    secrets bytea not null,
    secret_names text not null,
    topics text not null,
    enabled boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);

alter table integration enable row level security;
alter table integration force row level security;
create policy own_rows on integration using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create unique index integration_name on integration (tenant_id, name);

-- What was delivered last of each subject: the same again changes nothing.
create table integration_link (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    integration uuid not null,
    subject text not null,
    key text not null,
    remote_id text not null,
    updated_at timestamptz not null,
    primary key (tenant_id, integration, subject),
    foreign key (tenant_id, integration) references integration (tenant_id, id) on delete cascade
);

alter table integration_link enable row level security;
alter table integration_link force row level security;
create policy own_rows on integration_link using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index integration_link_subject on integration_link (tenant_id, subject);

-- The record of deliveries with their last result.
create table integration_delivery (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    integration uuid not null,
    topic text not null,
    subject text not null,
    key text not null,
    headline text not null,
    state text not null,
    detail text not null,
    attempts bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, integration) references integration (tenant_id, id) on delete cascade
);

alter table integration_delivery enable row level security;
alter table integration_delivery force row level security;
create policy own_rows on integration_delivery using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index integration_delivery_newest on integration_delivery (tenant_id, integration, created_at);
create index integration_delivery_age on integration_delivery (tenant_id, created_at);

-- Files lie here until they are delivered.
create table integration_file (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    delivery uuid not null,
    name text not null,
    media_type text not null,
    content bytea not null,
    primary key (tenant_id, delivery),
    foreign key (tenant_id, delivery) references integration_delivery (tenant_id, id) on delete cascade
);

alter table integration_file enable row level security;
alter table integration_file force row level security;
create policy own_rows on integration_file using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
