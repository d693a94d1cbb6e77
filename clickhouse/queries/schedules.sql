-- What is remembered of schedules.
SELECT name, is_paused, last_run_at, last_job, version, known_at FROM schedules FINAL ORDER BY name
