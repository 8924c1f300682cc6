// The first page: is all well, how much goes through, who needs care.

const UNWELL = 'failing,disabled,pending,paused,lagging';

async function overview(ctx) {
    const { root, signal } = ctx;
    const headline = el('p', { class: 'headline', id: 'headline' }, t('reading'));
    const tiles = el('div', { class: 'tiles' });
    const care = el('div', { id: 'care' });
    const picture = el('div', { id: 'hour' });

    ctx.title(t('overview'));
    root.append(headline, tiles, card(t('care'), care), card(t('hour'), picture));

    const [unwell] = await Promise.all([
        showCare(care, signal), showRates(tiles, signal), showHour(picture, signal)]);
    headline.replaceChildren(...wellness(unwell));
    every(10000, signal, async () => {
        headline.replaceChildren(...wellness(await showCare(care, signal)));
        await showHealth();
    });
}

function wellness(unwell) {
    const failing = unwell.filter((one) => one.failingSince && one.status !== 'disabled').length;
    const off = unwell.filter((one) => one.status === 'disabled' && !byRequest(one)).length;
    const behind = unwell.filter((one) => one.status === 'lagging').length;
    const said = [
        failing && t('headline.failing', { n: failing }),
        off && t('headline.off', { n: off }),
        behind && t('headline.behind', { n: behind })].filter(Boolean);
    const bad = failing || off ? 'bad' : behind ? 'warn' : 'good';
    return [el('span', { class: `dot ${bad}`, 'aria-hidden': 'true' }),
            said.length ? said.join(' ') : t('headline.fine')];
}

// what somebody wanted so needs no attention
const byRequest = (one) => one.status === 'disabled' ? !one.reason || one.reason === 'request'
    : one.status === 'paused' && /by request/.test(one.reason);

// those that fail first, then what was switched off, then who is slow
async function showCare(care, signal) {
    const { json, next } = await get(query('subscriptions', { status: UNWELL, limit: 100 }), { signal });
    const rank = (one) => one.status === 'disabled' ? 1
        : one.failingSince ? 0 : { lagging: 2, pending: 3, paused: 4 }[one.status] ?? 5;
    const shown = json.filter((one) => one.failingSince || !byRequest(one))
        .sort((a, b) => rank(a) - rank(b));
    if (care.contains(document.activeElement)) {
        return json;        // nobody's focus is taken
    }
    care.replaceChildren(shown.length ? endpointList(shown.slice(0, 8)) : empty(t('care.none')));
    if (shown.length > 8 || next) {
        care.append(link(t('care.all'), query('/endpoints', { status: 'failing,disabled' })));
    }
    return json;
}

function tile(name, value, text, more = {}) {
    return el('div', { class: 'tile', ...more }, el('h3', {}, name),
        el('p', { class: 'value' }, value), el('p', { class: 'soft' }, text));
}

async function showRates(tiles, signal) {
    const since = before(HOUR);
    const ways = { since, dryRun: true };
    const [events, all, missed] = await Promise.all([
        get(query('events', { since, limit: 100 }), { signal }),
        post('redeliver', { ...ways, status: 'all' }, { signal }).catch(unless(signal)),
        post('redeliver', { ...ways, status: 'missed' }, { signal }).catch(unless(signal))]);
    const many = (answer) => answer ? answer.json.count : null;
    const deliveries = many(all), late = many(missed);

    tiles.replaceChildren(
        tile(t('events'), ...eventRate(events), { id: 'rate-events' }),
        tile(t('deliveries'), deliveries === null ? t('very.many') : t('n.hour', { n: deliveries }),
            deliveries === null ? t('rate.many') : deliveries ? t('rate.minute', { n: deliveries / 60 })
                : t('rate.none'), { id: 'rate-deliveries' }),
        tile(t('undelivered'), late === null ? t('very.many') : late ? t('n.late', { n: late }) : t('none.late'),
            late === 0 ? t('late.none') : link(t('late.look'), query('/deliveries', { status: 'dead', since })),
            { id: 'late' }));
}

// too much to count is no error
const unless = (signal) => (error) => {
    signal.throwIfAborted();
    if (error.status !== 422) {
        throw error;
    }
    return null;
};

// a page of the latest says how many an hour has, or how fast they come
function eventRate({ json, next }) {
    if (!json.length) {
        return [t('none.hour'), t('rate.none')];
    }
    const last = el('span', {}, t('event.last'), ' ', when(json[0].time));
    if (!next) {
        return [t('n.hour', { n: json.length }), last];
    }
    const span = Math.max(1, Date.now() - new Date(json[json.length - 1].time));
    const rate = json.length * 1000 / span;
    return [rate >= 1 ? t('n.second', { n: Math.round(rate) }) : t('n.minute', { n: Math.round(rate * 60) }), last];
}

async function showHour(picture, signal) {
    const { json } = await get('stats?window=1h', { signal });
    picture.replaceChildren(charts(json));
}
