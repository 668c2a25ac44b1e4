"""The storage of ledgers: databases, their tables, and the rules of one transaction."""

# First, because it imports modules of this package, which import its modules: the other order is a cycle.
import togai.corrections  # noqa: F401  # pyright: ignore[reportUnusedImport]
