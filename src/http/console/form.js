// The form of an endpoint, of a new one or of one that is there.  What was
// changed is sent, as a merge patch; what cannot be read back is kept unless
// something else is given.

// members of a subscription that have a place of their own below
const FORM_MEMBERS = new Set([...SHOWN_MEMBERS, 'callbackUrl', 'objectType', 'eventType', 'entityType',
    'secret', 'signature', 'apiKey', 'headers']);

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

// a number where it is one
const textOrNumber = (text) => /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;

function section(title, ...children) {
    return el('fieldset', { class: 'card' }, el('legend', {}, title), ...children);
}

function folded(title, open, ...children) {
    return el('details', { class: 'card', open }, el('summary', {}, title), ...children);
}

async function endpointForm(ctx, id) {
    const { root, signal, params } = ctx;
    const stored = id ? await get(path('subscriptions', id), { signal }) : null;
    const [catalogue, api] = await Promise.all([
        get('event-types', { signal }).then(({ json }) => json), openapi()]);
    const was = stored?.json ?? { events: params.getAll('event') };
    const form = formFields(was, catalogue, api, signal, !id);
    const wrong = el('div', { role: 'alert', id: 'wrong' });

    ctx.title(id ? t('edit.title', { name: named(was) }) : t('endpoint.new'));
    root.append(el('form', { novalidate: true, class: 'form', submit: async (event) => {
        event.preventDefault();
        wrong.replaceChildren();
        form.clear();
        const save = root.querySelector('#save');
        save.disabled = true;
        try {
            await saved(id, form.changes(), stored);
        } catch (error) {
            if (error.name === 'AbortError') {
                return;
            }
            const rest = form.show(error.errors || []);
            wrong.replaceChildren(el('div', { class: 'note bad' }, el('strong', {}, t('form.wrong')), ' ',
                error.errors?.length ? rest.map((one) => `${one.pointer} ${one.detail}`).join('; ') : error.message));
            form.focus() || wrong.scrollIntoView?.({ block: 'center' });
        } finally {
            save.disabled = false;
        }
    }, input: () => wrong.replaceChildren() }, form.node, wrong, el('div', { class: 'bar end sticky' },
        link(t('cancel'), id ? `/endpoints/${encodeURIComponent(id)}` : '/endpoints', { class: 'button' }),
        el('button', { type: 'submit', id: 'save', class: 'main' }, t(id ? 'save' : 'create')))));
}

async function saved(id, changes, stored) {
    if (!id) {
        const { json } = await post('subscriptions', changes);
        if (json.secret) {
            await showSecret(json.secret, t('created.text', { name: named(json) }));
        }
        go(`/endpoints/${encodeURIComponent(json.id)}`);
        say(t('created.done'));
        return;
    }
    if (Object.keys(changes).length) {
        await call('PATCH', path('subscriptions', id), changes, { etag: stored.etag });
    }
    go(`/endpoints/${encodeURIComponent(id)}`);
    say(t('saved'));
}

