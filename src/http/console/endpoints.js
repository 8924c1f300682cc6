// Endpoints: the list with its search, one of them, and what can be done.

const STATUSES = ['active', 'failing', 'lagging', 'paused', 'pending', 'disabled'];
const named = (one) => one.name || one.uid || new URL(one.url).host;
const eventsOf = (one) => one.events || [one.event];

function pill(status, text) {
    return el('span', { class: `pill is-${status}` }, el('span', { class: 'dot', 'aria-hidden': 'true' }),
        text ?? t(`status.${status}`));
}

// one that fails is active for the engine, and not for who looks
const state = (one) => one.status === 'active' && one.failingSince ? 'failing' : one.status;

// why it is as it is, and since when, in words
function because(one) {
    const reason = known(`reason.${one.reason}`) ? t(`reason.${one.reason}`) : one.reason;
    const parts = [];
    if (one.status === 'disabled') {
        parts.push(reason || t('reason.request'), ', ', t('changed'), ' ', when(one.updatedAt));
    } else if (one.status === 'paused') {
        parts.push(/breaker/.test(one.reason) ? t('reason.breaker') : /asked/.test(one.reason)
            ? t('reason.asked') : t('reason.paused'), ', ', one.pausedUntil
            ? [t('until'), ' ', at(one.pausedUntil)] : t('until.resumed'));
    } else if (one.status === 'pending') {
        parts.push(reason, ', ', t('since'), ' ', when(one.updatedAt));
    } else if (one.status === 'lagging') {
        parts.push(t('reason.lagging'));
    }
    if (one.failingSince) {
        parts.push(parts.length ? '; ' : '', t('failing.since'), ' ', when(one.failingSince));
    } else if (one.status === 'active') {
        parts.push(one.lastSuccessAt ? [t('last.success'), ' ', when(one.lastSuccessAt)] : t('no.call'));
    }
    return parts.flat();
}

function endpointRow(one) {
    const names = eventsOf(one);
    return el('li', {}, el('div', { class: 'row' },
        el('div', { class: 'grow' },
            link(named(one), `/endpoints/${encodeURIComponent(one.id)}`, { class: 'name' }),
            el('div', { class: 'url' }, one.url)),
        el('div', { class: 'events' }, names.slice(0, 2).join(', '),
            names.length > 2 && ` ${t('and.more', { n: names.length - 2 })}`),
        el('div', { class: 'state' }, pill(state(one)), el('small', { class: 'soft' }, because(one)))));
}

const endpointList = (list) => el('ul', { class: 'rows' }, list.map(endpointRow));

// A list page by page: what it shows is replaced, so that thousands of entries
// cost no more than one page of them.
function pages(ctx, draw, nothing) {
    const box = el('div', { class: 'page' });
    const backward = button(t('previous'), press(() => turn(-1)), { hidden: true });
    const forward = button(t('next'), press(() => turn(1)), { hidden: true });
    let places = [], at = 0, reading = 0;

    async function read() {
        const mine = ++reading;
        const { json, next } = await get(places[at], { signal: ctx.signal });
        if (mine !== reading) {
            return;
        }
        // a search looks at a part at a time, and may not have found any yet
        if (!json.length && next) {
            box.replaceChildren(empty(t('searching')));
            places[at] = next;
            return read();
        }
        places[at + 1] = next;
        box.replaceChildren(json.length ? draw(json) : nothing());
        backward.hidden = !at;
        forward.hidden = !next;
    }

    async function turn(step) {
        at += step;
        await read();
        box.scrollIntoView?.({ block: 'nearest' });
    }

    return {
        node: el('div', {}, box, el('div', { class: 'bar' }, backward, forward)),
        again: read,
        async start(place) {
            places = [place];
            at = 0;
            await read();
        },
    };
}

