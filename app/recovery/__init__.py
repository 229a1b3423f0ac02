"""What follows when the database went back in time: restored from a backup, or failed over with a loss."""
