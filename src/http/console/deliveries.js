// Deliveries: the list with its filters, one of them with its payload, request
// and attempts, and what is delivered again: one, those chosen, or a time span.

const DELIVERY_STATUSES = ['succeeded', 'pending', 'retrying', 'dead', 'skipped'];
const nameCache = new Map();      // of endpoints, by id; a few hundred at most

async function nameOf(id, signal) {
    if (!nameCache.has(id)) {
        if (nameCache.size > 500) {
            nameCache.clear();
        }
        nameCache.set(id, get(path('subscriptions', id), { signal }).then(({ json }) => named(json), () => id));
    }
    return nameCache.get(id);
}

// filled in when it is known; one that is deleted keeps its id
function endpointName(id, signal) {
    const node = link(id, `/endpoints/${encodeURIComponent(id)}`, { class: 'soft' });
    nameOf(id, signal).then((name) => node.replaceChildren(name));
    return node;
}

function result(one) {
    if (!one) {
        return t('no.attempt');
    }
    return one.success ? t('answered', { status: String(one.status ?? '') })
        : [one.status ? t('answered', { status: String(one.status) }) : t('no.answer'),
           one.error && !/^status/.test(one.error) ? `: ${one.error}` : ''].join('');
}

function deliveryReason(one) {
    return one.reason ? known(`reason.${one.reason}`) ? t(`reason.${one.reason}`) : one.reason : '';
}

function deliveryRow(one, choose) {
    const box = choose && el('input', { type: 'checkbox', 'aria-label': t('choose', { event: one.eventType || one.eventId }),
        change: () => choose(one.id, box.checked) });
    return el('li', {}, el('div', { class: 'row delivery' }, box,
        el('div', { class: 'grow' },
            link(one.eventType || one.eventId, `/deliveries/${encodeURIComponent(one.id)}`, { class: 'name' }),
            el('div', { class: 'url' }, choose ? endpointName(one.subscription, choose.signal) : one.eventId)),
        el('div', { class: 'events' }, result(one.lastAttempt),
            one.attemptCount > 1 && ` · ${t('n.attempts', { n: one.attemptCount })}`),
        el('div', { class: 'state' }, pill(one.status, t(`delivery.${one.status}`)),
            el('small', { class: 'soft' }, deliveryReason(one) && `${deliveryReason(one)}, `,
                one.nextAttemptAt ? [t('again'), ' ', when(one.nextAttemptAt)] : when(one.lastAttempt?.time)))));
}

const deliveryList = (list, choose) =>
    el('ul', { class: 'rows' }, list.map((one) => deliveryRow(one, choose)));

const SPANS = [['', t('any.time')], ['1', t('hour.1')], ['24', t('hour.24')], ['168', t('day.7')], ['own', t('time.own')]];

const forInput = (date) => new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

function moment(label, id, value) {
    const input = el('input', { type: 'datetime-local', id, value: value ? forInput(new Date(value)) : '' });
    return { node: el('div', {}, el('label', { for: id }, label), input), input,
             value: () => input.value ? new Date(input.value).toISOString() : '' };
}

// a choice of the catalogue's events that takes any other name, too
function typeInput(id, value, change) {
    const names = el('datalist', { id: `${id}-names` });
    const input = el('input', { type: 'text', id, list: `${id}-names`, value: value || '', autocomplete: 'off', change });
    get('event-types').then(({ json }) => names.replaceChildren(...json.filter((one) => one.name !== '*')
        .map((one) => el('option', { value: one.name }))), () => {});
    return [input, names];
}

// endpoints that have what is typed; the value is an id
function endpointInput(id, value, change) {
    const names = el('datalist', { id: `${id}-names` });
    const found = new Map();
    const search = later(200, async () => {
        const { json } = await get(query('subscriptions', { search: input.value.trim(), limit: 20 }));
        names.replaceChildren(...json.map((one) => {
            const text = `${named(one)} · ${one.id}`;
            found.set(text, one.id);
            return el('option', { value: text });
        }));
    });
    const input = el('input', { type: 'text', id, list: `${id}-names`, value: value || '', autocomplete: 'off',
        placeholder: t('find.endpoint'), focus: search, input: search, change });
    return { node: [input, names], value: () => found.get(input.value) ?? input.value.trim() };
}

