"""What requests and answers hold: types, lengths and ranges."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic

from jaxrec.errors import choices, cut

# Lengths of lists; how long a text is, the limit of a body decides.
HISTORY = 10_000
CANDIDATES = 10_000
IDS = 10_000  # In `only`.
NEW_ITEMS = 1_000
TEXTS = 100  # To be encoded for one request.
K = 1_000
COLUMNS = 100

ItemId = Annotated[str, pydantic.Field(min_length=1, max_length=512)]
Name = Annotated[str, pydantic.Field(max_length=500)]
Number = Annotated[float, pydantic.Field(allow_inf_nan=False)]


def _only(kinds: dict[type, str], words: str) -> pydantic.Discriminator:
  """Of a union by type: one error for all that is neither, in these words."""

  def tag(value: Any) -> str | None:
    return kinds.get(type(value))

  return pydantic.Discriminator(
    tag, custom_error_type='neither', custom_error_message=words
  )


# Unix seconds, as far as the readers of files take them: to the year 5138.
Time = Annotated[float, pydantic.Field(ge=0, le=1e11, strict=True)]
Value = Annotated[
  Annotated[str, pydantic.Tag('text')]
  | Annotated[int, pydantic.Tag('whole')]
  | Annotated[Number, pydantic.Tag('number')],
  _only({str: 'text', int: 'whole', float: 'number'}, 'a text or a number'),
  # A column of a table is text, whatever it is of.
  pydantic.AfterValidator(str),
]
Columns = Annotated[
  dict[Annotated[str, pydantic.Field(min_length=1, max_length=100)], Value],
  pydantic.Field(min_length=1, max_length=COLUMNS),
]
GivenItem = Annotated[
  Annotated[ItemId, pydantic.Tag('id')]
  | Annotated[Columns, pydantic.Tag('text')],
  _only({str: 'id', dict: 'text'}, 'an item id, or an object of columns'),
]


class _Request(pydantic.BaseModel):
  model_config = pydantic.ConfigDict(extra='forbid')

  @pydantic.model_validator(mode='before')
  @classmethod
  def _known_fields(cls, data: Any) -> Any:
    for name in data if isinstance(data, dict) else ():
      if name not in cls.model_fields:
        raise ValueError(choices(cut(name), cls.model_fields))
    return data


def _few_texts(entries: list[Any]) -> list[Any]:
  texts = sum(isinstance(entry, dict) for entry in entries)
  if texts > TEXTS:
    raise ValueError(f'{texts} entries are texts: at most {TEXTS} may be')
  return entries


GivenItems = Annotated[list[GivenItem], pydantic.AfterValidator(_few_texts)]
GivenHistory = Annotated[
  GivenItems,
  pydantic.Field(
    max_length=HISTORY,
    description='Oldest first. Each is an item id, or a text: '
    '{"text": ...} or the columns of an item, {"title": ..., ...}.',
  ),
]


# Whole numbers are ids, too.
UserId = Annotated[
  str,
  pydantic.BeforeValidator(lambda x: str(x) if type(x) is int else x),
  pydantic.Field(min_length=1, max_length=500),
]


class UserRequest(_Request):
  """A user: who, or what they did, and how their answer is to be given."""

  user_id: Annotated[
    UserId | None,
    pydantic.Field(
      description='In place of history, times and behaviours: a user of the '
      'file that the server was started with (--users). Items of theirs that '
      'are unknown by now are passed over and listed in skipped.'
    ),
  ] = None
  history: GivenHistory = []
  behaviours: Annotated[
    Annotated[list[Name], pydantic.Field(max_length=HISTORY)] | None,
    pydantic.Field(description='What was done with each entry.'),
  ] = None
  times: Annotated[
    Annotated[list[Time], pydantic.Field(max_length=HISTORY)] | None,
    pydantic.Field(description='Unix seconds of each entry, never falling.'),
  ] = None
  now: Annotated[
    Time | None,
    pydantic.Field(description='Entries of later times are not read.'),
  ] = None
  strategy: Annotated[
    Literal['top_k', 'probability'],
    pydantic.Field(
      description='What the score is: a cosine of user and item, or the '
      'calibrated probability.'
    ),
  ] = 'top_k'
  explain: Annotated[
    bool,
    pydantic.Field(
      strict=True,
      description='Whether to say what each entry that was read contributed.',
    ),
  ] = False
  unknown: Annotated[
    Literal['error', 'skip'],
    pydantic.Field(
      description='Unknown ids of the history are a mistake, or passed over '
      'and listed in skipped.'
    ),
  ] = 'error'

  @pydantic.model_validator(mode='after')
  def _one_of_both(self):
    if self.user_id is not None and (
      self.history or self.times is not None or self.behaviours is not None
    ):
      raise ValueError(
        'user_id: what this user did is known here: leave history, times and '
        'behaviours out'
      )
    return self


class RecommendRequest(UserRequest):
  """Whom to recommend to, and among what."""

  model_config = pydantic.ConfigDict(
    json_schema_extra={
      'examples': [
        {'history': [{'text': 'Local team wins the cup'}], 'k': 5},
      ]
    },
  )

  k: Annotated[int, pydantic.Field(ge=1, le=K, strict=True)] = 10
  threshold: Annotated[
    Annotated[float, pydantic.Field(ge=0, le=1, strict=True)]
    | Literal['auto']
    | None,
    pydantic.Field(
      description='Of strategy probability: the least of an item; auto '
      'is the one chosen on validation.'
    ),
  ] = None
  exclude_seen: Annotated[bool, pydantic.Field(strict=True)] = True
  categories: Annotated[
    Annotated[list[Name], pydantic.Field(max_length=1000)] | None,
    pydantic.Field(description='Only items of these.'),
  ] = None
  only: Annotated[
    Annotated[list[ItemId], pydantic.Field(max_length=IDS)] | None,
    pydantic.Field(description='Only these items.'),
  ] = None
  diversity: Annotated[
    float,
    pydantic.Field(
      ge=0,
      le=1,
      strict=True,
      description='How much the texts of a list are to differ; 0: the best, '
      'whatever their texts.',
    ),
  ] = 0.0


class ScoreRequest(UserRequest):
  """A history, and what to score for it."""

  model_config = pydantic.ConfigDict(
    json_schema_extra={
      'examples': [
        {
          'history': [{'text': 'Local team wins the cup'}],
          'candidates': [{'text': 'Coach praises young striker'}],
        }
      ]
    },
  )

  candidates: Annotated[
    GivenItems, pydantic.Field(min_length=1, max_length=CANDIDATES)
  ]


class NewItem(pydantic.BaseModel):
  """An item: its id, and `text` or the columns that the model's text reads."""

  model_config = pydantic.ConfigDict(
    extra='allow',
    json_schema_extra={
      'examples': [{'item_id': 'new-1', 'title': 'Local team wins the cup'}]
    },
  )
  __pydantic_extra__: dict[str, Value] = pydantic.Field(init=False)

  item_id: ItemId

  @pydantic.model_validator(mode='after')
  def _few_columns(self):
    if not 1 <= len(self.__pydantic_extra__) <= COLUMNS:
      raise ValueError(f'an item has 1 to {COLUMNS} columns beside its id')
    return self


