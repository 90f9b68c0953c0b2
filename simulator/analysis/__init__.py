"""What an impact means: findings, graphs, summaries."""
