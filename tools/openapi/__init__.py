"""The OpenAPI document: examples, error responses, webhooks."""
