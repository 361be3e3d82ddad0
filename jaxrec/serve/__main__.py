"""python -m jaxrec.serve --bundle=DIR: see `jaxrec.cli.serve`."""

from jaxrec.cli.serve import run

if __name__ == '__main__':
  run()
