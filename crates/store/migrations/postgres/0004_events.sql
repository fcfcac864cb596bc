-- What changed, in order. The counter outlives pruned rows, so a sequence is never given twice.
create table event (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    sequence bigint not null,
    kind text not null,
    subject_id uuid,
    data text not null,
    at timestamptz not null,
    primary key (tenant_id, sequence)
);

-- One row a person. Its lock is what makes sequences follow the order of commits.
create table event_counter (
    tenant_id uuid primary key default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    last bigint not null,
    pruned_through bigint not null default 0
);

alter table event enable row level security;
alter table event force row level security;
create policy event_tenant on event using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

alter table event_counter enable row level security;
alter table event_counter force row level security;
create policy event_counter_tenant on event_counter using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
