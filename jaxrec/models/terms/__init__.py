"""Terms of the logit by name: one file, and one line with its import, for each.

Their order is that of the columns, and of the numbers that initial parameters
are drawn from: a new term comes last.
"""

from jaxrec.models.terms.appeal import Appeal
from jaxrec.models.terms.fields import Fields
from jaxrec.models.terms.ids import Ids
from jaxrec.models.terms.item import Item
from jaxrec.models.terms.item_bias import ItemBias
from jaxrec.models.terms.term import Term
from jaxrec.models.terms.text import Text
from jaxrec.models.terms.trend import Trend

TERMS: dict[str, type[Term]] = {
  'text': Text,
  'fields': Fields,
  'ids': Ids,
  'appeal': Appeal,
  'item_bias': ItemBias,
  'trend': Trend,
  'item': Item,
}
