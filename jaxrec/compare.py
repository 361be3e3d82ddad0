"""python -m jaxrec.compare: see `jaxrec.cli.compare`."""

from jaxrec.cli.compare import run

if __name__ == '__main__':
  run()
