import pytest

from jaxrec.data.items.naming import ours, with_our_names

OWN = {
  'name': 'title',
  'title': 'title_2',
  'Art No': 'Art_No',
  'sku': 'item_id',
}
KNOWN = ('item_id', 'title', 'title_2', 'Art_No', 'brand')


@pytest.mark.parametrize(
  ('given', 'want'),
  [
    (['title', 'brand'], ['title', 'brand']),  # All are ours.
    (['name', 'brand'], ['title', 'brand']),
    (['name', 'title'], ['title', 'title_2']),  # All are the file's.
    (['title_2', 'title'], ['title_2', 'title']),
    (['Art No'], ['Art_No']),
    (['nom', 'brand'], ['nom', 'brand']),
  ],
)
def test_names_of_one_kind_or_the_other(given, want):
  assert list(ours(given, OWN, KNOWN).values()) == want


@pytest.mark.parametrize(
  ('template', 'want'),
  [
    ('{title}: {brand}', '{title}: {brand}'),
    ('{name}: {brand}', '{title}: {brand}'),
    ('{{{name!s:>9}}} {title}', '{{{title!s:>9}}} {title_2}'),
    ('{Art No} of {sku}', '{Art_No} of {item_id}'),
    ('{nom}', '{nom}'),  # Whoever fills it names what there is.
  ],
)
def test_templates(template, want):
  assert with_our_names(template, OWN, KNOWN) == want
