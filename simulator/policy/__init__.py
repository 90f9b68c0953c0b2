"""Policy documents: parsing with source positions, validation, canonical printing."""
