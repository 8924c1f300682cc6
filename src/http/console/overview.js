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

    const renew = async () => headline.replaceChildren(...wellness(await showCare(care, signal)));
    // the rest is asked when this is answered, so that nothing delays it
    const failing = await showCare(care, signal, 'failing');
    if (failing.length) {
        headline.replaceChildren(...wellness(failing));
    }
    await Promise.all([renew(), showRates(tiles, picture, signal)]);
    every(10000, signal, async () => {
        await renew();
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
const byRequest = (one) => one.status === 'disabled' ? !one.reason || /by request/.test(one.reason)
    : one.status === 'paused' && /by request/.test(one.reason);

// those that fail first, then what was switched off, then who is slow; the
// first question is for those that fail alone, which is answered sooner
async function showCare(care, signal, status = UNWELL) {
    const { json, next } = await get(query('subscriptions', { status, limit: 100 }), { signal });
    const rank = (one) => one.status === 'disabled' ? 1
        : one.failingSince ? 0 : { lagging: 2, pending: 3, paused: 4 }[one.status] ?? 5;
    const shown = json.filter((one) => one.failingSince || !byRequest(one))
        .sort((a, b) => rank(a) - rank(b));
    if (care.contains(document.activeElement) || (!json.length && status !== UNWELL)) {
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

// the calls are counted by spans; what was given up is found without a search
async function showRates(tiles, picture, signal) {
    const since = before(HOUR);
    // each has its place, and is shown when its answer comes
    const filled = async (name, id, asked, words) => {
        const waiting = tile(name, '…', t('reading'), { id });
        tiles.append(waiting);
        waiting.replaceWith(tile(name, ...words(await get(asked, { signal })), { id }));
    };
    await Promise.all([
        filled(t('events'), 'rate-events', query('events', { since, limit: 100 }), eventRate),
        filled(t('deliveries'), 'rate-deliveries', 'stats?window=1h', ({ json }) => {
            const { succeeded, failed } = json.total;
            picture.replaceChildren(charts(json));
            return [succeeded + failed ? t('n.hour', { n: succeeded }) : t('none.hour'), failed
                ? t('rate.failed', { n: failed })
                : succeeded ? t('rate.minute', { n: succeeded / 60 }) : t('rate.none')];
        }),
        filled(t('undelivered'), 'late', query('deliveries', { status: 'dead', since, limit: 100 }), ({ json, next }) => [
            next ? t('n.late.more', { n: json.length }) : json.length ? t('n.late', { n: json.length }) : t('none.late'),
            json.length ? link(t('late.look'), query('/deliveries', { status: 'dead', since })) : t('late.none')])]);
}

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
