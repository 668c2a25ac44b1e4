"""The storage of ledgers: databases, their tables, and the rules of one transaction."""
