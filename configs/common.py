"""What the configs share: every key there is, with a safe default."""

import difflib

from ml_collections import ConfigDict


def base() -> ConfigDict:
  """The default configuration; a domain's config changes what differs."""
  return ConfigDict(
    {
      'seed': 0,
      'batch_size': 64,  # B, over all devices.
      'num_train_steps': 1000,
      'eval_every_steps': 200,
      'checkpoint_every_steps': 200,
      'log_every_steps': 10,
      'eval_batch_size': 64,
      # Whether, once validation has chosen the step, what is tested is trained
      # anew up to it, on the validation split too.
      'refit': False,
      # -1: what the other sizes leave of the devices.
      'mesh': {'data': -1, 'fsdp': 1, 'tensor': 1},
      'data': {
        'name': 'demo',  # A key of jaxrec.data.datasets.DATASETS.
        'dir': '',  # Where the publisher's files lie.
        # Of the dataset 'interactions': files, under dir where they are
        # relative, and what their columns are called.
        'interactions_file': '',
        'items_file': '',
        'columns': {
          'user_id': 'user_id',
          'item_id': 'item_id',
          'timestamp': 'timestamp',
          'behaviour': 'behaviour',
          'rating': 'rating',
          'title': 'title',
        },
        'min_rating': 0.0,  # Interactions rated lower are dropped; 0: none.
        'cache_dir': '',  # '': $XDG_CACHE_HOME/jaxrec or ~/.cache/jaxrec.
        'text_template': '{title}',  # How an item's columns make its text.
        'history_length': 50,  # H, the most recent items.
        'num_candidates': 5,  # C in training: a click and C - 1 non-clicks.
        'validation_fraction': 0.1,  # Latest share of train, if none is given.
        # impressions; or, of sequences: leave_one_out (each user's last
        # event), time_split (the latest validation_fraction, and that before
        # it), cold_items (that share of the items, the newest, and that before
        # it, each ranked among themselves).
        'protocol': 'impressions',
        # False: histories are sets, whose order says nothing.
        'ordered': True,
        # Of sequences, what is predicted, say 'purchase'; '': all. What was
        # seen in another way may be a target: evaluation.seen=kept.
        'target_behaviour': '',
        # Of sequences: users and items with fewer interactions are dropped,
        # again and again; users with fewer; 0: none.
        'k_core': 0,
        'min_history': 0,
      },
      'encoder': {
        'pretrained': 'minilm',  # Alias, Hugging Face directory or hub id.
        'trainable_layers': 0,  # The top k; -1: all; 0: vectors made once.
        'max_tokens': 32,  # T, where texts are cut.
        'row_tokens': 0,  # L; 0: 32 on CPU, 128 on accelerators.
        # Of the computation: float32, bfloat16, or auto: bfloat16 on GPU and
        # TPU, float32 on CPU. Parameters are float32.
        'dtype': 'auto',
        # Where lower layers are frozen, what is kept of their outputs: as
        # float32, bfloat16 or auto (the dtype above); none: run at each step.
        'prefix_cache': 'auto',
        'dropout': 0.1,  # On the layers that train.
        'pooling': 'mean',  # mean or cls.
        # The same numbers but for rounding; what is faster is the device's:
        'attention': 'auto',  # batched (CPU's), xla, cudnn.
        'remat': 'dots',  # What is kept for gradients: none, dots or full.
        # Layers in one iteration of the scan; 0: all that train where these are
        # few and others are frozen, else 1.
        'unroll': 0,
      },
      'evaluation': {
        # Where the whole catalog is ranked: items of the history, masked or
        # kept. Mask them where nobody acts on an item twice.
        'seen': 'masked',
        # Not the whole catalog but so many items drawn for each example; 0:
        # none. Makes every number look better, and is labelled.
        'num_sampled': 0,
        # Recall aimed at by lists of the whole catalog; 0: exact. For TPUs.
        'approximate': 0.0,
        'baselines': 'all',  # Or none, or some: 'popularity,ease'.
        'num_bootstrap': 1000,  # Resamples behind the 95 % intervals.
      },
      # decays: what an item of a history weighs after each event, of the text,
      # of the fields if there are, and of each channel of ids: '0.9,0.8,0.6';
      # from there on it is learned. '': the plain mean.
      'head': {
        'type': 'lstm',
        'width': 256,
        'decays': '',
        # Whether histories are read with how their items were acted on (which
        # of the dataset's behaviours), and with the time between events.
        'behaviours': False,
        'gaps': False,
        # Whether an item that comes again in a history counts once in its
        # mean, by the last time.
        'once': False,
      },
      'scoring': 'cosine',  # cosine or dot.
      'scale': 5.0,  # Of the cosine, to start with.
      # Items' texts start without their mean: 'catalog', that of all items;
      # 'histories', of what users acted on; '': with it.
      'centered': '',
      'appeal': False,  # Whether an item's text alone adds to its logits.
      # What items have in common beside their texts: columns of theirs, see
      # jaxrec.data.fields: 'category,price'; '': none. A vector of each value
      # is read and scored, and each value adds a number to the logits.
      'fields': {'names': '', 'width': 64, 'gain': 1.0},
      # Vectors of the items themselves beside those of their texts.
      'ids': {
        'width': 0,  # Of each channel; 0: none.
        'bias': False,  # Whether each item adds a number to its logits.
        # Of impressions: it starts as so much of the log of the item's click
        # rate over the mean rate, shrunk by so many more showings.
        'bias_start': 0.0,
        'bias_shrinkage': 100.0,
        'start': 'factors',  # Of item-item matrices; or random.
        # together: who acted on this acted on that; follows: what comes after
        # what, for sequences that have an order.
        'channels': 'together,follows',
        'penalty': 150.0,  # Of the squared weights of `together`.
        'damping': 0.0,  # Popularity to this power divides it.
        'fade_days': 0.0,  # Actions so old weigh 1/e in it; 0: all alike.
        'texts': 0.0,  # Weight of items' texts in it; 0: none.
        'dropout': 0.1,  # Share of items whose ids a training step hides.
      },
      # What everybody acts on of late, as of the day something is asked for:
      # log(1 + actions so far), which count half after so many days; 0: none.
      # Of sequences with times.
      'trend': {'half_life': 0.0, 'gain': 1.0},
      # impressions: a click against what was shown with it, or drawn.
      # next_item: every item of a history against all items of the batch.
      # impressions+next_item: both.
      'objective': 'impressions',
      'impressions': {'loss': 'sigmoid'},  # Or softmax over each one's.
      'next_item': {
        'loss': 'sigmoid',  # Or softmax.
        'weight': 1.0,  # Beside impressions.
      },
      'optim': {
        'encoder_learning_rate': 2e-5,
        'head_learning_rate': 5e-4,
        'appeal_learning_rate': 1e-3,
        'fields_learning_rate': 1e-3,
        'ids_learning_rate': 1e-3,  # Of item biases too.
        'warmup_steps': 50,
        'weight_decay': 0.01,
        'clip_norm': 1.0,  # 0: none.
        'b1': 0.9,
        'b2': 0.999,
      },
    }
  )