async function endpoints(ctx) {
    const { root, params } = ctx;
    const find = el('input', { type: 'search', id: 'find', value: params.get('search') || '',
        placeholder: t('find.hint'), autocomplete: 'off', input: later(200, () => chosen()) });
    const status = select([['', t('any.status')], ['failing,disabled', t('status.unwell')],
        ...STATUSES.map((one) => [one, t(`status.${one}`)])], params.get('status') || '',
        { id: 'endpoint-status', change: () => chosen() });
    const list = pages(ctx, endpointList, () => find.value || status.value
        ? empty(t('endpoints.nothing')) : empty(t('endpoints.none'),
            link(t('endpoint.new'), '/endpoints/new', { class: 'button main' })));
    const chosen = async () => {
        const wanted = { search: find.value.trim(), status: status.value };
        replaceRoute(query('/endpoints', wanted));
        await list.start(query('subscriptions', { limit: 50, ...wanted }));
    };

    ctx.title(t('endpoints'), link(t('endpoint.new'), '/endpoints/new', { class: 'button main' }));
    root.append(el('div', { class: 'bar filters' },
        el('div', { class: 'grow' }, el('label', { for: 'find' }, t('find')), find),
        el('div', {}, el('label', { for: 'endpoint-status' }, t('status')), status)), list.node);
    root.addEventListener('keydown', walk);
    await chosen();
}

// arrows walk through a list
function walk(event) {
    const names = [...document.querySelectorAll('#view .rows .name')];
    const at = names.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || (at < 0 && event.target.id !== 'find')) {
        return;
    }
    const to = names[at + step] ?? (step < 0 ? $('find') : null);
    if (to) {
        event.preventDefault();
        to.focus();
    }
}

// ---- one endpoint

async function endpoint(ctx, id) {
    const { root, signal } = ctx;
    const place = path('subscriptions', id);
    const top = el('div'), test = el('div', { 'aria-live': 'polite' }), numbers = el('div');
    const list = pages(ctx, (json) => deliveryList(json), () => empty(t('deliveries.none')));

    const show = async () => {
        const { json } = await get(place, { signal });
        ctx.title(named(json), pill(state(json)));
        top.replaceChildren(el('p', { class: 'lead' }, because(json)), actions(json), about(json));
        return json;
    };
    const again = async () => {
        await show();
        await list.again();
    };

    function actions(one) {
        const act = (verb, body, done) => press(async () => {
            await post(path('subscriptions', id, verb), body);
            await again();
            say(done);
        });
        const webhook = one.mode === 'webhook';
        const paused = one.pausedUntil !== undefined;
        return el('div', { class: 'bar actions' },
            button(t('test'), press(async () => {
                test.replaceChildren(el('p', { class: 'soft' }, t('test.running')));
                test.replaceChildren(tested((await post(path('subscriptions', id, 'test'))).json));
            }), { class: 'main' }),
            link(t('edit'), `/endpoints/${encodeURIComponent(id)}/edit`, { class: 'button' }),
            one.status === 'pending' && button(t('confirm'), act('confirm', {}, t('confirm.done'))),
            one.enabled && webhook && (paused ? button(t('resume'), act('resume', {}, t('resume.done')))
                : button(t('pause'), () => pause(id, again))),
            one.enabled ? button(t('disable'), async () => {
                if (await ask(t('disable.title', { name: named(one) }), t('disable.text'), t('disable'))) {
                    await post(path('subscriptions', id, 'disable'));
                    await again();
                    say(t('disable.done'));
                }
            }) : button(t('enable'), act('enable', {}, t('enable.done'))),
            webhook && button(t('redeliver.span'), () => redeliverSpan([one], again)),
            button(t('rotate'), () => rotate(one, again)),
            button(t('delete'), async () => {
                if (await ask(t('delete.title', { name: named(one) }), t('delete.text'), t('delete'), true)) {
                    await call('DELETE', place);
                    go('/endpoints');
                    say(t('delete.done'));
                }
            }, { class: 'danger' }));
    }

    const spans = [['1h', t('hour.1')], ['24h', t('hour.24')], ['7d', t('day.7')]];
    const showNumbers = async (window) => {
        const { json } = await get(`${place}/stats?window=${window}`, { signal });
        numbers.replaceChildren(charts(json));
    };

    const one = await show();
    root.append(top, test,
        card(t('statistics'), choice(t('chart.span'), spans, '24h', showNumbers), numbers),
        card(t('deliveries.latest'), list.node,
            link(t('deliveries.all'), query('/deliveries', { subscription: one.id }))));
    await Promise.all([showNumbers('24h'), list.start(`${place}/deliveries?limit=10`)]);
}

