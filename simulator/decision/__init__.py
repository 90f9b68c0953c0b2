"""The decision core: policies compiled to programs, evaluated in three-valued logic."""
