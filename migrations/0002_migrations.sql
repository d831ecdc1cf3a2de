-- Migrations, their steps, devices, jobs and events. All times are nanoseconds since 1970 in UTC.

create table migrations (
    id text primary key not null,         -- UUID v7
    request_key text not null unique,     -- hidden key of the form: a second submit finds the first's migration
    name text not null,                   -- as given, trimmed
    mode text not null,                   -- migration::Mode
    plan text not null,                   -- JSON of migration::Plan: what was reviewed
    keys text not null,                   -- migration::KeyHandling
    tenant text not null,                 -- tenant acted in: its people may see the record
    created_by text not null,             -- object id
    created_by_name text not null,        -- display name then
    created_at integer not null,
    runs_as text,                         -- object id of the person whose rights are used, once started
    runs_as_name text,
    started_at integer,
    ended_at integer,
    state text not null,                  -- migration::MigrationState
    pause_reason text,                    -- migration::PauseReason, while paused
    pause_detail text,
    pause_remedy text,
    retry_at integer,                     -- a passing trouble is waited out until then
    retry_trouble text,
    retry_attempt integer not null default 0, -- troubles in a row, for the backoff
    stated_unused text not null default '[]', -- JSON: source groups that no selected device uses, as stated by a person
    outside integer not null default 0,   -- devices of the application with a template, but not of this migration
    unassigned integer not null default 0, -- devices of the application without a template
    revision integer not null default 1,  -- grows with every change of the record, its devices or events
    lease_owner text,                     -- run of the program that works on it
    lease_until integer
) strict;

create index migrations_by_tenant on migrations (tenant, created_at desc);

create table steps (
    migration_id text not null references migrations (id),
    step text not null,                   -- migration::model::Step
    state text not null,                  -- migration::model::StepState
    started_at integer,
    ended_at integer,
    note text,                            -- one line on what it did or waits for
    primary key (migration_id, step)
) strict;

create table devices (
    migration_id text not null references migrations (id),
    device_id text not null,
    display_name text,
    source text not null,                 -- subdomain of the application it is in
    active integer not null,              -- 1 while this migration may tell it to move
    joined_later integer not null default 0, -- not in the snapshot: a job took it along
    outcome text not null,                -- migration::Outcome
    reason text,
    detail text,                          -- more on the outcome, from Azure or the device
    cleared integer not null default 0,   -- its attestation was read and is the group's
    baseline_at integer,                  -- when the target was asked before the move
    base_status text,                     -- registration record then: status, hub, time by DPS's clock
    base_hub text,
    base_updated integer,
    base_twin integer not null default 0, -- 1: the hub held an identity then
    base_connected integer,
    base_activity integer,                -- by the hub's clock
    registered_at integer, registered_by text,     -- each fact: when, and what proves it
    commanded_at integer, commanded_by text,
    acknowledged_at integer, acknowledged_by text,
    provisioned_at integer, provisioned_by text,
    connected_at integer, connected_by text,
    sending_at integer, sending_by text,
    command text not null default 'none', -- migration::CommandState
    via text,                             -- migration::Via
    attempts integer not null default 0,
    unclear integer not null default 0,   -- how often it was told without an answer
    answers_before integer,               -- answers in its command's history before this migration; null: not read
    next_try_at integer,
    deadline integer,                     -- until when it may turn up at the target
    primary key (migration_id, device_id)
) strict;

-- A device is in at most one active migration.
create unique index devices_active on devices (source, device_id) where active = 1;
create index devices_by_outcome on devices (migration_id, outcome, device_id);
create index devices_by_command on devices (migration_id, command);

create table enrollments (
    migration_id text not null references migrations (id),
    source_group text not null,           -- enrollment group of the application
    target_group text not null,           -- its equal in the DPS: id chosen before it is made
    made_by_us integer not null,          -- 1: created for this migration; 0: was there
    state text not null,                  -- started, done
    at integer not null,
    primary key (migration_id, source_group)
) strict;

create table jobs (
    job_id text primary key not null,     -- chosen by us before the first PUT
    migration_id text not null references migrations (id),
    payload text not null,                -- JSON of the command's value: no secrets in it
    state text not null,                  -- planned, accepted, ended
    held integer not null default 0,      -- 1: stopped in IoT Central; goes on when the migration is resumed
    created_at integer not null,
    ended_at integer,
    status text                           -- IoT Central's word, as last read
) strict;

create index jobs_by_migration on jobs (migration_id);

create table events (
    id integer primary key autoincrement,
    migration_id text not null references migrations (id),
    at integer not null,
    actor text not null,                  -- display name of a person, or 'IoTC Migrator'
    kind text not null,                   -- store::events::EventKind
    text text not null                    -- one sentence for people
) strict;

create index events_by_migration on events (migration_id, id);
