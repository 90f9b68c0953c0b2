"""`python -m benchmarks`: all figures in one run."""

from benchmarks.evaluator import main

main()
