"""What may have been meant by a name that is no key and no flag.

Other programs call the same things otherwise; what is best known of that is a
table here. The rest is likeness: first to the keys of this config's own parts,
then to those of parts that it could have.
"""

import difflib
import re
from collections.abc import Iterable, Mapping

from jaxrec.cli.known_keys import Key

# By a name in lower case, with '_' between words: the keys that mean the same,
# the likeliest first. Those of parts that a config has not come after others.
SYNONYMS: dict[str, tuple[str, ...]] = {
  name: keys
  for names, keys in (
    (
      'lr learning_rate base_lr max_lr init_lr peak_lr step_size eta alpha',
      ('optimizer.learning_rate',),
    ),
    ('bert_lr encoder_lr text_lr', ('model.text.learning_rate',)),
    ('wd l2 weight_decay decay_rate reg l2_reg', ('optimizer.weight_decay',)),
    (
      'warmup num_warmup_steps warm_up warmup_ratio warmup_proportion',
      ('optimizer.warmup_steps',),
    ),
    (
      'grad_clip max_grad_norm clip clip_grad gradient_clip clipnorm '
      'gradient_clip_val clip_grad_norm gradient_clip_norm',
      ('optimizer.clip_norm',),
    ),
    (
      'scheduler lr_scheduler lr_schedule lr_scheduler_type lr_decay',
      ('optimizer.schedule',),
    ),
    ('beta1 adam_beta1 beta_1', ('optimizer.b1',)),
    ('beta2 adam_beta2 beta_2', ('optimizer.b2',)),
    ('ema ema_decay swa polyak', ('optimizer.average',)),
    (
      'epoch epochs num_epochs n_epochs max_epochs num_train_epochs '
      'train_epochs nb_epoch',
      ('training.epochs',),
    ),
    (
      'steps max_steps n_steps total_steps iterations num_iterations max_iter '
      'iters train_steps num_training_steps',
      ('training.num_steps',),
    ),
    (
      'early_stopping early_stop early_stopping_patience early_stopping_rounds '
      'stopping_step',
      ('training.patience',),
    ),
    (
      'eval_steps eval_interval eval_freq eval_step validation_steps '
      'validate_every val_check_interval eval_frequency',
      ('training.eval_every',),
    ),
    (
      'save_steps save_every save_interval checkpoint_interval save_freq '
      'ckpt_every checkpoint_freq',
      ('training.checkpoint_every',),
    ),
    (
      'log_steps logging_steps log_interval print_every log_freq',
      ('training.log_every',),
    ),
    (
      'bs batch batch_size batchsize train_batch_size per_device_batch_size '
      'per_device_train_batch_size minibatch_size global_batch_size',
      ('input.batch_size',),
    ),
    (
      'eval_batch_size test_batch_size val_batch_size '
      'per_device_eval_batch_size',
      ('evaluation.batch_size',),
    ),
    (
      'max_len maxlen max_length seq_len sequence_length max_seq_len '
      'seq_length '
      'max_seq_length max_sequence_length history_len history_size max_history '
      'max_item_list_length window context_length n_history window_size',
      ('input.history_length', 'model.text.max_tokens'),
    ),
    (
      'max_text_length max_tokens num_tokens title_length max_title_length '
      'num_words_title',
      ('model.text.max_tokens',),
    ),
    (
      'negatives num_negatives n_negatives neg_samples num_neg num_neg_samples '
      'negative_samples neg_ratio npratio negative_ratio train_neg_sample_args',
      ('input.num_candidates',),
    ),
    (
      'hidden_size hidden hidden_dim hidden_units hidden_width n_hidden '
      'num_hidden rnn_size lstm_size lstm_units units d_model dim d_hidden '
      'num_units state_size width',
      ('model.head.width',),
    ),
    (
      'embedding_dim embedding_size emb_dim embed_dim emb_size embed_size '
      'n_factors num_factors factors latent_dim item_dim id_dim',
      ('model.terms.item.width', 'model.terms.ids.width', 'model.head.width'),
    ),
    (
      'num_layers n_layers layers num_hidden_layers n_layer num_blocks '
      'nlayers depth',
      ('model.head.layers',),
    ),
    (
      'num_heads n_heads heads attention_heads num_attention_heads n_head',
      ('model.head.attention_heads',),
    ),
    (
      'dropout dropout_rate drop_rate dropout_prob drop p_dropout '
      'hidden_dropout hidden_dropout_prob dropout_p keep_prob',
      ('model.head.dropout', 'model.terms.item.dropout', 'model.text.dropout'),
    ),
    (
      'model_type rnn_type cell cell_type rnn architecture arch user_encoder '
      'head model_class type',
      ('model.head.type',),
    ),
    (
      'encoder bert model_name model_name_or_path pretrained_model '
      'pretrained_model_name_or_path backbone text_encoder lm language_model '
      'plm encoder_name bert_model transformer_model',
      ('model.text.pretrained',),
    ),
    (
      'freeze freeze_encoder freeze_bert unfreeze finetune fine_tune '
      'num_trainable_layers train_encoder n_unfrozen finetune_layers',
      ('model.text.trainable_layers',),
    ),
    (
      'fp16 bf16 precision mixed_precision amp compute_dtype dtype half',
      ('model.text.dtype',),
    ),
    (
      'loss loss_type loss_fn criterion loss_function',
      ('objectives.next_item.loss', 'objectives.impressions.loss'),
    ),
    ('objective task', ('objectives',)),
    (
      'label_smoothing smoothing',
      ('objectives.next_item.smoothing',),
    ),
    (
      'temperature temp tau logit_scale',
      ('objectives.contrast.temperature', 'model.terms.text.scale'),
    ),
    ('dataset dataset_name data_name', ('data.name',)),
    (
      'data_dir data_path dataset_path dataset_dir root data_root input_dir '
      'raw_dir datadir',
      ('data.dir',),
    ),
    ('cache cache_path cachedir cache_dir', ('data.cache_dir',)),
    (
      'interactions log logs clicks events train_file ratings_file '
      'interaction_file inter_file behaviors_file',
      ('data.interactions_file',),
    ),
    (
      'items catalog products news_file item_file items_path metadata_file',
      ('data.items_file',),
    ),
    (
      'user user_id user_col user_column user_id_field uid',
      ('data.columns.user_id',),
    ),
    (
      'item item_id item_col item_column item_id_field iid',
      ('data.columns.item_id',),
    ),
    (
      'timestamp time time_col time_column time_field timestamp_col date',
      ('data.columns.timestamp',),
    ),
    (
      'title title_col title_column text text_column',
      ('data.columns.title', 'data.text_template'),
    ),
    ('rating rating_col', ('data.columns.rating', 'data.min_rating')),
    (
      'event_type action action_type event behavior',
      ('data.columns.behaviour',),
    ),
    ('template text_fields', ('data.text_template',)),
    (
      'split split_strategy protocol split_type eval_protocol eval_mode',
      ('data.protocol',),
    ),
    (
      'val_fraction valid_fraction val_ratio validation_split val_split '
      'valid_size val_size',
      ('data.validation_fraction',),
    ),
    (
      'min_interactions min_count min_item_count kcore core min_inter '
      'min_user_inter_num',
      ('data.k_core', 'data.min_history'),
    ),
    (
      'random_seed random_state rng_seed rng manual_seed seed',
      ('seed',),
    ),
    (
      'wandb tensorboard logger report_to tracker tracking_uri log_with',
      ('tracking',),
    ),
    ('baseline', ('evaluation.baselines',)),
    ('bootstrap n_bootstrap', ('evaluation.num_bootstrap',)),
    (
      'tp tensor_parallel tensor_parallel_size model_parallel',
      ('mesh.tensor',),
    ),
    ('dp data_parallel num_gpus gpus devices n_gpu', ('mesh.data',)),
    ('zero fully_sharded sharding', ('mesh.fsdp',)),
    (
      'gradient_checkpointing checkpointing rematerialize',
      ('model.text.remat',),
    ),
  )
  for name in names.split()
}
MOST = 3  # Suggestions for one name.


