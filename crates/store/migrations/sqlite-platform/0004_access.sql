-- What programs and browsers prove with that they act for a person. Only digests are kept.

create table api_key (
    -- Public: stands in the key itself and in lists.
    id text primary key not null,
    tenant_id text not null references person (id) on delete cascade,
    name text not null,
    -- Digest of the secret, which has 256 random bits.
    secret_hash blob not null,
    -- Separated by blanks.
    scopes text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer,
    revoked_at integer
) strict, without rowid;

create index api_key_tenant on api_key (tenant_id, created_at);

create table web_session (
    id text primary key not null,
    tenant_id text not null references person (id) on delete cascade,
    -- Digest of the secret in its cookie.
    secret_hash blob not null,
    user_agent text not null,
    created_at integer not null,
    last_used_at integer not null,
    ends_at integer not null
) strict, without rowid;

create index web_session_tenant on web_session (tenant_id, created_at);

