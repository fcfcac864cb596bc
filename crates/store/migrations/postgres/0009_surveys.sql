-- Surveys of employers with suggested answers.
create table survey (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    job bigint not null,
    name text not null,
    mode text not null,
    state text not null,
    from_screenshot boolean not null,
    questions text not null,
    answers text not null,
    answered_by text not null,
    problem text not null,
    reported_score text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table survey enable row level security;
alter table survey force row level security;
create policy own_rows on survey using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create index survey_job on survey (tenant_id, job, created_at);

-- Screenshots lie apart, so that a list of surveys reads no pictures.
create table survey_screenshot (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    survey uuid not null,
    content bytea not null,
    primary key (tenant_id, survey),
    foreign key (tenant_id, survey) references survey (tenant_id, id) on delete cascade
);

alter table survey_screenshot enable row level security;
alter table survey_screenshot force row level security;
create policy own_rows on survey_screenshot using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
