-- The résumé as it was read and corrected, and the text it came from: one a person.
create table resume (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    singleton bigint not null default 1 check (singleton = 1),
    format text not null,
    file_name text not null,
    source_text text not null,
    document text not null,
    updated_at timestamptz not null,
    primary key (tenant_id, singleton)
);

alter table resume enable row level security;
alter table resume force row level security;
create policy own_rows on resume using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

-- How the person's letters are written.
create table writing (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    singleton bigint not null default 1 check (singleton = 1),
    document text not null,
    updated_at timestamptz not null,
    primary key (tenant_id, singleton)
);

alter table writing enable row level security;
alter table writing force row level security;
create policy own_rows on writing using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

-- What is made for a job: a letter, a tailored résumé, an answer, a brief on the employer, practice for a talk.
create table material (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    job bigint not null,
    kind text not null,
    state text not null,
    document text not null,
    written_by text not null,
    problem text not null,
    chosen bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table material enable row level security;
alter table material force row level security;
create policy own_rows on material using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index material_job on material (tenant_id, job, kind, created_at);

-- A picture that a task is to read; it goes with the task.
create table picture (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    content bytea not null,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);

alter table picture enable row level security;
alter table picture force row level security;
create policy own_rows on picture using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

-- Earlier texts of a material stay.
create table material_version (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    material uuid not null,
    number bigint not null,
    document text not null,
    written_by text not null,
    note text not null,
    created_at timestamptz not null,
    primary key (tenant_id, material, number),
    foreign key (tenant_id, material) references material (tenant_id, id) on delete cascade
);

alter table material_version enable row level security;
alter table material_version force row level security;
create policy own_rows on material_version using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