async function deliveries(ctx) {
    const { root, params, signal } = ctx;
    const chosen = new Set();
    const list = pages(ctx, (json) => {
        clear();
        return deliveryList(json, choose);
    }, () => empty(t('deliveries.nothing')));

    const status = select([['', t('any.status')], ...DELIVERY_STATUSES.map((one) => [one, t(`delivery.${one}`)])],
        params.get('status') || '', { id: 'delivery-status', change: () => show() });
    const [type, types] = typeInput('delivery-type', params.get('eventType'), () => show());
    const owner = endpointInput('delivery-endpoint', params.get('subscription'), () => show());
    const span = select(SPANS, params.get('since') || params.get('until') ? 'own' : '',
        { id: 'delivery-span', change: () => show() });
    const since = moment(t('from'), 'delivery-since', params.get('since'));
    const until = moment(t('to'), 'delivery-until', params.get('until'));
    const own = el('div', { class: 'bar own' }, since.node, until.node);
    own.addEventListener('change', attempt(() => show()));

    const count = el('span', { 'aria-live': 'polite' });
    const again = button(t('redeliver.chosen'), press(() => redeliverChosen()), { id: 'redeliver-chosen', disabled: true });
    const every = el('input', { type: 'checkbox', id: 'choose-all', change: () => {
        for (const box of list.node.querySelectorAll('li input[type=checkbox]')) {
            box.checked = every.checked;
            box.dispatchEvent(new Event('change'));
        }
    } });

    function choose(id, on) {
        chosen[on ? 'add' : 'delete'](id);
        again.disabled = !chosen.size;
        count.textContent = chosen.size ? t('n.chosen', { n: chosen.size }) : '';
    }
    choose.signal = signal;

    function clear() {
        chosen.clear();
        every.checked = false;
        again.disabled = true;
        count.textContent = '';
    }

    async function show() {
        own.hidden = span.value !== 'own';
        const wanted = { status: status.value, eventType: type.value.trim(), subscription: owner.value(),
            event: params.get('event'),
            since: span.value === 'own' ? since.value() : span.value && before(Number(span.value) * HOUR),
            until: span.value === 'own' ? until.value() : '' };
        replaceRoute(query('/deliveries', span.value === 'own' ? wanted : { ...wanted, since: '' }));
        await list.start(query('deliveries', { ...wanted, limit: 50 }));
    }

    async function redeliverChosen() {
        const all = [...chosen];
        let done = 0, failed = 0;
        const one = async () => {
            for (let id = all.pop(); id; id = all.pop()) {
                await post(path('deliveries', id, 'redeliver')).then(() => done++, () => failed++);
                count.textContent = t('redeliver.progress', { n: done });
            }
        };
        await Promise.all([one(), one(), one(), one()]);
        await list.again();
        say(t('redeliver.done', { n: done }) + (failed ? ` ${t('redeliver.failed', { n: failed })}` : ''), failed > 0);
    }

    ctx.title(t('deliveries'), button(t('redeliver.span'), () => redeliverSpan([], () => list.again()), { id: 'redeliver-span' }));
    root.append(el('div', { class: 'bar filters' },
        el('div', {}, el('label', { for: 'delivery-status' }, t('status')), status),
        el('div', {}, el('label', { for: 'delivery-type' }, t('event')), type, types),
        el('div', { class: 'grow' }, el('label', { for: 'delivery-endpoint' }, t('endpoint')), owner.node),
        el('div', {}, el('label', { for: 'delivery-span' }, t('time')), span)), own,
        el('div', { class: 'bar chosen' }, el('div', { class: 'field check' }, every,
            el('label', { for: 'choose-all' }, t('choose.all'))), again, count), list.node);
    root.addEventListener('keydown', walk);
    await show();
}