function tested(json) {
    const said = json.success ? t('test.good', { status: String(json.status), ms: json.latency })
        : [t('test.bad', { status: json.status ? t('answered', { status: String(json.status) }) : t('no.answer'),
                           ms: json.latency }),
           json.error && ` ${json.error}.`, json.detail && ` ${json.detail}.`];
    return el('div', { class: json.success ? 'note good' : 'note bad', id: 'tested' },
        el('strong', {}, t('test.result')), ' ', said);
}

function about(one) {
    const json = (value) => el('pre', { tabindex: '0', role: 'group', 'aria-label': 'JSON' },
        typeof value === 'string' ? value : JSON.stringify(value, null, 2));
    const rest = Object.entries(one).filter(([name]) => !SHOWN_MEMBERS.has(name));
    return facts([
        [t('field.url'), el('span', {}, one.url, ' ', copyButton(one.url))],
        [t('field.events'), el('span', { class: 'chips' }, eventsOf(one).map((name) => code(name)))],
        one.filter && [t('field.filter'), json(one.filter)],
        one.entityTypeID !== undefined && one.entityTypeID !== null && [t('field.entityTypeID'), code(String(one.entityTypeID))],
        [t('field.profile'), one.profile],
        one.mode !== 'webhook' && [t('field.mode'), one.mode],
        one.rate && [t('field.rate'), one.rate],
        one.inFlight && [t('field.inFlight'), number(one.inFlight)],
        one.retry && [t('field.retry'), one.retry.join(', ')],
        one.timeout && [t('field.timeout'), String(one.timeout)],
        one.batch !== undefined && [t('field.batch'), JSON.stringify(one.batch)],
        one.payload !== undefined && [t('field.payload'), json(one.payload)],
        one.oauth2 && [t('field.oauth2'), json(one.oauth2)],
        one.tls && [t('field.tls'), Object.keys(one.tls).join(', ')],
        one.publicKey && [t('field.publicKey'), el('span', {}, code(one.publicKey), ' ', copyButton(one.publicKey))],
        one.uid && [t('field.uid'), code(one.uid)],
        one.metadata && [t('field.metadata'), json(one.metadata)],
        ...rest.map(([name, value]) => [name, code(JSON.stringify(value))]),
        [t('field.id'), el('span', {}, code(one.id), ' ', copyButton(one.id))],
        [t('created'), when(one.createdAt)],
        [t('changed.at'), when(one.updatedAt)],
    ]);
}

const SHOWN_MEMBERS = new Set(['id', 'uid', 'url', 'event', 'events', 'filter', 'entityTypeID', 'profile',
    'mode', 'rate', 'inFlight', 'retry', 'timeout', 'batch', 'payload', 'oauth2', 'tls', 'publicKey', 'metadata',
    'createdAt', 'updatedAt', 'enabled', 'status', 'reason', 'lastSuccessAt', 'failingSince', 'pausedUntil', 'name',
    'secret']);

async function pause(id, again) {
    const span = select([['30m', t('span.30m')], ['2h', t('span.2h')], ['24h', t('span.24h')],
        ['7d', t('span.7d')], ['', t('until.resumed')]], '2h', { id: 'pause-for' });
    const yes = await dialog(t('pause.title'), (close) => [
        el('p', {}, t('pause.text')), field(t('pause.for'), span),
        el('div', { class: 'bar end' }, button(t('cancel'), () => close(false)),
            button(t('pause'), () => close(true), { class: 'main' }))]);
    if (yes) {
        await post(path('subscriptions', id, 'pause'), span.value ? { for: span.value } : {});
        await again();
        say(t('pause.done'));
    }
}

async function rotate(one, again) {
    const grace = select([['24h', t('span.24h')], ['1h', t('span.1h')], ['7d', t('span.7d')],
        ['0s', t('grace.none')]], '24h', { id: 'grace' });
    const yes = await dialog(t('rotate.title'), (close) => [
        el('p', {}, t('rotate.text')), field(t('rotate.grace'), grace, t('rotate.hint')),
        el('div', { class: 'bar end' }, button(t('cancel'), () => close(false)),
            button(t('rotate'), () => close(true), { class: 'main' }))]);
    if (!yes) {
        return;
    }
    const { json } = await post(path('subscriptions', one.id, 'rotate-secret'), { grace: grace.value });
    await showSecret(json.secret, json.previousUntil
        ? t('rotate.done', { until: exact(json.previousUntil) }) : t('rotate.now'));
    await again();
}
