"""How fast this machine is, stage by stage, against its own limits."""
