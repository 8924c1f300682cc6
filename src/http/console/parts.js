// Parts of the form of an endpoint: the choice of events out of the catalogue,
// a filter that is tried on recent events, and lists of names with values.

// An example of what a schema describes: its own, or made of its types.
function example(schema, depth = 0) {
    if (!schema || typeof schema !== 'object' || depth > 8) {
        return null;
    }
    for (const name of ['example', 'default', 'const']) {
        if (name in schema) {
            return schema[name];
        }
    }
    if (schema.examples?.length || schema.enum?.length) {
        return (schema.examples || schema.enum)[0];
    }
    const part = (schema.oneOf || schema.anyOf || schema.allOf)?.[0];
    if (part) {
        return example(part, depth + 1);
    }
    const type = [schema.type].flat()[0] ?? (schema.properties ? 'object' : schema.items ? 'array' : 'null');
    switch (type) {
    case 'object':
        return Object.fromEntries(Object.entries(schema.properties || {})
            .map(([name, one]) => [name, example(one, depth + 1)]));
    case 'array':
        return schema.items ? [example(schema.items, depth + 1)] : [];
    case 'string':
        return { 'date-time': '2026-01-31T12:00:00Z', email: 'somebody@example.com',
                 uri: 'https://example.com/', uuid: '6f1c3a52-2f0e-4d4e-9b3c-0d8a5e6b7c81' }[schema.format] ?? 'text';
    case 'integer':
    case 'number':
        return schema.minimum ?? 1;
    case 'boolean':
        return true;
    default:
        return null;
    }
}

// what an event of the catalogue looks like
function typeDetails(type) {
    const schema = type.schema && typeof type.schema === 'object' ? type.schema : null;
    const text = (value) => JSON.stringify(value, null, 2);
    return [
        type.schema?.description && el('p', {}, type.schema.description),
        type.aliases?.length > 0 && el('p', { class: 'soft' }, t('type.aliases', { names: type.aliases.join(', ') })),
        type.entityTypes?.length > 0 && el('p', { class: 'soft' },
            t('type.entities', { names: type.entityTypes.map((one) => `${one.name} (${one.id})`).join(', ') })),
        schema ? el('div', { class: 'two' }, viewer(t('type.schema'), text(schema)),
            viewer(t('type.example'), text({ eventType: type.name, data: example(schema) })))
            : [el('p', { class: 'soft' }, t('type.free')),
               viewer(t('type.example'), text({ eventType: type.name, entityID: 1001, data: {} }))]];
}

// The events that are wanted: names of the catalogue, found by a word, and
// patterns that are typed.  value() is the list.
function eventPicker(catalogue, chosen) {
    const names = new Set(chosen);
    const find = el('input', { type: 'search', id: 'event-find', placeholder: t('pick.find'), input: () => draw() });
    const own = el('input', { type: 'text', id: 'event-own', placeholder: 'order.*' });
    const all = el('input', { type: 'checkbox', id: 'event-all', change: () => {
        names.clear();
        if (all.checked) {
            names.add('*');
        }
        draw();
    } });
    const list = el('ul', { class: 'pick' });
    const chips = el('div', { class: 'chips', 'aria-live': 'polite' });
    const listed = catalogue.filter((one) => one.name !== '*');
    let changed = () => {};

    const add = () => {
        const name = own.value.trim();
        if (name) {
            names.delete('*');
            names.add(name);
            own.value = '';
            draw();
        }
    };

    function drawChips() {
        chips.replaceChildren(...names.size ? [...names].map((name) => el('span', { class: 'chip' },
            name === '*' ? t('pick.all') : name, button('×', () => {
                names.delete(name);
                draw();
            }, { 'aria-label': t('pick.remove', { name }) }))) : [el('small', { class: 'soft' }, t('pick.none'))]);
    }

    function draw() {
        const word = find.value.toLowerCase();
        const shown = listed.filter((one) => [one.name, ...one.aliases || []].join(' ').toLowerCase().includes(word));
        all.checked = names.has('*');
        list.replaceChildren(...shown.slice(0, 200).map((one) => {
            const id = freshId('event');
            const box = el('input', { type: 'checkbox', id, change: () => {
                names.delete('*');
                names[box.checked ? 'add' : 'delete'](one.name);
                all.checked = false;
                drawChips();
                changed();
            } });
            box.checked = names.has(one.name);
            const more = el('details', { toggle: () => {
                if (more.open && more.childElementCount === 1) {
                    more.append(...typeDetails(one).flat().filter(Boolean));
                }
            } }, el('summary', { 'aria-label': t('pick.schema', { name: one.name }) }, t('schema')));
            return el('li', {}, box, el('label', { for: id }, one.name), more);
        }));
        drawChips();
        changed();
    }

    own.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') {
            event.preventDefault();
            add();
        }
    });
    const node = el('div', { class: 'picker' },
        chips,
        el('div', { class: 'field check' }, all, el('label', { for: 'event-all' }, t('pick.every'))),
        listed.length > 0 && el('div', { class: 'field' }, el('label', { for: 'event-find' }, t('pick.catalogue')), find),
        listed.length > 0 && list,
        el('div', { class: 'bar low' }, field(t('pick.own'), own, t('pick.hint')), button(t('add'), add)));
    draw();
    return { node, control: own, value: () => {
        add();
        return [...names];
    }, names: () => [...names], listen(action) {
        changed = action;
    } };
}

