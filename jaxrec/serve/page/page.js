// The demo: a history that is put together by hand, and what follows from it.

import { $, ask, askForKey, make } from './shared.js';

const K = 10;
const SHOWN = 6; // Contributions by name; the others as one.
const state = {
  picks: [], // { id, text, category }; id is null for a text of one's own.
  read: [], // Places of the picks that were read.
  places: null, // Of the items in the list before, by id.
  opened: new Set(), // Whose reasons are unfolded.
  closed: new Set(),
};
const number = (value, digits = 2) =>
  (value < 0 ? '−' : '') + Math.abs(value).toFixed(digits);
const signed = (value) => (value < 0 ? '' : '+') + number(value);
const percent = (p) => (p > 0 && p < 0.01 ? '<1 %' : `${Math.round(100 * p)} %`);

// ---- Requests: the latest one counts.

let underWay = null;
let failedCall = null;

function fail(error, again) {
  if (error.name === 'AbortError') return;
  if (error.status === 401) {
    askForKey(true, begin);
    return;
  }
  failedCall = again;
  $('error-text').textContent = error.message;
  $('error').hidden = false;
}

function busy(on) {
  $('busy').classList.toggle('on', on);
  $('list').setAttribute('aria-busy', on);
}

async function recommend() {
  underWay?.abort();
  const mine = (underWay = new AbortController());
  const strategy = new FormData($('controls')).get('strategy');
  const category = $('category').value;
  const asked = {
    history: state.picks.map((pick) => pick.id ?? { text: pick.text }),
    k: K,
    strategy,
    explain: true,
    threshold: strategy === 'probability' ? Number($('threshold').value) : null,
    categories: category ? [category] : null,
  };
  busy(true);
  try {
    const found = await ask('/recommend', asked, mine.signal);
    $('error').hidden = true;
    state.read = found.read;
    show(found.recommendations, strategy);
  } catch (error) {
    fail(error, recommend);
  } finally {
    if (underWay === mine) busy(false);
  }
}

// ---- The list.

function movement(id, place) {
  if (state.places === null) return '';
  const before = state.places.get(id);
  if (before === undefined) return make('span', { class: 'moved new' }, 'new');
  if (before === place) return '';
  const up = before > place;
  const steps = Math.abs(before - place);
  return make(
    'span',
    {
      class: `moved ${up ? 'up' : 'down'}`,
      'aria-label': `${up ? 'up' : 'down'} by ${steps}`,
    },
    `${up ? '▲' : '▼'} ${steps}`,
  );
}

function reasons(item) {
  const shares = item.contributions ?? [];
  const rows = state.read.map(
    (place, n) => ({ text: state.picks[place].text, value: shares[n] }));
  rows.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rest = rows.splice(rows.length > SHOWN ? SHOWN - 1 : rows.length);
  if (rest.length) {
    const value = rest.reduce((sum, row) => sum + row.value, 0);
    rows.push({ text: `${rest.length} others`, value });
  }
  return rows;
}

function why(item, widest) {
  const rows = reasons(item);
  if (!rows.length) return '';
  const best = rows.reduce((a, b) => (b.value > a.value ? b : a));
  const table = make('div', { class: 'why' });
  for (const { text, value } of rows) {
    const bar = make('i', { class: value < 0 ? 'less' : 'more' });
    const half = (50 * Math.abs(value)) / widest;
    bar.style.width = `${half}%`;
    bar.style.left = `${value < 0 ? 50 - half : 50}%`;
    table.append(
      make('span', { class: 'from', title: text }, text),
      make('span', { class: 'bar', 'aria-hidden': 'true' }, bar),
      make('span', { class: 'value' }, signed(value)),
    );
  }
  const total = (item.contributions ?? []).reduce((a, b) => a + b, 0);
  table.append(
    make('p', { class: 'note total' },
      `${signed(total)} on the logit in all, against an empty history; it is ` +
      `now ${number(item.logit)}`),
  );
  const told = best.value > 0
    ? ['Most by ', make('b', {}, best.text)]
    : ['Nothing in the history speaks for it'];
  return make('details', {}, make('summary', {}, ...told), table);
}

function row(item, place, widest, strategy) {
  const facts = make('div', { class: 'facts' });
  if (item.category) facts.append(make('span', {}, item.category));
  const shares = strategy === 'top_k' && !state.read.length;
  if (shares) { // Of an empty history: how popular it is.
    const share = number(100 * item.score, 1);
    facts.append(make('span', {}, `popularity ${share} %`));
  } else if (strategy === 'top_k') {
    facts.append(make('span', {}, `score ${number(item.score)}`));
  }
  if (item.probability !== null && !shares) {
    facts.append(make('span', {}, `probability ${percent(item.probability)}`));
  }
  facts.append(movement(item.item_id, place));
  const add = make('button', { 'aria-label': `Add to history: ${item.text}` }, 'Add');
  add.onclick = () => {
    pick({ id: item.item_id, text: item.text, category: item.category });
    $('query').focus({ preventScroll: true }); // This button will be gone.
  };
  const element = make(
    'li',
    { 'data-id': item.item_id },
    make('span', { class: 'place' }, `${place + 1}`),
    make('div', {}, make('div', { class: 'title' }, item.text), facts),
    add,
  );
  const details = why(item, widest);
  if (details) {
    details.open = place === 0
      ? !state.closed.has(item.item_id) : state.opened.has(item.item_id);
    // Not `toggle`, which tells of what this code opens too.
    details.firstElementChild.onclick = () => {
      state.opened[details.open ? 'delete' : 'add'](item.item_id);
      state.closed[details.open ? 'add' : 'delete'](item.item_id);
    };
    element.append(details);
  }
  return element;
}

