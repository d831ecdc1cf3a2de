-- More of what a migration must remember to tell its own doings from others'.

-- The id under which the hub had the device when the baseline was taken, where DPS spells it in its own way.
alter table devices add column base_device text;

-- Ids of the entries that the history of the device's command had before this migration, one a line; null: not read.
alter table devices add column answer_ids text;

-- Since when IoT Central has not shown the job that it accepted; null: it shows it.
alter table jobs add column missing_since integer;

-- A device is looked up among all migrations: who told it before.
create index devices_by_device on devices (device_id);
