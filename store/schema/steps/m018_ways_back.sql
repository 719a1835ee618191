    -- a promotion that went back says to which one, so that the next goes back further
    ALTER TABLE promotions ADD COLUMN back_to INTEGER REFERENCES promotions(id);
    -- since when its pipeline is left out on purpose: pruned here, or not taken along into a backup
    ALTER TABLE rounds ADD COLUMN pruned_at TEXT;
