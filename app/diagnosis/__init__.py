"""Why somebody is missing in Salesforce: what stands in the way, in words, each with its cure."""
