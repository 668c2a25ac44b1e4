"""The tools that keep the contract: generate the package from it, and take new descriptions into it."""
