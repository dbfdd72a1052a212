"""The parts of a run, each of which `--only` names: what is measured, under which conditions, beside what."""
