"""Floor 4: queries that find what exists in Salesforce."""
