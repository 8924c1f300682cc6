// The catalogue, and the events: those of the log, and as they come.

const LIVE = 200;       // lines of the live list
const LIVE_MS = 300;    // between two drawings of it

async function catalogue(ctx) {
    const { root, signal, params } = ctx;
    const { json } = await get('event-types', { signal });
    const list = el('div', { class: 'stack' });
    const find = el('input', { type: 'search', id: 'find', value: params.get('search') || '', input: () => draw() });

    function draw() {
        const word = find.value.toLowerCase();
        const shown = json.filter((one) => [one.name, ...one.aliases || [], one.schema?.description || '']
            .join(' ').toLowerCase().includes(word));
        list.replaceChildren(...shown.slice(0, 300).map((one) => {
            const box = el('details', { class: 'card type', toggle: () => {
                if (box.open && box.childElementCount === 1) {
                    box.append(...typeDetails(one).flat().filter(Boolean),
                        el('div', { class: 'bar' },
                            link(t('type.subscribe'), query('/endpoints/new', { event: one.name }), { class: 'button' }),
                            role === 'operator' && one.name !== '*'
                                && button(t('publish'), () => publish(one)),
                            link(t('type.deliveries'), query('/deliveries', { eventType: one.name }))));
                }
            } }, el('summary', {}, el('span', { class: 'name' }, one.name === '*' ? t('type.any') : one.name),
                one.off && pill('disabled', t('type.off')), one.sync && pill('pending', t('type.sync')),
                one.schema?.description && el('small', { class: 'soft' }, one.schema.description)));
            return box;
        }), ...shown.length ? [] : [empty(t('types.none'))]);
    }

    ctx.title(t('catalogue'));
    root.append(el('p', { class: 'lead' }, t('n.types', { n: json.filter((one) => one.name !== '*').length })),
        el('div', { class: 'bar filters' }, el('div', { class: 'grow' },
            el('label', { for: 'find' }, t('find')), find)), list);
    draw();
}

// an operator's own event, for a try
async function publish(type) {
    const area = el('textarea', { id: 'event-body', rows: 10, class: 'code', spellcheck: 'false', value: JSON.stringify(
        { eventType: type.name, data: example(type.schema) ?? {} }, null, 2) });
    const body = await dialog(t('publish.title', { name: type.name }), (close) => [
        el('p', {}, t('publish.text')), field(t('event'), area),
        el('div', { class: 'bar end' }, button(t('cancel'), () => close()),
            button(t('publish'), () => close(area.value), { class: 'main' }))]);
    if (body) {
        const { json } = await post('events', body);
        say(t('publish.done', { id: json.id ?? json.skipped }));
    }
}

async function events(ctx) {
    const { root, params, signal } = ctx;
    const [type, types] = typeInput('event-type', params.get('eventType'), () => show());
    const live = button(t('live.pause'), () => stream.toggle(), { id: 'live-pause' });
    const lines = el('ol', { id: 'live', class: 'rows small live' });
    const state = el('span', { class: 'soft', id: 'live-state', role: 'status' }, t('live.waiting'));
    const list = pages(ctx, (json) => el('ul', { class: 'rows small' }, json.map(eventRow)), () => empty(t('events.none')));
    const stream = liveStream(lines, state, live, () => type.value.trim(), signal);

    const show = async () => {
        replaceRoute(query('/events', { eventType: type.value.trim() }));
        stream.clear();
        await list.start(query('events', { limit: 50, eventType: type.value.trim() }));
    };

    ctx.title(t('events'));
    root.append(
        el('div', { class: 'bar filters' }, el('div', { class: 'grow' },
            el('label', { for: 'event-type' }, t('event')), type, types)),
        card(t('live'), el('div', { class: 'bar' }, live, button(t('live.clear'), () => stream.clear()), state), lines),
        card(t('events.log'), list.node));
    stream.start();
    await show();
}