def near_keys(
  name: str, keys: Iterable[Key], used: Iterable[str] = ()
) -> list[str]:
  """Keys that may have been meant by `name`, the likeliest first.

  Args:
    name: as it was typed, with or without sections: 'lr', 'model.hidden_size'.
    keys: all there are.
    used: parts that the config has, as `Key.part` names them.
  """
  present = {'', *used}
  by_path = {key.path: key for key in keys}  # Of heads' the one that is there.
  by_path |= {key.path: key for key in keys if key.part in present}
  leaves: dict[str, list[str]] = {}
  for path in by_path:
    leaves.setdefault(path.rpartition('.')[2], []).append(path)
  *sections, leaf = [_plain(word) for word in name.split('.')]
  there = {name for path in by_path for name in path.split('.')[:-1]}
  sections = [(_alike(word, there) or [word])[0] for word in sections]

  def meant(word: str) -> list[str]:
    paths = [path for path in SYNONYMS.get(word, ()) if path in by_path]
    for path in paths:  # The same in the section that was named.
      here = '.'.join([*sections, path.rpartition('.')[2]])
      if sections and here in by_path:
        return [here]
    if sections or not paths:
      paths += [path for path in leaves.get(word, ()) if path not in paths]
    return _ranked(paths, sections, present, by_path)

  words = [leaf] if meant(leaf) else _alike(leaf, {**SYNONYMS, **leaves})
  near = dict.fromkeys(path for word in words for path in meant(word))
  return [_with_part(by_path[path], present) for path in near][:MOST]


def is_a_name(leaf: str, known: Iterable[str]) -> bool:
  """Whether a name without its section is one, here or in other programs."""
  leaf = _plain(leaf)
  return leaf in SYNONYMS or any(k.rpartition('.')[2] == leaf for k in known)


def _alike(word: str, known: Iterable[str]) -> list[str]:
  return difflib.get_close_matches(word, known, n=2, cutoff=0.75)


def _with_part(key: Key, present: set[str]) -> str:
  """The key, with the choice that has to be made for it."""
  if key.part in present or '=' not in key.part:
    return key.path
  return f'{key.path} (with {key.part})'


def _ranked(
  paths: list[str],
  sections: list[str],
  present: set[str],
  by_path: Mapping[str, Key],
) -> list[str]:
  """Paths whose sections were named first, then those whose part is there.

  Where some are of parts that are there, others are left out.
  """
  there = [path for path in paths if by_path[path].part in present]
  paths = there or paths

  def strangeness(path: str) -> int:
    return -len(set(sections) & set(path.split('.')[:-1]))

  best = sorted(paths, key=strangeness)
  if not best or not strangeness(best[0]):
    return best
  return [path for path in best if strangeness(path) == strangeness(best[0])]


def _plain(word: str) -> str:
  """'hiddenSize', 'hidden-size' -> 'hidden_size'."""
  word = re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', word)
  return word.replace('-', '_').lower()
