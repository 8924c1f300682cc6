// For operators: what health and stats say of Redis, the workers and the
// tenant, in words first and as figures below.

async function system(ctx) {
    const { root, signal } = ctx;
    const health = el('div'), work = el('div'), figures = el('div');
    ctx.title(t('system'));
    root.append(card(t('system.redis'), health), card(t('system.work'), work), card(t('system.figures'), figures));

    const show = async () => {
        const [state, { json }] = await Promise.all([readHealth(signal), get('stats', { signal })]);
        health.replaceChildren(healthFacts(state));
        work.replaceChildren(workFacts(json));
        figures.replaceChildren(counterTable(json.counters));
    };
    await show();
    every(5000, signal, async () => {
        if (!root.contains(document.activeElement)) {
            await show();
        }
    });
}

// { word, text, json }: 503 is an answer, too
async function readHealth(signal) {
    try {
        const { json } = await get('health', { signal });
        return { word: json.warning ? 'warn' : 'good', json,
                 text: json.warning ? t('health.warning', { text: json.warning }) : t('health.ok') };
    } catch (error) {
        signal?.throwIfAborted();
        return { word: 'bad', json: {}, text: t('health.down', { text: error.message }) };
    }
}

async function showHealth() {
    const { word, text, json } = await readHealth();
    const short = t(`health.${word}`);
    $('health').className = `pill is-${word}`;
    $('health').replaceChildren(el('span', { class: 'dot', 'aria-hidden': 'true' }), short);
    $('health').title = text;
    return json;
}

function healthFacts({ word, text, json }) {
    return el('div', {}, el('p', { class: 'headline' },
        el('span', { class: `dot ${word}`, 'aria-hidden': 'true' }), text),
        json.channel && facts([[t('channel'), json.channel], [t('version'), json.version]]));
}

function workFacts(json) {
    const { worker, counters } = json;
    return el('div', {}, facts([
        json.tenant && [t('tenant'), json.tenant],
        json.events !== undefined && [t('work.log'), t('n.events', { n: json.events })],
        worker && [t('work.leases'), t('n.leases', { n: worker.buckets, subscriptions: worker.subscriptions })],
        worker && [t('work.calls'), t('n.calls', { n: worker.inFlight, queued: worker.queued })],
        worker && [t('work.lag'), worker.behind ? t('n.behind', { n: worker.behind }) : t('nothing.waits')],
        worker && [t('work.tail'), t(worker.tailing ? 'work.follows' : 'work.stands')],
        [t('work.breakers'), counters.opened ? t('n.breakers', { n: counters.opened }) : t('none.opened')],
        [t('work.fenced'), counters.fenced ? t('n.fenced', { n: counters.fenced }) : t('none')],
        [t('work.dead'), counters.dead ? t('n.dead', { n: counters.dead }) : t('none')],
    ]), el('p', { class: 'soft' }, t(json.tenant ? 'work.tenant' : worker ? 'work.all' : 'work.own')));
}

// those that have counted something first
function counterTable(counters) {
    const rows = Object.entries(counters).sort(([, a], [, b]) => Boolean(b) - Boolean(a));
    return el('details', {}, el('summary', {}, t('counters.show')),
        table(t('system.figures'), [t('counter'), t('counter.meaning'), t('value')], rows.map(([name, value]) =>
            [code(name), known(`counter.${name}`) ? t(`counter.${name}`) : '', number(value)])));
}
