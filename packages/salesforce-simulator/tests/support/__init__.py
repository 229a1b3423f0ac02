"""What the tests share: a signed-in client, the simulator as a process, programs of other makers."""