function eventRow(one) {
    const box = el('details', { toggle: async () => {
        if (box.open && box.childElementCount === 1) {
            const { text } = await get(path('events', one.id));
            box.append(viewer(t('event'), text),
                el('div', { class: 'bar' }, link(t('event.deliveries'), query('/deliveries', { event: one.id })),
                    role === 'operator' && button(t('erase'), async () => {
                        if (await ask(t('erase.title'), t('erase.text'), t('erase'), true)) {
                            await call('DELETE', path('events', one.id));
                            box.closest('li').remove();
                            say(t('erase.done'));
                        }
                    }, { class: 'danger small' })));
        }
    } }, el('summary', {}, el('strong', {}, one.eventType), ' ',
        one.entityID !== undefined && one.entityID !== null && code(String(one.entityID)), ' ',
        el('span', { class: 'soft' }, when(one.time))));
    return el('li', {}, box);
}

// ---- the live stream: read as it comes, drawn a few times a second, and no
// more of it kept than is shown

function liveStream(lines, state, toggle, type, signal) {
    let kept = [], came = 0, paused = false, missed = 0;

    function line(text) {
        const one = JSON.parse(text);
        const row = el('li', {}, el('strong', {}, one.eventType), ' ',
            el('span', { class: 'soft' }, new Date(one.time ?? Date.now()).toLocaleTimeString(language)), ' ',
            code(text.length > 300 ? `${text.slice(0, 300)}…` : text));
        return row;
    }

    function draw() {
        if (!kept.length || paused) {
            return;
        }
        const fresh = kept;
        kept = [];
        lines.prepend(...fresh.reverse().map(line));
        while (lines.childElementCount > LIVE) {
            lines.lastElementChild.remove();
        }
    }

    function take(text) {
        came++;
        const wanted = type();
        if (!/"eventType"/.test(text) || (wanted && !text.includes(`"eventType":${JSON.stringify(wanted)}`))) {
            return;
        }
        kept.push(text);
        if (kept.length > LIVE) {
            kept.shift();
            missed += paused ? 1 : 0;
        }
    }

    const drawing = setInterval(draw, LIVE_MS);
    const counting = setInterval(() => {
        if (!paused && state.dataset.on) {
            state.textContent = came ? t('live.rate', { n: came }) : t('live.on');
        }
        came = 0;
    }, 1000);
    signal.addEventListener('abort', () => {
        clearInterval(drawing);
        clearInterval(counting);
    });

    return {
        start: () => follow(signal, take, (on) => {
            state.dataset.on = on ? 'yes' : '';
            state.textContent = t(on ? 'live.on' : 'live.waiting');
        }),
        clear() {
            kept = [];
            lines.replaceChildren();
        },
        toggle() {
            paused = !paused;
            toggle.textContent = t(paused ? 'live.go' : 'live.pause');
            state.textContent = paused ? t('live.paused') : missed ? t('live.missed', { n: missed }) : t('live.on');
            missed = 0;
        },
    };
}

// a stream that says who asks, which an EventSource cannot; goes on where it was
async function follow(signal, take, told) {
    const since = encodeURIComponent(new Date().toISOString());
    let last = null;
    while (!signal.aborted) {
        try {
            const answer = await fetch(new URL(`deltas?since=${since}`, base),
                { signal, headers: headers('text/event-stream', last ? { 'Last-Event-ID': last } : {}) });
            if (!answer.ok || !answer.body) {
                throw new Error(String(answer.status));
            }
            told(true);
            await readStream(answer.body.getReader(), (text, id) => {
                last = id || last;
                take(text);
            });
        } catch {
            // asked again below
        }
        if (!signal.aborted) {
            told(false);
            await new Promise((resolve) => setTimeout(resolve, 3000));
        }
    }
}

async function readStream(reader, take) {
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
        const { value, done } = await reader.read();
        if (done) {
            return;
        }
        const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
            const data = [];
            let id = '';
            for (const row of block.split('\n')) {
                const [, name, text] = /^(\w*):? ?(.*)$/.exec(row) || [];
                id = name === 'id' ? text : id;
                if (name === 'data') {
                    data.push(text);
                }
            }
            if (data.length) {
                take(data.join('\n'), id);
            }
        }
    }
}
