"""A host's connection to its Salesforce org."""
