"""The speed figures; `make bench` runs them."""
