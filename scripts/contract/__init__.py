"""Generates the package from the contract, and adopts new descriptions of the vendor."""
