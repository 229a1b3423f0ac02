"""From the release before to this one: with its data as it left them, and with its processes beside ours."""
