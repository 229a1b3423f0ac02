"""The OAuth sign-in, from the start on the dashboard to the confirmed grant."""
