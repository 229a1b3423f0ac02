"""Generates and checks what is kept in the repository: OpenAPI document, guides, locks."""
