-- Mail about applications.
create table mail_account (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    name text not null,
    host text not null,
    port bigint not null,
    security text not null,
    login text not null,
    -- Sealed with the person's key.
    password bytea not null,
    certificates text not null,
    mailboxes text not null,
    since_days bigint not null,
    automatic boolean not null,
    synced_at timestamptz,
    problem text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);

alter table mail_account enable row level security;
alter table mail_account force row level security;
create policy own_rows on mail_account using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

-- How far each mailbox was read.
create table mail_mailbox (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    account uuid not null,
    name text not null,
    uid_validity bigint not null,
    last_uid bigint not null,
    modseq bigint,
    foreign key (tenant_id, account) references mail_account (tenant_id, id) on delete cascade,
    primary key (tenant_id, account, name)
);

alter table mail_mailbox enable row level security;
alter table mail_mailbox force row level security;
create policy own_rows on mail_mailbox using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

create table mail (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    number bigint generated always as identity,
    id uuid not null,
    account uuid not null,
    -- Digest of what makes a message itself: the same one in two mailboxes is one mail.
    key text not null,
    mailbox text not null,
    message_id text,
    thread text not null,
    sent boolean not null,
    subject text not null,
    from_name text not null,
    from_address text not null,
    recipients text not null,
    received_at timestamptz not null,
    body text not null,
    label text not null,
    confidence double precision not null,
    certain boolean not null,
    labelled_by text not null,
    asked boolean not null,
    evidence text not null,
    job bigint,
    linked_by text not null,
    candidates text not null,
    event text,
    postings text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, number),
    unique (tenant_id, id),
    foreign key (tenant_id, account) references mail_account (tenant_id, id) on delete cascade,
    foreign key (tenant_id, job) references job (tenant_id, number) on delete set null (job),
    unique (tenant_id, account, key)
);

alter table mail enable row level security;
alter table mail force row level security;
create policy own_rows on mail using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

create index mail_of_job on mail (tenant_id, job, received_at);
create index mail_received on mail (tenant_id, received_at, id);
create index mail_message on mail (tenant_id, message_id);
create index mail_unsure on mail (tenant_id, number) where not asked;

-- What a mail suggests; only a person makes anything of it.
create table mail_suggestion (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    mail uuid not null,
    job bigint not null,
    label text not null,
    status text not null,
    state text not null,
    certain boolean not null,
    event text,
    event_uid text not null,
    appointment uuid,
    created_at timestamptz not null,
    decided_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, mail) references mail (tenant_id, id) on delete cascade,
    foreign key (tenant_id, job) references job (tenant_id, number) on delete cascade
);

alter table mail_suggestion enable row level security;
alter table mail_suggestion force row level security;
create policy own_rows on mail_suggestion using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

create index mail_suggestion_mail on mail_suggestion (tenant_id, mail);
create index mail_suggestion_state on mail_suggestion (tenant_id, state, created_at);
create index mail_suggestion_job on mail_suggestion (tenant_id, job, status);
create index mail_suggestion_event on mail_suggestion (tenant_id, event_uid);

-- Replies that were drafted. Nothing sends them.
create table mail_draft (
    tenant_id uuid not null default nullif(current_setting('aerie.tenant_id', true), '')::uuid,
    id uuid not null,
    mail uuid not null,
    wish text not null,
    state text not null,
    subject text not null,
    body text not null,
    written_by text not null,
    problem text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, mail) references mail (tenant_id, id) on delete cascade
);

alter table mail_draft enable row level security;
alter table mail_draft force row level security;
create policy own_rows on mail_draft using (tenant_id = nullif(current_setting('aerie.tenant_id', true), '')::uuid);

create index mail_draft_mail on mail_draft (tenant_id, mail, created_at);
