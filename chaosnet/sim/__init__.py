"""Simulated networks: real kernels on a virtual clock, network and disk, all drawn from one seed."""