# What the demos have in common; tuned on the news.
DEMO = {
  'data.history_length': 20,
  'num_train_steps': 1500,
  'eval_every_steps': 250,
  'checkpoint_every_steps': 250,
  'head.width': 64,
  'optim.head_learning_rate': 3e-3,
}
# What logs of who did what, without what was shown, have in common.
SEQUENCES = {
  'batch_size': 16,
  'num_train_steps': 100,
  'eval_every_steps': 50,
  'checkpoint_every_steps': 100,
  'refit': True,
  'data.protocol': 'leave_one_out',
  'data.num_candidates': 32,
  'objective': 'next_item',
  'next_item.loss': 'softmax',
  'centered': 'catalog',
  'scale': 1.6,
  'head.decays': '0.6,0.8,0.6',
  'ids.width': 384,
  'optim.head_learning_rate': 1e-4,
  'optim.ids_learning_rate': 1e-5,
}


def pick(variant: str | None, variants: dict, default: str):
  """`variants[variant]`; an unknown one is an error with the near misses."""
  name = variant or default
  if name not in variants:
    near = difflib.get_close_matches(name, variants, n=3, cutoff=0.4)
    hint = f'did you mean {" or ".join(near)}? ' if near else ''
    # No ValueError: config_flags would hide its text under a traceback.
    raise KeyError(
      f'unknown config variant {name!r}: {hint}(variants: '
      f'{", ".join(variants)})'
    )
  return variants[name]


def locked(config: ConfigDict, changes: dict) -> ConfigDict:
  """`config` with `changes` ({'optim.clip_norm': 0.5}), locked."""
  config.lock()
  config.update_from_flattened_dict(changes)
  return config
