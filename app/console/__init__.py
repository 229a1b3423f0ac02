"""The console: its page, its lists, and the guides behind "Learn more"."""