// { node, changes(), clear(), show(errors): those without a place, focus() }
function formFields(was, catalogue, api, signal, fresh) {
    const places = {};      // by the member: the control, and how it is read
    const profiles = api?.components?.schemas?.Profile?.enum || [];
    const attributes = Object.keys(api?.components?.schemas?.SubscriptionInput?.properties || {})
        .filter((name) => !FORM_MEMBERS.has(name));

    // a control for a member; read gives what is to be sent, or undefined
    function place(member, control, hint, read, label = t(`field.${member}`)) {
        places[member] = { control, read };
        return field(label, control, hint);
    }
    function line(member, more = {}, read = (text) => text.trim() || null, value = was[member]) {
        const input = el('input', { type: 'text', id: `f-${member}`, autocomplete: 'off', value: value ?? '', ...more });
        return place(member, input, known(`hint.${member}`) ? t(`hint.${member}`) : null, () => read(input.value));
    }
    const whole = (text) => text.trim() ? textOrNumber(text.trim()) : null;

    const picker = eventPicker(catalogue, was.events || (was.event ? [was.event] : []));
    places.events = { control: picker.control, read: picker.value };
    const filter = filterTester(was.filter, signal, picker);
    const metadata = pairs('metadata', was.metadata);
    const modes = catalogue.some((one) => one.sync || one.iframe);

    const node = el('div', { class: 'stack' },
        section(t('form.where'),
            line('url', { type: 'url', required: true, inputmode: 'url', placeholder: 'https://example.com/hooks' }),
            line('name', { maxlength: 256 }), line('uid')),
        section(t('field.events'), picker.node),
        section(t('form.what'),
            place('filter', filter.control, t('hint.filter'), filter.value), filter.node,
            modes && choose('mode', ['webhook', 'sync', 'iframe']),
            line('entityTypeID', {}, whole),
            attributes.map((name) => place(name, el('input', { type: 'text', id: `f-${name}`, value: was[name] ?? '' }),
                null, () => whole(places[name].control.value), name))),
        folded(t('form.pace'), Boolean(was.rate || was.inFlight || was.retry || was.timeout || was.batch),
            line('rate', { placeholder: '10r/s' }, whole), line('inFlight', { inputmode: 'numeric' }, whole),
            line('retry', { placeholder: '5s, 1m, 10m' },
                (text) => text.trim() ? text.split(',').map((one) => textOrNumber(one.trim())) : null,
                was.retry?.join(', ')),
            line('timeout', { placeholder: '10s' }, whole),
            line('batch', {}, (text) => text.trim() ? JSON.parse(text) : null,
                was.batch === undefined ? '' : JSON.stringify(was.batch)),
            profiles.length > 1 && choose('profile', profiles)),
        folded(t('field.payload'), was.payload !== undefined, payload(was.payload)),
        folded(t('form.secret'), false,
            fresh && line('secret', { type: 'password', autocomplete: 'new-password' }),
            fresh && choose('signature', ['', 'hmac', 'ed25519'], ''),
            secretive('apiKey')),
        folded(t('field.headers'), false, headerRows()),
        folded(t('field.tls'), Boolean(was.tls), group('tls', ['ca', 'certificate', 'key', 'serverName'],
            { ca: 5, certificate: 5, key: 5 })),
        folded(t('field.oauth2'), Boolean(was.oauth2), group('oauth2',
            ['tokenUrl', 'clientId', 'clientSecret', 'scope', 'audience'], {})),
        folded(t('field.metadata'), Boolean(was.metadata), metadata.node),
        fresh && el('div', { class: 'card' }, enabled()));
    places.metadata = { read: () => Object.keys(metadata.value()).length ? metadata.value() : null };

    function choose(member, options, value = was[member] ?? options[0]) {
        const node = select(options.map((one) => [one, known(`${member}.${one}`) ? t(`${member}.${one}`) : one]),
            value, { id: `f-${member}` });
        return place(member, node, null, () => node.value && (node.value !== options[0] || was[member]) ? node.value : null);
    }

    function enabled() {
        const box = el('input', { type: 'checkbox', id: 'f-enabled' });
        box.checked = true;
        return place('enabled', box, null, () => box.checked ? undefined : false);
    }

    // not shown by the API: left alone unless something is typed
    function secretive(member) {
        const input = el('input', { type: 'password', id: `f-${member}`, autocomplete: 'new-password' });
        return place(member, input, fresh ? t(`hint.${member}`) : t('hint.kept'), () => input.value || undefined);
    }

    function headerRows() {
        const rows = pairs('headers', {}, true);
        const none = el('input', { type: 'checkbox', id: 'f-headers-none' });
        places.headers = { read: () => {
            const value = rows.value();
            return Object.keys(value).length ? value : none.checked ? null : undefined;
        } };
        return el('div', {}, el('p', { class: 'soft' }, t(fresh ? 'hint.headers' : 'hint.headers.kept')), rows.node,
            !fresh && field(t('headers.none'), none));
    }

    // an object of texts, of which some are not shown
    function group(member, names, tall) {
        const inputs = names.map((name) => {
            const secret = name === 'key' || name === 'clientSecret';
            const more = { id: `f-${member}-${name}`, value: was[member]?.[name] ?? '', autocomplete: 'off',
                           spellcheck: 'false' };
            return [name, tall[name] ? el('textarea', { ...more, rows: tall[name], class: 'code' })
                : el('input', { ...more, type: secret ? 'password' : 'text' })];
        });
        places[member] = { parts: Object.fromEntries(inputs), read: () => {
            const value = Object.fromEntries(inputs.filter(([, input]) => input.value)
                .map(([name, input]) => [name, input.value]));
            return !Object.keys(value).length ? null : same({ ...was[member] }, value) ? was[member] : value;
        } };
        return el('div', {}, el('p', { class: 'soft' }, t(`hint.${member}`)), inputs.map(([name, input]) =>
            field(t(`${member}.${name}`), input, !fresh && input.type === 'password' ? t('hint.kept') : null)));
    }

    function payload(value) {
        const kinds = ['', 'raw', 'cloudevents', 'cloudevents binary', 'template'];
        const own = value !== undefined && !kinds.includes(value);
        const kind = select(kinds.map((one) => [one, t(`payload.${one || 'profile'}`)]), own ? 'template' : value ?? '',
            { id: 'f-payload', change: () => show() });
        const area = el('textarea', { id: 'f-template', rows: 6, class: 'code', spellcheck: 'false',
            placeholder: '{"text": "Order ${notify_data.number}"}',
            value: own ? typeof value === 'string' ? value : JSON.stringify(value, null, 2) : '' });
        const text = field(t('payload.text'), area, t('hint.payload'));
        const show = () => {
            text.hidden = kind.value !== 'template';
        };
        show();
        const template = () => {
            try {
                return JSON.parse(area.value);
            } catch {
                return area.value;      // one that is no JSON
            }
        };
        return [place('payload', kind, null, () => kind.value === 'template' ? template() : kind.value || null), text];
    }

    // what is typed anew is not wrong any more
    node.addEventListener('input', (event) => {
        event.target.removeAttribute('aria-invalid');
        $(`${event.target.id}-bad`)?.replaceChildren();
    });
    return { node, ...formErrors(node, places), changes: () => changes(was, places, fresh) };
}

