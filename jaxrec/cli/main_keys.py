"""The keys of a config that are changed most, for `--help`."""

# Key, a value that it may have, what it means.
MAIN_KEYS = (
  ('data.dir', 'DIR', 'Where the files lie.'),
  (
    'data.interactions_file',
    'FILE',
    'Own logs: who acted on what. data.items_file: what there is.',
  ),
  (
    'data.columns.user_id',
    'NAME',
    'What your tables call a column; likewise item_id, timestamp, title, ...',
  ),
  ('training.num_steps', '400', 'How long the training is, in batches.'),
  ('training.epochs', '6', 'The same in times through the data.'),
  (
    'training.patience',
    '3',
    'Looks at validation without a better one, after which it ends.',
  ),
  ('input.batch_size', '64', 'Examples of a step.'),
  ('input.history_length', '50', 'The latest items of a user that are read.'),
  ('optimizer.learning_rate', '1e-3', 'At its peak.'),
  ('model.head.type', 'gru', 'Or lstm, rnn, transformer, mean.'),
  ('model.head.width', '256', "The head's hidden size; beside it dropout."),
  (
    'model.text.pretrained',
    'DIR',
    'A BERT: a directory, a Hugging Face id, or minilm.',
  ),
  (
    'model.text.trainable_layers',
    '2',
    'How many of its layers train; 0: none, -1: all.',
  ),
  ('evaluation.baselines', 'none', 'Or some by their names, or all.'),
  ('seed', '1', 'Of everything that is drawn.'),
)
