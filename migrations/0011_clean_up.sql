-- Clean-ups: devices proven at the target are removed from their source, and enrollment groups that nobody uses from the
-- target. All times are nanoseconds since 1970 in UTC.

create table clean_ups (
    id text primary key not null,         -- UUID v7
    migration_id text not null references migrations (id),
    request_key text not null unique,     -- hidden key of the form: a second submit finds the first's clean-up
    asked_by text not null,               -- object id of the person who asked for it, in the migration's tenant
    asked_by_name text not null,          -- display name then
    runs_as text not null,                -- object id of the person whose rights are used: who asked, or resumed it last
    runs_as_name text not null,
    asked_at integer not null,
    ended_at integer,
    state text not null,                  -- migration::clean_up::CleanUpState
    pause_reason text,                    -- migration::PauseReason, while paused
    pause_detail text,
    pause_remedy text,
    retry_at integer,                     -- a passing trouble is waited out until then
    retry_trouble text,
    retry_attempt integer not null default 0, -- troubles in a row, for the backoff
    soak_hours integer not null,          -- a device must have been proven at the target for so long
    revision integer not null default 1   -- grows with every change of the record or its removals
) strict;

create index clean_ups_by_migration on clean_ups (migration_id, asked_at desc);

-- A migration has at most one clean-up at work.
create unique index clean_ups_active on clean_ups (migration_id) where state in ('running', 'paused');

create table removals (
    clean_up_id text not null references clean_ups (id),
    device_id text not null,
    state text not null,                  -- migration::clean_up::Fate: started is written before the source is asked to delete
    reason text,                          -- migration::clean_up::KeepReason, of a device that was kept
    at integer,                           -- when that came to be, by this program's clock
    detail text,                          -- more on it, in words
    evidence text,                        -- what showed it alive at the target in the moment before
    tries integer not null default 0,     -- how often Azure answered about others and not about this one
    primary key (clean_up_id, device_id)
) strict, without rowid;

create index removals_by_state on removals (state, clean_up_id, device_id);

-- When the device was removed from its source, or found gone there, by a clean-up: it cannot fail back any more.
alter table devices add column removed_at integer;

-- When an enrollment group that was made for this migration was removed from the target again, and by whom (display name).
alter table enrollments add column removed_at integer;
alter table enrollments add column removed_by text;
