"""`python -m ttgen` is the `ttgen` command."""

from ttgen.cli.main import run

if __name__ == "__main__":
    run()
