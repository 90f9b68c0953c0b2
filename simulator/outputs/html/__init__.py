"""The report as one self-contained page: `page.py` writes it, the other files here are its markup, style and script."""
