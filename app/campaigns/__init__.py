"""An event's Salesforce campaign: search, link, create, backfill."""
