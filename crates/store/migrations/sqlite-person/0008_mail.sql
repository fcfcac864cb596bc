-- Mail about applications.
create table mail_account (
    id text primary key not null,
    name text not null,
    host text not null,
    port integer not null,
    security text not null,
    login text not null,
    -- Sealed with the person's key.
    password blob not null,
    certificates text not null,
    mailboxes text not null,
    since_days integer not null,
    automatic integer not null check (automatic in (0, 1)),
    synced_at integer,
    problem text not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

-- How far each mailbox was read.
create table mail_mailbox (
    account text not null references mail_account (id) on delete cascade,
    name text not null,
    uid_validity integer not null,
    last_uid integer not null,
    modseq integer,
    primary key (account, name)
) strict, without rowid;

create table mail (
    number integer primary key not null,
    id text not null unique,
    account text not null references mail_account (id) on delete cascade,
    -- Digest of what makes a message itself: the same one in two mailboxes is one mail.
    key text not null,
    mailbox text not null,
    message_id text,
    thread text not null,
    sent integer not null check (sent in (0, 1)),
    subject text not null,
    from_name text not null,
    from_address text not null,
    recipients text not null,
    received_at integer not null,
    body text not null,
    label text not null,
    confidence real not null,
    certain integer not null check (certain in (0, 1)),
    labelled_by text not null,
    asked integer not null check (asked in (0, 1)),
    evidence text not null,
    job integer references job (number) on delete set null,
    linked_by text not null,
    candidates text not null,
    event text,
    postings text not null,
    created_at integer not null,
    updated_at integer not null,
    unique (account, key)
) strict;

create index mail_of_job on mail (job, received_at);
create index mail_received on mail (received_at, id);
create index mail_message on mail (message_id);
create index mail_unsure on mail (number) where asked = 0;

-- What a mail suggests; only a person makes anything of it.
create table mail_suggestion (
    id text primary key not null,
    mail text not null references mail (id) on delete cascade,
    job integer not null references job (number) on delete cascade,
    label text not null,
    status text not null,
    state text not null,
    certain integer not null check (certain in (0, 1)),
    event text,
    event_uid text not null,
    appointment text,
    created_at integer not null,
    decided_at integer
) strict, without rowid;

create index mail_suggestion_mail on mail_suggestion (mail);
create index mail_suggestion_state on mail_suggestion (state, created_at);
create index mail_suggestion_job on mail_suggestion (job, status);
create index mail_suggestion_event on mail_suggestion (event_uid);

-- Replies that were drafted. Nothing sends them.
create table mail_draft (
    id text primary key not null,
    mail text not null references mail (id) on delete cascade,
    wish text not null,
    state text not null,
    subject text not null,
    body text not null,
    written_by text not null,
    problem text not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create index mail_draft_mail on mail_draft (mail, created_at);
