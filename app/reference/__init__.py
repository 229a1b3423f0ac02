"""What the OpenAPI document says beyond shapes: examples, refusals, and the webhooks that we take."""
