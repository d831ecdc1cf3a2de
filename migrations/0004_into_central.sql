-- What moves into an IoT Central application need, and what tells a job that was deleted from one that is not shown.

-- At how many looks in a row IoT Central has not shown the job that it accepted.
alter table jobs add column missing_looks integer not null default 0;

-- What an IoT Central application that devices go to knew of a device when the baseline was taken; base_provisioned is null
-- where it did not know it. The newest telemetry or property is by the application's clock.
alter table devices add column base_provisioned integer;
alter table devices add column base_enabled integer;
alter table devices add column base_newest integer;
alter table devices add column base_template text;

-- A device with keys of its own that are to be carried over: 'due' until the target knows them, then 'done'.
alter table devices add column own_keys text;

-- 1: without a template in the source, so in no group.
alter table devices add column unassigned integer not null default 0;

-- What a device has besides its identity: its organizations (JSON), and what of all that was carried over, or could not be,
-- in words; carried_at is null while that is due.
alter table devices add column organizations text;
alter table devices add column carried_at integer;
alter table devices add column carried text;

-- The ID scope of the application that devices go to, once it was read.
alter table migrations add column app_scope text;

-- The temporary device that the ID scope is being read with, from before it is made until it is certainly gone.
alter table migrations add column probe text;

-- Display name of whoever asked that devices be approved there as they arrive.
alter table migrations add column approved_by text;
