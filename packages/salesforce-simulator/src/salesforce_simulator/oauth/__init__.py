"""Authorize, token, revoke and identity, with the places where Salesforce shows each error."""