// A filter as JSON, and which of the recent events it lets through.
function filterTester(value, signal, picker) {
    const area = el('textarea', { id: 'filter', rows: 6, spellcheck: 'false', class: 'code',
        placeholder: '{"data.amount": {"$gte": 100}}', value: value ? JSON.stringify(value, null, 2) : '' });
    const result = el('div', { class: 'tried', id: 'tried', 'aria-live': 'polite' });
    let events = null;

    const read = () => area.value.trim() ? JSON.parse(area.value) : null;
    const wanted = (type) => {
        const names = picker.names();
        return !names.length || names.some((name) => name === '*' || name === type
            || (name.endsWith('*') && type.startsWith(name.slice(0, -1))));
    };

    async function test() {
        let filter;
        try {
            filter = read();
        } catch (error) {
            result.replaceChildren(el('p', { class: 'wrong' }, t('filter.json', { why: error.message })));
            return;
        }
        if (!filter) {
            result.replaceChildren(el('p', { class: 'soft' }, t('filter.none')));
            return;
        }
        events ??= (await get('events?limit=50', { signal })).json;
        const some = events.filter((one) => wanted(one.eventType)).slice(0, 10);
        if (!some.length) {
            result.replaceChildren(el('p', { class: 'soft' }, t('filter.noevents')));
            // it is still looked at
            some.push({ eventType: picker.names()[0] ?? 'notify.test', data: {} });
            await post('filter/test', { filter, event: some[0] }, { signal }).catch(wrong);
            return;
        }
        try {
            const matches = await Promise.all(some.map(async (event) =>
                (await post('filter/test', { filter, event }, { signal })).json.match));
            result.replaceChildren(
                el('p', {}, t('filter.matches', { n: matches.filter(Boolean).length, of: some.length })),
                el('ul', { class: 'rows small' }, some.map((event, i) => el('li', {},
                    el('details', {}, el('summary', {}, pill(matches[i] ? 'active' : 'skipped',
                        t(matches[i] ? 'filter.yes' : 'filter.no')), ' ', event.eventType, ' ', when(event.time)),
                    viewer(event.eventType, JSON.stringify(event)))))));
        } catch (error) {
            wrong(error);
        }
    }

    function wrong(error) {
        if (error.name === 'AbortError') {
            throw error;
        }
        result.replaceChildren(el('p', { class: 'wrong' },
            error.errors?.map((one) => `${one.pointer} ${one.detail}`).join('; ') || error.message));
    }

    const soon = later(400, test);
    area.addEventListener('input', () => soon());
    return { control: area, value: read, node: el('div', {}, button(t('filter.test'), press(test)), result) };
}

// names with values, added and removed
function pairs(word, value, secret) {
    const list = el('div', { class: 'pairs' });
    const add = (name = '', text = '') => {
        const row = el('div', { class: 'bar' },
            el('input', { type: 'text', value: name, 'aria-label': t(`${word}.name`), placeholder: t('name') }),
            el('input', { type: 'text', value: text, 'aria-label': t(`${word}.value`), placeholder: t('value'),
                          autocomplete: secret ? 'off' : null }),
            button(t('remove'), () => row.remove(), { class: 'small' }));
        list.append(row);
        return row;
    };
    Object.entries(value || {}).forEach(([name, text]) => add(name, text));
    return {
        node: el('div', {}, list, button(t(`${word}.add`), () => add().querySelector('input').focus(), { class: 'small' })),
        value() {
            const rows = [...list.children].map((row) => [...row.querySelectorAll('input')].map((one) => one.value));
            return Object.fromEntries(rows.filter(([name]) => name.trim()).map(([name, text]) => [name.trim(), text]));
        },
    };
}
