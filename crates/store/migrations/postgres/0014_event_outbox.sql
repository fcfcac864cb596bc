-- Whose events are still to be announced on a message bus outside of this database: written with the events, removed
-- when the bus has confirmed. At most one row a person; `written_at` is when the oldest unannounced change was made.
create table event_outbox (
    tenant_id uuid primary key default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    sequence bigint not null,
    written_at timestamptz not null default now()
);

create index event_outbox_age on event_outbox (written_at);

-- Workers announce for everybody, whoever wrote; the rows hold ids and numbers only.
alter table event_outbox enable row level security;
alter table event_outbox force row level security;
create policy event_outbox_tenant on event_outbox using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create policy event_outbox_worker on event_outbox for select using (current_setting('aerie.worker', true) = 'on');
create policy event_outbox_announced on event_outbox for delete using (current_setting('aerie.worker', true) = 'on');
