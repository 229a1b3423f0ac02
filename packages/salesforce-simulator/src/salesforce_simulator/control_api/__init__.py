"""The control API, /_simulator: what a test or a person asks of the simulator, not of Salesforce."""
