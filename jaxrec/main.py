"""python -m jaxrec.main --config=configs/news.py: see `jaxrec.cli.command`."""

from jaxrec.cli.command import run_mode

if __name__ == '__main__':
  run_mode()
