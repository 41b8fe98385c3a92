"""The parts of a supervisor: a job's hosts, from their start to its end."""
