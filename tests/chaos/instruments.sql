-- What a trial adds to its own database: a record of what happened, conflicts on demand, and time
-- that passes faster.

CREATE SCHEMA chaos;

-- Each claim, with what it found.
CREATE TABLE chaos.claims (
    at bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL,
    -- Someone's lease had not run out.
    from_the_living boolean NOT NULL,
    token bigint NOT NULL,
    before bigint NOT NULL
);
CREATE FUNCTION chaos.note_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos.claims (run_id, from_the_living, token, before)
    VALUES (NEW.id, OLD.status = 'running' AND OLD.leased_until > clock_timestamp(),
            NEW.lease_token, OLD.lease_token);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_claims AFTER UPDATE ON public.runs FOR EACH ROW
    WHEN (NEW.lease_token IS DISTINCT FROM OLD.lease_token AND NEW.status = 'running')
    EXECUTE FUNCTION chaos.note_claim();

-- Each lease that was cut short while it was held.
CREATE TABLE chaos.cuts (run_id uuid NOT NULL);
CREATE FUNCTION chaos.note_cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos.cuts VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_cuts AFTER UPDATE ON public.runs FOR EACH ROW
    WHEN (OLD.status = 'running' AND NEW.status = 'running'
          AND OLD.leased_until > clock_timestamp() AND NEW.leased_until < OLD.leased_until)
    EXECUTE FUNCTION chaos.note_cut();

-- Each finished step, with the token that the run had at that moment.
CREATE TABLE chaos.steps (
    at bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id uuid NOT NULL,
    step_id text NOT NULL,
    token bigint NOT NULL,
    current bigint
);
CREATE FUNCTION chaos.note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO chaos.steps (run_id, step_id, token, current)
    SELECT NEW.run_id, NEW.step_id, NEW.lease_token, r.lease_token
    FROM public.runs r WHERE r.id = NEW.run_id AND NEW.status = 'succeeded';
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_steps AFTER INSERT OR UPDATE ON public.run_steps FOR EACH ROW
    EXECUTE FUNCTION chaos.note_step();

-- Serialization failures, deadlocks and lock timeouts, as often as the weather says.
CREATE TABLE chaos.weather (conflict double precision NOT NULL, conflicts bigint NOT NULL);
INSERT INTO chaos.weather VALUES (0, 0);
CREATE SEQUENCE chaos.conflicts;
CREATE FUNCTION chaos.collide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF random() < (SELECT conflict FROM chaos.weather) THEN
        -- A sequence counts even though this transaction ends here.
        CASE nextval('chaos.conflicts') % 3
            WHEN 0 THEN RAISE EXCEPTION 'chaos' USING ERRCODE = 'serialization_failure';
            WHEN 1 THEN RAISE EXCEPTION 'chaos' USING ERRCODE = 'deadlock_detected';
            ELSE RAISE EXCEPTION 'chaos' USING ERRCODE = 'lock_not_available';
        END CASE;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chaos_collides BEFORE INSERT ON public.run_steps FOR EACH ROW
    EXECUTE FUNCTION chaos.collide();
CREATE TRIGGER chaos_collides BEFORE UPDATE ON public.runs FOR EACH ROW
    EXECUTE FUNCTION chaos.collide();
CREATE TRIGGER chaos_collides BEFORE INSERT ON public.outbox FOR EACH ROW
    EXECUTE FUNCTION chaos.collide();

-- Minutes become seconds. Answers how many places were changed.
CREATE FUNCTION chaos.shorten_patience() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    place record;
    shorter text;
    changed bigint := 0;
BEGIN
    ALTER TABLE public.outbox ALTER COLUMN next_at SET DEFAULT now() + interval '2 seconds';
    FOR place IN
        SELECT p.oid, pg_get_functiondef(p.oid) AS definition FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND p.proname IN ('take_due_outbox', 'runs_to_wake', 'run_due_at')
    LOOP
        shorter := place.definition;
        shorter := replace(shorter, 'interval ''30 seconds''', 'interval ''2 seconds''');
        shorter := replace(shorter, 'interval ''1 hour''', 'interval ''5 seconds''');
        shorter := replace(shorter, 'interval ''5 minutes''', 'interval ''5 seconds''');
        changed := changed
            + (place.definition LIKE '%''30 seconds''%')::integer
            + (place.definition LIKE '%''1 hour''%')::integer
            + (place.definition LIKE '%''5 minutes''%')::integer;
        EXECUTE shorter;
    END LOOP;
    RETURN changed;
END $$;

-- The pause before another attempt, and what a poll waits for, are over when this is called.
CREATE FUNCTION chaos.hurry() RETURNS void LANGUAGE sql AS $$
    UPDATE public.runs SET wake_at = clock_timestamp()
    WHERE id IN (
        SELECT id FROM public.runs
        WHERE (status = 'queued' OR (status = 'waiting' AND waiting_for = 'timer'))
          AND wake_at > clock_timestamp()
        FOR UPDATE SKIP LOCKED);
    UPDATE public.repositories SET next_sync_at = clock_timestamp() + interval '3 seconds'
    WHERE id IN (
        SELECT id FROM public.repositories
        WHERE next_sync_at > clock_timestamp() + interval '3 seconds'
        FOR UPDATE SKIP LOCKED)
$$;

-- Takes the fence out of finish_step. Answers how many places were changed.
CREATE FUNCTION chaos.unfence() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    definition text := pg_get_functiondef('public.finish_step'::regproc);
    fence constant text := 'r.id = run AND r.lease_token = token AND r.status = ''running''';
BEGIN
    EXECUTE replace(definition, fence, 'r.id = run');
    RETURN (definition LIKE '%' || fence || '%')::integer;
END $$;

-- Has every message forgotten as soon as it is written down: whoever wrote it still sends it.
CREATE FUNCTION chaos.forget() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM public.outbox WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE FUNCTION chaos.no_outbox() RETURNS void LANGUAGE sql AS $$
    CREATE TRIGGER chaos_forgets AFTER INSERT ON public.outbox FOR EACH ROW
        EXECUTE FUNCTION chaos.forget()
$$;
