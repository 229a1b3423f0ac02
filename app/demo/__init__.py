"""The main job on real input, through the front doors only: to look at (`make run`) and to check (`make smoke`)."""