// of what is on the form: all that is set, or what is another than it was
function changes(was, places, fresh) {
    const out = {};
    for (const [member, { read }] of Object.entries(places)) {
        let value;
        try {
            value = read?.();
        } catch (error) {
            throw Object.assign(new Error(t('form.wrong')),
                { errors: [{ pointer: `/${member}`, detail: t('filter.json', { why: error.message }) }] });
        }
        const old = member === 'events' ? was.events || (was.event ? [was.event] : []) : was[member];
        if (value !== undefined && (fresh ? value !== null && !same(value, []) : !same(value, old))) {
            out[member] = value;
        }
    }
    // a member that is left out of an object stays by a merge patch
    for (const [member, { parts }] of Object.entries(places)) {
        for (const name of Object.keys(!fresh && parts && out[member] ? was[member] || {} : {})) {
            out[member][name] ??= null;
        }
    }
    if (out.events?.length === 1 && fresh) {
        out.event = out.events[0];
        delete out.events;
    }
    return out;
}

function formErrors(node, places) {
    const control = (pointer) => {
        const [, member, part] = pointer.split('/');
        const named = places[member === 'event' ? 'events' : member];
        return named?.parts ? named.parts[part] ?? Object.values(named.parts)[0] : named?.control;
    };
    return {
        clear() {
            for (const one of node.querySelectorAll('[aria-invalid]')) {
                one.removeAttribute('aria-invalid');
                const note = $(`${one.id}-bad`);
                note?.replaceChildren();
            }
        },
        show(errors) {
            return errors.filter((one) => {
                const bad = control(one.pointer);
                const note = bad && $(`${bad.id}-bad`);
                if (!note) {
                    return true;
                }
                bad.setAttribute('aria-invalid', 'true');
                note.append(one.detail);
                const fold = bad.closest('details');
                if (fold) {
                    fold.open = true;
                }
                return false;
            });
        },
        focus() {
            const first = node.querySelector('[aria-invalid]');
            first?.focus();
            return first;
        },
    };
}
