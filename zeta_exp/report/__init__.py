"""Floor 7: what a person sees of a run: tables and figures."""
