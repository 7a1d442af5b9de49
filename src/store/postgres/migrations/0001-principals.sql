-- The records of a realm, and what tells of every change by NOTIFY in the transaction that makes it.

CREATE OR REPLACE FUNCTION tessera.tell_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM pg_notify(TG_ARGV[0], OLD.key); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM pg_notify(TG_ARGV[0], NEW.key); END IF;
    RETURN NULL;
  END $$;

CREATE OR REPLACE FUNCTION tessera.tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
  END $$;

CREATE TABLE tessera.principals_{id} (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);

CREATE TRIGGER tell_row AFTER INSERT OR UPDATE OR DELETE ON tessera.principals_{id}
  FOR EACH ROW EXECUTE FUNCTION tessera.tell_row('tessera_{id}');

CREATE TRIGGER tell_all AFTER TRUNCATE ON tessera.principals_{id}
  FOR EACH STATEMENT EXECUTE FUNCTION tessera.tell_all('tessera_{id}');
