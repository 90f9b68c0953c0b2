"""Who is behind a principal: people, pipelines and workloads, linked to roles by what the log itself shows."""
