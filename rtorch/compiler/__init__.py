"""From a Program to something that runs: passes over Programs, and the planned executor."""