function show(items, strategy) {
  const widest = Math.max(
    1e-9, ...items.flatMap((i) => reasons(i).map((r) => Math.abs(r.value))));
  $('list').replaceChildren(
    ...items.map((item, place) => row(item, place, widest, strategy)));
  state.places = new Map(items.map((item, place) => [item.item_id, place]));
  $('nothing').hidden = items.length > 0;
  $('nothing').textContent = strategy === 'probability'
    ? 'No item is as probable as that: ask for less.'
    : 'No item is left to recommend.';
  const of = state.picks.length
    ? `for ${state.picks.length} picked` : 'what many like, for now';
  $('status').textContent = items.length ? `${items.length} items, ${of}` : '';
}

// ---- The history.

function pick(item) {
  state.picks.push(item);
  drawPicks();
  recommend();
}

function drawPicks() {
  $('picks').replaceChildren(
    ...state.picks.map((item, n) => {
      const remove = make('button', { 'aria-label': `Remove: ${item.text}` }, '×');
      remove.onclick = () => {
        state.picks.splice(n, 1);
        drawPicks();
        recommend();
        const left = $('picks').querySelectorAll('button');
        (left[Math.min(n, left.length - 1)] ?? $('query')).focus();
      };
      return make(
        'li',
        {},
        make('span', { class: 'what' }, item.text,
          make('small', {}, item.id === null ? 'your text' : item.category ?? '')),
        remove,
      );
    }),
  );
  $('no-picks').hidden = state.picks.length > 0;
  $('clear').hidden = state.picks.length === 0;
}

$('clear').onclick = () => {
  state.picks = [];
  drawPicks();
  recommend();
  $('query').focus();
};

// ---- The search: a combobox.

let searching = null;
let typed = 0;
let choices = [];
let chosen = -1;

function closeFound() {
  clearTimeout(typed);
  searching?.abort();
  choices = [];
  chosen = -1;
  $('found').hidden = true;
  $('query').setAttribute('aria-expanded', 'false');
  $('query').removeAttribute('aria-activedescendant');
}

function choose(n) {
  const options = $('found').querySelectorAll('[role=option]');
  if (!options.length) return;
  options[chosen]?.setAttribute('aria-selected', 'false');
  chosen = (n + options.length) % options.length;
  options[chosen].setAttribute('aria-selected', 'true');
  options[chosen].scrollIntoView({ block: 'nearest' });
  $('query').setAttribute('aria-activedescendant', options[chosen].id);
}

function take(n) {
  const item = choices[n];
  if (!item) return;
  $('query').value = '';
  closeFound();
  pick(item);
}

function showFound(items, words) {
  choices = items.map((item) => ({
    id: item.item_id, text: item.text, category: item.category }));
  choices.push({ id: null, text: words });
  chosen = -1;
  $('found').replaceChildren(
    ...choices.map((item, n) => {
      const own = item.id === null;
      const option = make(
        'li',
        { role: 'option', id: `found-${n}`, 'aria-selected': 'false',
          class: own ? 'own' : undefined },
        own ? `“${words}”` : item.text,
        make('small', {}, own ? 'as a text of your own' : item.category ?? ''),
      );
      // Before the input loses the focus, which would close the list.
      option.onpointerdown = (event) => event.preventDefault();
      option.onclick = () => take(n);
      return option;
    }),
  );
  $('found').hidden = false;
  $('query').setAttribute('aria-expanded', 'true');
}

async function search() {
  const words = $('query').value.trim();
  searching?.abort();
  if (!words) return closeFound();
  searching = new AbortController();
  try {
    const query = new URLSearchParams({ q: words, k: 20 });
    const found = await ask(`/items?${query}`, undefined, searching.signal);
    $('error').hidden = true;
    showFound(found.items, words);
  } catch (error) {
    fail(error, search);
  }
}

$('query').oninput = () => {
  clearTimeout(typed);
  typed = setTimeout(search, 150);
};
$('query').onblur = closeFound;
$('query').onfocus = () => $('query').value.trim() && search();
$('query').onkeydown = (event) => {
  if (event.isComposing) return;
  if (event.key === 'ArrowDown') choose(chosen + 1);
  else if (event.key === 'ArrowUp') choose(chosen < 0 ? -1 : chosen - 1);
  else if (event.key === 'Enter') take(chosen < 0 ? 0 : chosen);
  else if (event.key === 'Escape' && !$('found').hidden) closeFound();
  else return;
  event.preventDefault();
};

// ---- The controls.

let slid = 0;

function drawThreshold() {
  $('threshold-text').textContent = percent(Number($('threshold').value));
}

$('controls').onsubmit = (event) => event.preventDefault();
$('controls').onchange = (event) => {
  const strategy = new FormData($('controls')).get('strategy');
  $('threshold-control').hidden = strategy !== 'probability';
  if (event.target.id !== 'threshold') recommend();
};
$('threshold').oninput = () => {
  drawThreshold();
  clearTimeout(slid);
  slid = setTimeout(recommend, 120);
};
$('again').onclick = () => failedCall?.();

// ---- The start.

async function begin() {
  try {
    const about = await ask('/about');
    const items = about.items.toLocaleString('en');
    $('about').textContent =
      [about.dataset, `${items} items`].filter(Boolean).join(' · ');
    $('category').replaceChildren(
      make('option', { value: '' }, 'All'),
      ...about.categories.map((name) => make('option', { value: name }, name)),
    );
    $('threshold').value = about.threshold ?? 0.5;
    drawThreshold();
    $('error').hidden = true;
    recommend();
  } catch (error) {
    fail(error, begin);
  }
}

begin();
