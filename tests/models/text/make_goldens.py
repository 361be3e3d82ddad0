"""Makes tests/models/goldens/minilm.npz: hidden states of PyTorch's BertModel.

  pip install torch transformers 'jaxrec[demo]'
  python -m tests.models.text.make_goldens

Holds, for a few short titles end to end: `lengths` int32 [N], `tokens` int32
[sum of lengths] and `hidden` float32 [sum of lengths, D], the last hidden state
of all-MiniLM-L6-v2, each title run alone and without padding.
"""

import pathlib

import numpy as np

from jaxrec.models.text import hub

PATH = pathlib.Path(__file__).parent / 'goldens' / 'minilm.npz'
TITLES = (
  'Rain',
  'Council votes to keep the old tram line running',
  'Five cheap laptops, compared',
  "Goalkeeper's late save sends Porto through",
  'Why are egg prices rising again?',
  'Stainless steel kettle 1.7 L (matte black)',
  'naïve café owner wins $2,500',
  'Sleep, exercise and the ageing heart: what a 20-year study found',
)


def main():
  import tokenizers
  import torch
  import transformers

  directory = hub.resolve('minilm')
  tokenizer = tokenizers.Tokenizer.from_file(str(directory / 'tokenizer.json'))
  tokenizer.no_padding()
  tokens = [np.asarray(tokenizer.encode(title).ids) for title in TITLES]
  bert = transformers.BertModel.from_pretrained(directory).eval()
  with torch.inference_mode():
    hidden = [
      bert(torch.asarray(t)[None]).last_hidden_state[0].numpy() for t in tokens
    ]
  PATH.parent.mkdir(exist_ok=True)
  np.savez_compressed(
    PATH,
    lengths=np.asarray([len(t) for t in tokens], np.int32),
    tokens=np.concatenate(tokens).astype(np.int32),
    hidden=np.concatenate(hidden).astype(np.float32),
  )
  print(f'{PATH}: {PATH.stat().st_size} bytes')


if __name__ == '__main__':
  main()
