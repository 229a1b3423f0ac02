"""Real processes, a real Prometheus and our rules, many times faster: which alert rings at which fault."""
