"""Floor 3: which Salesforce record a person or company is."""