class AddRequest(_Request):
  """Items to add; one whose id is there is replaced."""

  items: Annotated[
    list[NewItem], pydantic.Field(min_length=1, max_length=NEW_ITEMS)
  ]


def add_request(id_names: Sequence[str]) -> type[AddRequest]:
  """AddRequest, whose items may call their ids by other names as well."""
  if not id_names:
    return AddRequest
  either = pydantic.AliasChoices('item_id', *id_names)
  id_type = Annotated[ItemId, pydantic.Field(validation_alias=either)]
  item = pydantic.create_model('NewItem', __base__=NewItem, item_id=id_type)
  items = Annotated[
    list[item],  # type: ignore[valid-type]  # It is made here.
    pydantic.Field(min_length=1, max_length=NEW_ITEMS),
  ]
  return pydantic.create_model('AddRequest', __base__=AddRequest, items=items)


class ScoredItem(pydantic.BaseModel):
  """One item of an answer."""

  item_id: str
  text: str | None
  category: str | None
  score: float
  logit: float
  probability: float | None
  contributions: list[float] | None
  terms: dict[str, float] | None  # Of the model: they sum up to the logit.


class _Answer(pydantic.BaseModel):
  # Places of the entries of the history that were read, oldest first:
  # contributions are theirs.
  read: list[int]
  skipped: list[str]


class RecommendAnswer(_Answer):
  """Best first."""

  recommendations: list[ScoredItem]


class ScoreAnswer(_Answer):
  """In the order of the candidates."""

  scores: list[ScoredItem]


class ItemAnswer(pydantic.BaseModel):
  """An item of the catalog."""

  item_id: str
  text: str
  category: str | None
  fields: dict[str, Any] = {}


class ItemsAnswer(pydantic.BaseModel):
  """Items found, best first."""

  items: list[ItemAnswer]


class Added(pydantic.BaseModel):
  """Added, and on disk."""

  added: list[str]
  replaced: list[str]


class Removed(pydantic.BaseModel):
  """Removed, and on disk."""

  removed: str


class About(pydantic.BaseModel):
  """What is served."""

  dataset: str | None
  items: int
  categories: list[str]
  threshold: float | None
  writable: bool
  users: int | None  # Who are known by their user_id; None: started without.
  bundle: str


class Health(pydantic.BaseModel):
  """Ready for requests."""

  status: Literal['ok']
  items: int


class Error(pydantic.BaseModel):
  """What is wrong, in one line."""

  error: str
