-- What is kept about the course of a job after applying.
create table appointment (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    job bigint not null,
    kind text not null,
    title text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    zone text not null,
    location text not null,
    notes text not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table appointment enable row level security;
alter table appointment force row level security;
create policy own_rows on appointment using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index appointment_job on appointment (tenant_id, job);
create index appointment_start on appointment (tenant_id, starts_at);

create table contact (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    job bigint not null,
    name text not null,
    role text not null,
    email text not null,
    phone text not null,
    notes text not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table contact enable row level security;
alter table contact force row level security;
create policy own_rows on contact using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index contact_job on contact (tenant_id, job);

-- `automatic` ones were set by a move of the job and go with the next one.
create table reminder (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    job bigint not null,
    text text not null,
    due_at timestamptz not null,
    done_at timestamptz,
    automatic boolean not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table reminder enable row level security;
alter table reminder force row level security;
create policy own_rows on reminder using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index reminder_job on reminder (tenant_id, job);
create index reminder_due on reminder (tenant_id, due_at) where done_at is null;
