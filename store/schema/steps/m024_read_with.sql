-- how the model's answer was read, where not as it stands: {"label_map": …, "thresholds": …, "component": …}
ALTER TABLE models ADD COLUMN read_with TEXT CHECK (read_with IS NULL OR json_valid(read_with));
