-- When somebody else's rights were last put in the place of those that a migration went on with; null while they are those of
-- whoever started it.
alter table migrations add column taken_over_at integer;
