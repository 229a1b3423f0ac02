"""Measurements that anybody can repeat: ours, a peer and a floor side by side in one run."""
