"""The data of one store: sources, canonical tables, checks, marts."""
