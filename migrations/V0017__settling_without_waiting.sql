-- Forgetting sent messages waits for nobody. Who settles them may go on to lock a run, and who
-- receives one of them holds its run: had one to wait for the other, both could wait for ever.

CREATE OR REPLACE FUNCTION settle_outbox(sent bigint[])
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
    DELETE FROM outbox o WHERE o.id IN (
        -- One that is held is being received or sent again, and whoever holds it forgets it.
        SELECT held.id FROM outbox held WHERE held.id = ANY (sent) FOR UPDATE SKIP LOCKED)
$$;
