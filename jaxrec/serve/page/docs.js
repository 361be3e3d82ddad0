// The API as openapi.json tells it, and a form for each operation.

import { $, ask, askForKey, make } from './shared.js';

let schemas = {};

const resolve = (schema) =>
  schema?.$ref ? schemas[schema.$ref.split('/').pop()] : schema ?? {};

// A type in a few words: "list of (text or object), up to 10,000".
function kind(given) {
  const schema = resolve(given);
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return [...new Set(several.map(kind))].join(' or ');
  if (schema.enum) return schema.enum.map((v) => `"${v}"`).join(', ');
  if ('const' in schema) return `"${schema.const}"`;
  const most = schema.maxItems ?? schema.maxLength;
  const upTo = most ? `, up to ${most.toLocaleString('en')}` : '';
  if (schema.type === 'array') return `list of (${kind(schema.items)})${upTo}`;
  if (schema.type === 'string') return `text${upTo}`;
  const low = schema.minimum;
  const high = schema.maximum;
  const range = low !== undefined && high !== undefined
    ? `, ${low} to ${high.toLocaleString('en')}` : '';
  return (schema.type ?? 'anything') + range;
}

function table(rows) {
  const head = ['name', 'type', 'default', ''];
  return make('div', { class: 'scroll' }, make('table', {},
    make('thead', {}, make('tr', {}, ...head.map((h) => make('th', {}, h)))),
    make('tbody', {}, ...rows.map((cells) => make('tr', {},
      make('td', {}, make('code', {}, cells[0])),
      ...cells.slice(1).map((cell) => make('td', {}, cell)))))));
}

const shown = (required, schema) => required ? 'required'
  : schema.default === undefined ? '' : JSON.stringify(schema.default);

function operation(path, method, told) {
  const parameters = told.parameters ?? [];
  const body = resolve(told.requestBody?.content['application/json'].schema);
  const rows = parameters.map((p) => [
    p.name, kind(p.schema), shown(p.required, p.schema), p.description ?? '']);
  for (const [name, schema] of Object.entries(body.properties ?? {})) {
    const required = (body.required ?? []).includes(name);
    rows.push([
      name, kind(schema), shown(required, schema), schema.description ?? '']);
  }
  const fields = new Map();
  const form = make('form');
  for (const p of parameters) {
    const input = make('input', { type: 'search', autocomplete: 'off' });
    if (p.required) input.required = true;
    fields.set(p.name, [p, input]);
    form.append(make('label', {}, p.name, input));
  }
  let text = null;
  if (told.requestBody) {
    const item = resolve(body.properties.items?.items);
    const example = body.examples?.[0] ?? { items: item.examples };
    text = make('textarea', { spellcheck: 'false' });
    text.value = JSON.stringify(example, null, 2);
    form.append(make('label', {}, 'body', text));
  }
  const answer = make('pre', { role: 'status' });
  answer.hidden = true;
  form.append(make('button', { class: 'send' }, 'Send'));
  form.onsubmit = async (event) => {
    event.preventDefault();
    let url = path;
    const query = new URLSearchParams();
    for (const [name, [p, input]] of fields) {
      const value = input.value;
      if (p.in === 'path') {
        url = url.replace(
          `{${name}}`, value.split('/').map(encodeURIComponent).join('/'));
      } else if (value) query.set(name, value);
    }
    if (`${query}`) url += `?${query}`;
    try {
      const found = await ask(url, text?.value, undefined, method.toUpperCase());
      answer.textContent =
        typeof found === 'string' ? found : JSON.stringify(found, null, 2);
    } catch (error) {
      answer.textContent = `${error.status || ''} ${error.message}`.trim();
    }
    answer.hidden = false;
  };
  return make('section', {},
    make('h2', {}, make('span', { class: 'method' }, method.toUpperCase()),
      make('code', {}, path)),
    make('p', { class: 'note' }, told.summary ?? ''),
    ...(rows.length ? [table(rows)] : []),
    make('details', {}, make('summary', {}, 'Try it'), form, answer));
}

async function begin() {
  try {
    const api = await ask('/openapi.json');
    schemas = api.components?.schemas ?? {};
    $('error').hidden = true;
    $('about').textContent = `API ${api.info.version}`;
    $('operations').replaceChildren(
      ...Object.entries(api.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, told]) =>
          operation(path, method, told))));
  } catch (error) {
    if (error.status === 401) return askForKey(true, begin);
    $('error').textContent = error.message;
    $('error').hidden = false;
  }
}

begin();
