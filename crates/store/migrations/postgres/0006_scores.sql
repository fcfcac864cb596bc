-- The explanation of a score lies apart from the wide content, so that a full re-score writes narrow rows only. Earlier
-- explanations were in another form: their jobs are scored anew with the next run.
create table job_score (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    job bigint not null,
    document bytea not null,
    primary key (tenant_id, job),
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table job_score enable row level security;
alter table job_score force row level security;
create policy own_rows on job_score using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

alter table job_content drop column score_json;

-- The owner of the tables sees no tenant's rows while row security is forced.
alter table job no force row level security;
update job set profile_version = null;
alter table job force row level security;
