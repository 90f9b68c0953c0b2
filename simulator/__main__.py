"""`python -m simulator` is `orgsim`."""

from simulator.cli.main import main

if __name__ == "__main__":
    main()
