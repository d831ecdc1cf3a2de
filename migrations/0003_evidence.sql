-- More of what a migration must remember to tell its own doings from others'.

-- The id under which the hub had the device when the baseline was taken, where DPS spells it in its own way.
alter table devices add column base_device text;

-- Ids of the entries that the history of the device's command had before this migration, one a line; null: not read.
alter table devices add column answer_ids text;

-- Since when IoT Central has not shown the job that it accepted; null: it shows it.
alter table jobs add column missing_since integer;

-- Who asked that the identities made ahead and never used be removed, while that is under way: object id and name.
alter table migrations add column removal_by text;
alter table migrations add column removal_by_name text;

-- A device is looked up among all migrations: who told it before.
create index devices_by_device on devices (device_id);