// All of a time span: first counted, then done and followed to its end.
function redeliverSpan(of, done) {
    const span = select([['1', t('hour.1')], ['24', t('hour.24')], ['168', t('day.7')], ['own', t('time.own')]], '24',
        { id: 'span', change: () => changed() });
    const since = moment(t('from'), 'span-since', before(24 * HOUR));
    const until = moment(t('to'), 'span-until', '');
    const own = el('div', { class: 'bar own', hidden: true }, since.node, until.node);
    const status = select(['missed', 'dead', 'all'].map((one) => [one, t(`span.${one}`)]), 'missed',
        { id: 'span-status', change: () => changed() });
    const [type, types] = typeInput('span-type', '', () => changed());
    const said = el('div', { 'aria-live': 'polite', id: 'span-said' });
    let wanted = null, go;

    const changed = () => {
        own.hidden = span.value !== 'own';
        go.hidden = true;
        said.replaceChildren();
    };
    own.addEventListener('change', () => changed());

    const ask = press(async () => {
        const from = span.value === 'own' ? since.value() : before(Number(span.value) * HOUR);
        const to = span.value === 'own' ? until.value() : '';
        wanted = { status: status.value, ...(from ? { since: from } : {}), ...(to ? { until: to } : {}),
            ...(of.length ? { subscriptions: of.map((one) => one.id) } : {}),
            ...(type.value.trim() ? { eventTypes: [type.value.trim()] } : {}) };
        said.replaceChildren(el('p', { class: 'soft' }, t('span.counting')),
            el('progress', { 'aria-label': t('span.counting') }));
        go.hidden = true;
        const { json } = await post('redeliver', { ...wanted, dryRun: true }).catch((error) => {
            said.replaceChildren();
            throw error;
        });
        said.replaceChildren(el('p', { class: 'value' }, t('n.deliveries', { n: json.count })),
            el('p', { class: 'soft' }, t(json.count > 10000 ? 'span.toomany' : json.count ? 'span.sure' : 'span.none')));
        go.hidden = !json.count || json.count > 10000;
        go.textContent = t('redeliver.n', { n: json.count });
    });

    const act = press(async () => {
        const { json } = await post('redeliver', wanted);
        const bar = el('progress', { max: Math.max(1, json.count), value: 0, 'aria-label': t('redeliver.span') });
        const text = el('p', {});
        go.hidden = true;
        said.replaceChildren(bar, text);
        for (let now = { status: 'running', done: 0 }; ;) {
            bar.value = now.done;
            text.textContent = now.status === 'done' ? t('redeliver.done', { n: now.done })
                : t('redeliver.progress', { n: now.done });
            if (now.status === 'done' || !$('dialog').open) {
                break;
            }
            await new Promise((resolve) => setTimeout(resolve, 500));
            now = (await get(path('redeliveries', json.id))).json;
        }
        await done();
    });

    go = button('', act, { class: 'main', hidden: true, id: 'span-go' });
    return dialog(of.length ? t('span.title.of', { name: named(of[0]) }) : t('span.title'), (close) => [
        el('p', { class: 'soft' }, t('span.text')),
        field(t('time'), span), own, field(t('span.which'), status),
        el('div', { class: 'field' }, el('label', { for: 'span-type' }, t('span.event')), type, types), said,
        el('div', { class: 'bar end' }, button(t('close'), () => close()),
            button(t('span.count'), ask, { id: 'span-count' }), go)]);
}

// ---- one delivery

async function delivery(ctx, id) {
    const { root, signal } = ctx;
    const { json } = await get(`${path('deliveries', id)}?request=true`, { signal });
    const attempts = json.attempts || [];
    const last = attempts[attempts.length - 1];

    ctx.title(json.eventType || json.eventId, pill(json.status, t(`delivery.${json.status}`)));
    root.append(
        el('p', { class: 'lead' }, deliveryReason(json) && `${deliveryReason(json)}. `, result(last), ', ',
            t('n.attempts', { n: json.attemptCount ?? attempts.length }),
            json.nextAttemptAt && [', ', t('again'), ' ', when(json.nextAttemptAt)]),
        el('div', { class: 'bar actions' },
            button(t('redeliver'), press(async () => {
                await post(path('deliveries', id, 'redeliver'));
                say(t('redeliver.one'));
                await attempted(id, json.attemptCount ?? attempts.length, signal);
                await ctx.again();
            }), { class: 'main' }),
            link(t('event.deliveries'), query('/deliveries', { event: json.eventId }), { class: 'button' })),
        facts([[t('endpoint'), endpointName(json.subscription, signal)],
            [t('event'), el('span', {}, code(json.eventId), ' ', copyButton(json.eventId))],
            [t('delivery.id'), el('span', {}, code(json.id), ' ', copyButton(json.id))]]),
        card(t('payload'), await payloadOf(json, signal)),
        json.request && card(t('request'), el('p', { class: 'soft' }, t('request.text')),
            el('p', { class: 'request-line' }, el('strong', {}, json.request.method), ' ', code(json.request.url)),
            viewer(t('request.headers'), Object.entries(json.request.headers || {})
                .map(([name, value]) => `${name}: ${value}`).join('\n'), { json: false })),
        card(t('attempts'), attempts.length ? el('ol', { class: 'attempts' }, attempts.map(attemptRow).reverse())
            : empty(t('no.attempt'))));
}

// until it has been tried once more, or somebody has waited long enough
async function attempted(id, before, signal) {
    for (let tries = 0; tries < 20; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        const { json } = await get(path('deliveries', id), { signal });
        if (json.attemptCount > before) {
            return;
        }
    }
}

// the body as it is sent, or what the log has of the event
async function payloadOf(json, signal) {
    if (json.request?.body) {
        return viewer(t('payload.sent'), json.request.body);
    }
    try {
        return viewer(t('event'), (await get(path('events', json.eventId), { signal })).text);
    } catch (error) {
        signal.throwIfAborted();
        return empty(error.status === 404 ? t('event.gone') : error.message);
    }
}

function attemptRow(one) {
    return el('li', { class: one.success ? 'good' : 'bad' },
        el('div', { class: 'row' },
            el('strong', {}, t('attempt', { n: one.attempt })),
            el('span', { class: 'grow' }, result(one), one.detail && ` · ${one.detail}`),
            el('span', { class: 'soft' }, milliseconds(one.latency), ' · ', when(one.time))),
        one.response ? viewer(t('answer') + (one.responseTruncated ? ` (${t('answer.cut')})` : ''), one.response) : null);
}
