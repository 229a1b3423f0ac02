"""A Salesforce org over HTTP: the same answers, refusals and traps, on one machine and without an account."""
