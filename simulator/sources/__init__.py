"""Where bytes come from: files, folders, AWS."""
