// What all of the page uses: texts, elements, calls of the API, times, and
// what is said to the person.  Whatever comes from the API is shown as text.

const $ = (id) => document.getElementById(id);

// ---- texts

const language = document.documentElement.lang;
const plural = new Intl.PluralRules(language);
const decimals = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const number = (n) => decimals.format(n);

// t('n.endpoints', { n: 3 }): an entry may have forms by the number
function t(key, values = {}) {
    const entry = TEXTS[key];
    if (entry === undefined) {
        return key;
    }
    const text = typeof entry === 'string' ? entry
        : entry[plural.select(values.n)] ?? entry.other;
    return text.replace(/\{(\w+)\}/g, (all, name) => {
        const value = values[name] ?? '';
        return typeof value === 'number' ? number(value) : value;
    });
}

const known = (key) => key in TEXTS;

// ---- elements

// el('p', { class: 'soft', click: action }, 'text', node): a function listens
function el(name, more = {}, ...children) {
    const node = document.createElement(name);
    set(node, more);
    node.append(...children.flat(2).filter((one) => one || one === 0));
    return node;
}

function set(node, more) {
    for (const [name, value] of Object.entries(more)) {
        if (value === undefined || value === null || value === false) {
            continue;
        }
        if (typeof value === 'function') {
            node.addEventListener(name, attempt(value));
        } else if (name === 'value') {
            node.value = value;
        } else {
            node.setAttribute(name, value === true ? '' : value);
        }
    }
}

const button = (text, click, more = {}) =>
    el('button', { type: 'button', click, ...more }, text);
const link = (text, route, more = {}) =>
    el('a', { href: address(route), 'data-route': route, ...more }, text);
const code = (text) => el('code', {}, text ?? '');

let ids = 0;
const freshId = (word) => `${word}-${++ids}`;

// a part of the page with a heading
function card(title, ...children) {
    const id = freshId('card');
    return el('section', { class: 'card', 'aria-labelledby': id },
        el('h3', { id }, title), ...children);
}

// a name and its value, one below the other where there is no room
function facts(rows) {
    return el('dl', { class: 'facts' }, rows.filter(Boolean).map(([name, value]) =>
        el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

const empty = (text, ...more) => el('div', { class: 'empty' }, el('p', {}, text), ...more);

// ---- times

const absolute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30], ['month', 12], ['year', Infinity]];

function ago(text) {
    let left = (new Date(text) - Date.now()) / 1000;
    for (const [unit, size] of STEPS) {
        if (Math.abs(left) < size) {
            return relative.format(Math.round(left), unit);
        }
        left /= size;
    }
    return '';
}

function when(text) {
    return text ? el('time', { datetime: text, title: absolute.format(new Date(text)) }, ago(text)) : '';
}

// a time to come, as itself
const at = (text) => el('time', { datetime: text }, short.format(new Date(text)));

const exact = (text) => text ? absolute.format(new Date(text)) : '';
const before = (ms) => new Date(Date.now() - ms).toISOString();
const HOUR = 3600000;

// ---- the API: in the page's folder, or where ?api= says, on this server

const folder = new URL('.', location.href);
const asked = new URL(new URLSearchParams(location.search).get('api') || '.', folder);
const base = new URL(asked.origin === folder.origin ? asked.pathname.replace(/\/?$/, '/') : folder.pathname,
                     folder);
let token = null;       // of the page's fragment, which no server is sent
let tenant = '';        // of the same, in the header that the configuration names
const tenantHeader = document.body.dataset.tenant;

class Problem extends Error {
    constructor(answer, json) {
        super(json?.detail || t('problem.status', { status: String(answer.status) }));
        this.status = answer.status;
        this.code = json?.code;
        this.errors = json?.errors || [];
    }
}

// UTF-8, as a header has it
const bytes = (text) => String.fromCharCode(...new TextEncoder().encode(text));

function headers(accept, more) {
    return { Accept: accept, ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(tenantHeader && tenant ? { [tenantHeader]: bytes(tenant) } : {}), ...more };
}

// { json, text, next, etag }; throws a Problem
async function call(method, path, body, { signal, etag } = {}) {
    const options = { method, signal, headers: headers('application/json') };
    if (body !== undefined) {
        options.headers['Content-Type'] = 'application/json';
        options.body = typeof body === 'string' ? body : JSON.stringify(body);
    }
    if (etag) {
        options.headers['If-Match'] = etag;
    }
    const answer = await fetch(new URL(path, base), options);
    const text = await answer.text();
    let json = null;
    try {
        json = text ? JSON.parse(text) : null;
    } catch {
        json = { detail: answer.statusText };
    }
    signal?.throwIfAborted();
    $('ended').hidden = answer.status !== 401;
    if (!answer.ok) {
        throw new Problem(answer, json);
    }
    const next = /<([^>]*)>;\s*rel="next"/.exec(answer.headers.get('Link') || '');
    return { json, text, etag: answer.headers.get('ETag'),
             next: next && new URL(next[1], answer.url || base).href };
}

const get = (path, options) => call('GET', path, undefined, options);
const post = (path, body = {}, options) => call('POST', path, body, options);

const path = (...parts) => parts.map(encodeURIComponent).join('/');

// path?name=value, without those that are empty
function query(start, values) {
    const params = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
    const text = params.toString().replaceAll('+', '%20');     // what the server decodes
    return text ? `${start}?${text}` : start;
}

// again and again while somebody looks, until the signal
function every(ms, signal, action) {
    const timer = setInterval(() => {
        if (document.visibilityState !== 'hidden') {
            action().catch(() => {});
        }
    }, ms);
    signal.addEventListener('abort', () => clearInterval(timer));
}

function later(ms, action) {
    let timer = 0;
    return (...given) => {
        clearTimeout(timer);
        timer = setTimeout(attempt(() => action(...given)), ms);
    };
}

// ---- what is said

function say(text, bad) {
    const note = el('p', { class: bad ? 'note bad' : 'note' }, text);
    $('said').replaceChildren(note);
    setTimeout(() => note.remove(), bad ? 12000 : 6000);
}

// says what went wrong; what is done is said by who does it
function attempt(action) {
    return async (event) => {
        try {
            return await action(event);
        } catch (error) {
            if (error.name !== 'AbortError') {
                say(error.message, true);
            }
        }
    };
}

// one press, one call: the button waits for its end
function press(action) {
    return async (event) => {
        const pressed = event.currentTarget;
        pressed.setAttribute('aria-busy', 'true');
        pressed.disabled = true;
        try {
            await action(event);
        } finally {
            pressed.disabled = false;
            pressed.removeAttribute('aria-busy');
        }
    };
}

async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // without a secure context, or in a frame that may not
        const area = el('textarea', { class: 'away', 'aria-hidden': 'true', tabindex: '-1' });
        area.value = text;
        ($('dialog').open ? $('dialog') : document.body).append(area);
        area.select();
        const done = document.execCommand('copy');
        area.remove();
        if (!done) {
            throw new Error(t('copy.failed'));
        }
    }
    say(t('copied'));
}

