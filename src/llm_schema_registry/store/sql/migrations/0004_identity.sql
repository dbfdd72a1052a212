-- What tells this store from every other, and is known to nobody who cannot read it: a secret for what is kept elsewhere.
CREATE TABLE identity (
    secret TEXT NOT NULL
);
INSERT INTO identity (secret) VALUES ('{random}');
