-- What moves out of a hub need, where it is known which keys a device has and when it left can be seen; and what people give,
-- because no service shows it.

-- The enrollment group of the source whose keys the device has; null where that is not known, or it has keys of its own.
alter table devices add column key_group text;

-- What the hub that it comes from showed of it before it was told; home_connected is null where it comes from an application.
-- The activity is by the hub's clock.
alter table devices add column home_connected integer;
alter table devices add column home_activity integer;

-- When its hub was first seen to show the device gone, and what showed it.
alter table devices add column left_at integer;
alter table devices add column left_by text;

-- Keys of enrollment groups that a person pasted, because no service shows them. They are erased when the migration ends.
-- keys: both, sealed.
create table pasted_keys (
    migration_id text not null references migrations (id) on delete cascade,
    group_id text not null,
    keys blob not null,
    primary key (migration_id, group_id)
) strict, without rowid;

-- Certificates of X.509 enrollment groups that a person supplied, because no service gives them back: DER, by SHA-1.
create table supplied_certificates (
    migration_id text not null references migrations (id) on delete cascade,
    group_id text not null,
    thumbprint text not null,
    der blob not null,
    primary key (migration_id, group_id, thumbprint)
) strict, without rowid;
