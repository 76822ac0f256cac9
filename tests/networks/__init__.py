"""Campaigns on hosts in network namespaces: each fault beside each option, and random ones."""
