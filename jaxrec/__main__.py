"""python -m jaxrec VERB: the console script `jaxrec`."""

from jaxrec.cli.command import run

if __name__ == '__main__':
  run()
