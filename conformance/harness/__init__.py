"""What the tests stand on: a distributor on a leash, steered fakes, a transcript, the verdicts."""
