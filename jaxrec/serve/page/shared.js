// What both pages need: elements, and requests with the key.

export const $ = (id) => document.getElementById(id);

// An element; children are elements or texts, never HTML.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const KEY = 'jaxrec-key';

export class Failure extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

// The JSON of an answer; throws a Failure that can be shown.
// Where the server is: a proxy may have it under a path of its own.
const BASE = new URL('..', import.meta.url);

export async function ask(path, body, signal, method) {
  const headers = {};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(new URL(path.slice(1), BASE), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      body: body === undefined ? undefined
        : typeof body === 'string' ? body : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure(0, 'The server does not answer.');
  }
  const text = await answer.text();
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    found = text;
  }
  if (!answer.ok) {
    throw new Failure(
      answer.status, found?.error ?? `The server answered ${answer.status}.`);
  }
  return found;
}

// Shows the form for the key; `ready` runs once there is one.
export function askForKey(wrong, ready) {
  $('key').hidden = false;
  if (wrong && sessionStorage.getItem(KEY)) {
    $('key-note').textContent = 'That key was not accepted.';
  }
  $('key-text').focus();
  $('key').onsubmit = (event) => {
    event.preventDefault();
    // Headers hold no letters beyond these; fetch would throw.
    const key = $('key-text').value.trim();
    if (!/^[!-~]+$/.test(key)) {
      $('key-note').textContent = 'A key is of ASCII letters, digits and signs.';
      return;
    }
    sessionStorage.setItem(KEY, key);
    $('key').hidden = true;
    $('key-text').value = '';
    ready();
  };
}