const copyButton = (text, label = t('copy')) =>
    button(label, () => copy(typeof text === 'function' ? text() : text), { class: 'small' });

// ---- questions

// Fills the dialog and waits for its answer, what `close` is called with.  One
// that must be answered stays until one of its own buttons is pressed.
function dialog(title, fill, { must } = {}) {
    const box = $('dialog');
    return new Promise((resolve) => {
        let value, done = false;
        const close = (answer) => {
            value = answer;
            done = true;
            box.close();
        };
        box.replaceChildren(el('h2', { id: 'dialog-title' }, title), ...[fill(close)].flat());
        const cancelled = (event) => must && event.preventDefault();
        const closed = () => {
            if (must && !done) {
                box.showModal();
                return;
            }
            box.removeEventListener('cancel', cancelled);
            box.removeEventListener('close', closed);
            box.replaceChildren();
            resolve(value);
        };
        box.addEventListener('cancel', cancelled);
        box.addEventListener('close', closed);
        box.showModal();
    });
}

// yes or no
function ask(title, text, action, danger) {
    return dialog(title, (close) => [
        el('p', {}, text),
        el('div', { class: 'bar end' },
            button(t('cancel'), () => close(false)),
            button(action, () => close(true), { class: danger ? 'main danger' : 'main' })),
    ]);
}

// a secret is shown once: it is there until the person says it is kept
function showSecret(secret, text) {
    return dialog(t('secret.title'), (close) => [
        el('p', {}, text),
        el('div', { class: 'secret' },
            el('code', { id: 'secret', tabindex: '0', 'aria-label': t('secret.title') }, secret),
            copyButton(secret, t('secret.copy'))),
        el('p', { class: 'soft' }, t('secret.once')),
        el('div', { class: 'bar end' },
            button(t('secret.kept'), () => close(true), { class: 'main', id: 'secret-kept' })),
    ], { must: true });
}

// ---- controls

// a label, its control, a hint, and where an error is told
function field(label, control, hint) {
    const id = control.id || freshId('field');
    control.id = id;
    const note = el('small', { id: `${id}-hint`, class: 'soft' }, hint || '');
    const bad = el('small', { id: `${id}-bad`, class: 'wrong' });
    control.setAttribute('aria-describedby', `${id}-hint ${id}-bad`);
    return el('div', { class: control.type === 'checkbox' ? 'field check' : 'field' },
        control.type === 'checkbox' ? [control, el('label', { for: id }, label)]
            : [el('label', { for: id }, label), control], hint && note, bad);
}

function select(options, value, more = {}) {
    const node = el('select', more, options.map(([name, text]) => el('option', { value: name }, text)));
    node.value = value ?? options[0]?.[0] ?? '';
    return node;
}

// ---- JSON as it is: indented, its numbers not touched

function pretty(text) {
    try {
        JSON.parse(text);
    } catch {
        return text;
    }
    let depth = 0, out = '';
    const line = () => `\n${'  '.repeat(depth)}`;
    for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
        if (part === '{' || part === '[') {
            depth++;
            out += part + line();
        } else if (part === '}' || part === ']') {
            depth--;
            out = /[{[]\s*$/.test(out) ? out.trimEnd() + part : out + line() + part;
        } else if (part === ',') {
            out += part + line();
        } else {
            out += part === ':' ? ': ' : part;
        }
    }
    return out;
}

const SHOWN = 100000;

// text in a box of its own, with its copy
function viewer(label, text, { json = true } = {}) {
    const whole = json ? pretty(text) : text;
    const pre = el('pre', { tabindex: '0', role: 'group', 'aria-label': label });
    const part = whole.slice(0, SHOWN);
    if (json) {
        for (const [all, key, string, rest] of
             part.matchAll(/("(?:[^"\\]|\\.)*")(?=: )|("(?:[^"\\]|\\.)*")|([^"]+|")/g)) {
            pre.append(key || string ? el('span', { class: key ? 'key' : 'string' }, all) : rest);
        }
    } else {
        pre.append(part);
    }
    return el('div', { class: 'viewer' },
        el('div', { class: 'bar' }, el('strong', { class: 'soft' }, label), copyButton(text)), pre,
        whole.length > SHOWN && el('p', { class: 'soft' }, t('viewer.cut', { n: whole.length })));
}
