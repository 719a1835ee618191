-- what the model gives one tag: a token of the project's tokenizer, or a wordpiece of its own
ALTER TABLE project ADD COLUMN unit TEXT NOT NULL DEFAULT 'token' CHECK (unit IN ('token', 'wordpiece'));
