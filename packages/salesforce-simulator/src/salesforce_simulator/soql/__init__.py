"""SOQL: parsed by a grammar, bound to the org's fields, answered from indexes."""
