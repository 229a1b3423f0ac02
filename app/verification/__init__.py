"""What stands in Salesforce held against what was written, and the repair of what is missing."""
