-- Waves after the canary: who is in which, and how far they have come.

-- The wave by which a device may be told: 0 for whoever was tried as the canary; null until its wave begins, and for good
-- where a migration tells everybody at once.
alter table devices add column wave integer;

-- The last wave whose failures a person accepted by Resume: neither it nor those before it halt the migration again.
alter table migrations add column waves_accepted integer not null default 0;

-- The last wave whose end is on record as an event.
alter table migrations add column waves_noted integer not null default 0;
