"""The engine that writes registrations to Salesforce. Each folder uses only those before it: model,
field_values, matching and errors, lookup, jobs, planning and execution, engine."""
