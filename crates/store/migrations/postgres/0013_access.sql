-- What programs and browsers prove with that they act for a person. Only digests are kept.
--
-- Whose they are is not known before they were looked up, so that a transaction may also read the one row whose public id
-- it names in `aerie.credential`; it changes nothing there.

create table api_key (
    -- Public: stands in the key itself and in lists.
    id text primary key,
    tenant_id uuid not null references person (id) on delete cascade,
    name text not null,
    -- Digest of the secret, which has 256 random bits.
    secret_hash bytea not null,
    -- Separated by blanks.
    scopes text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

alter table api_key enable row level security;
alter table api_key force row level security;
create policy own_rows on api_key using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create policy presented on api_key for select using (id = nullif(current_setting('aerie.credential', true), ''));
create index api_key_tenant on api_key (tenant_id, created_at);

create table web_session (
    id text primary key,
    tenant_id uuid not null references person (id) on delete cascade,
    -- Digest of the secret in its cookie.
    secret_hash bytea not null,
    user_agent text not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    ends_at timestamptz not null
);

alter table web_session enable row level security;
alter table web_session force row level security;
create policy own_rows on web_session using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);
create policy presented on web_session for select using (id = nullif(current_setting('aerie.credential', true), ''));
create index web_session_tenant on web_session (tenant_id, created_at);
