"""Hosts in network namespaces of this machine, with links whose faults the test chooses."""
