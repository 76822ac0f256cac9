"""The base of the tests: a distributor on a leash, steered fakes, a transcript, the verdicts."""
