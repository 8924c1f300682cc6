// Charts of a series of counts ({at, succeeded, failed, p50, p99}), as SVG that
// is drawn anew when the room for it changes, with the same as a table.

const SVG = 'http://www.w3.org/2000/svg';
const CHART_HEIGHT = 168;
const EDGE = { left: 44, right: 8, top: 12, bottom: 22 };

function svg(name, more = {}, ...children) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(more)) {
        node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
}

// 1, 2 or 5 times a power of ten, at least n
function round(n) {
    const power = 10 ** Math.floor(Math.log10(Math.max(n, 1)));
    return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= n);
}

function clock(at, days) {
    return new Date(at).toLocaleString(language, days ? { month: 'short', day: 'numeric' }
        : { hour: '2-digit', minute: '2-digit' });
}

const milliseconds = (ms) => ms === null || ms === undefined ? '–'
    : ms >= 1000 ? t('n.seconds', { n: ms / 1000 }) : t('n.ms', { n: ms });

// the frame of a chart: its lines, the values at them, and times below
function axes(width, series, top, unit) {
    const height = CHART_HEIGHT - EDGE.top - EDGE.bottom;
    const parts = [];
    for (const share of [0, 0.5, 1]) {
        const y = EDGE.top + height * (1 - share);
        parts.push(svg('line', { class: 'grid', x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y }),
            svg('text', { class: 'axis', x: EDGE.left - 6, y: y + 4, 'text-anchor': 'end' },
                unit(top * share)));
    }
    const days = series.length > 48;
    // as many as there is room for, evenly, from the latest back
    const last = series.length - 1;
    const step = Math.max(1, Math.ceil(last / Math.max(1, Math.min(6, Math.floor(width / 90)))));
    for (let n = last; n >= 0; n -= step) {
        const x = EDGE.left + (n + 0.5) * (width - EDGE.left - EDGE.right) / series.length;
        parts.push(svg('text', { class: 'axis', x, y: CHART_HEIGHT - 4,
            'text-anchor': n === last ? 'end' : n === 0 ? 'start' : 'middle' },
            clock(series[n].at, days)));
    }
    return parts;
}

function told(one) {
    return `${exact(one.at)}: ${t('chart.told', { succeeded: one.succeeded, failed: one.failed })}, `
        + `p50 ${milliseconds(one.p50)}, p99 ${milliseconds(one.p99)}`;
}

function drawCounts(width, series) {
    const top = round(Math.max(2, ...series.map((one) => one.succeeded + one.failed)));
    const step = (width - EDGE.left - EDGE.right) / series.length;
    const height = CHART_HEIGHT - EDGE.top - EDGE.bottom;
    const bars = series.map((one, i) => {
        const good = height * one.succeeded / top, bad = height * one.failed / top;
        const x = EDGE.left + i * step + step * 0.12, floor = EDGE.top + height;
        const size = { x, width: step * 0.76 };
        return svg('g', {}, svg('title', {}, told(one)),
            svg('rect', { class: 'hit', x: EDGE.left + i * step, y: EDGE.top, width: step, height }),
            svg('rect', { class: 'good', ...size, y: floor - good, height: good, rx: Math.min(2, step / 4) }),
            svg('rect', { class: 'bad', ...size, y: floor - good - bad, height: bad, rx: Math.min(2, step / 4) }));
    });
    return [...axes(width, series, top, (n) => number(n)), ...bars];
}

function drawLatency(width, series) {
    const top = round(Math.max(10, ...series.map((one) => one.p99 ?? 0)));
    const step = (width - EDGE.left - EDGE.right) / series.length;
    const height = CHART_HEIGHT - EDGE.top - EDGE.bottom;
    const lines = ['p99', 'p50'].map((name) => {
        // a line breaks where there was no call; a point alone is a dash
        let going = false, d = '';
        series.forEach((one, i) => {
            const x = EDGE.left + (i + 0.5) * step;
            const y = EDGE.top + height * (1 - one[name] / top);
            if (one[name] !== null) {
                const alone = !going && (series[i + 1]?.[name] ?? null) === null;
                d += going ? `L${x} ${y}` : alone ? `M${x - 4} ${y}h8` : `M${x} ${y}`;
            }
            going = one[name] !== null;
        });
        return svg('path', { class: `line ${name}`, d: d || 'M0 0' });
    });
    const hits = series.map((one, i) => svg('rect', { class: 'hit', x: EDGE.left + i * step, y: EDGE.top,
        width: step, height }, svg('title', {}, told(one))));
    return [...axes(width, series, top, milliseconds), ...lines, ...hits];
}

function figure(title, legend, draw, series) {
    const picture = svg('svg', { role: 'img', height: CHART_HEIGHT });
    const box = el('div', { class: 'chart' }, picture);
    let drawn = 0;
    const redraw = () => {
        const width = Math.floor(box.clientWidth) || 600;
        if (width !== drawn) {
            drawn = width;
            picture.setAttribute('width', width);
            picture.setAttribute('viewBox', `0 0 ${width} ${CHART_HEIGHT}`);
            picture.setAttribute('aria-label', title);
            picture.replaceChildren(...draw(width, series));
        }
    };
    if (window.ResizeObserver) {
        new ResizeObserver(redraw).observe(box);
    }
    redraw();
    return el('figure', {}, el('figcaption', {}, el('span', {}, title),
        el('span', { class: 'legend' }, legend.map(([name, text]) =>
            el('span', { class: `key-${name}` }, text)))), box);
}

function table(caption, names, rows) {
    return el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption }, el('table', {},
        el('caption', { class: 'away' }, caption),
        el('thead', {}, el('tr', {}, names.map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, rows.map((row) => el('tr', {}, row.map((cell) => el('td', {}, cell)))))));
}

// what came of the calls of a time, in words, two pictures and a table
function charts(json) {
    const { series, total } = json;
    const sum = total.succeeded + total.failed;
    const words = !sum ? t('chart.none') : [
        t('chart.sum', { n: sum }), ' ',
        total.failed ? t('chart.failed', { n: total.failed, share: number(100 * total.failed / sum) })
            : t('chart.fine'), ' ',
        t('chart.latency', { p50: milliseconds(total.p50), p99: milliseconds(total.p99) })];
    return el('div', { class: 'charts' }, el('p', {}, words),
        sum > 0 && el('div', { class: 'two' },
            figure(t('chart.calls'), [['good', t('succeeded')], ['bad', t('failed')]], drawCounts, series),
            figure(t('chart.times'), [['p50', t('chart.p50')], ['p99', t('chart.p99')]], drawLatency, series)),
        sum > 0 && el('details', {}, el('summary', {}, t('chart.table')),
            table(t('chart.calls'), [t('time'), t('succeeded'), t('failed'), 'p50', 'p99'],
                series.filter((one) => one.succeeded + one.failed).map((one) =>
                    [exact(one.at), number(one.succeeded), number(one.failed),
                     milliseconds(one.p50), milliseconds(one.p99)]))));
}

// a choice of one of a few, as buttons
function choice(label, options, value, chosen) {
    const group = el('div', { class: 'choice', role: 'group', 'aria-label': label });
    for (const [name, text] of options) {
        group.append(button(text, () => {
            for (const one of group.children) {
                one.setAttribute('aria-pressed', String(one.dataset.name === name));
            }
            return chosen(name);
        }, { 'aria-pressed': String(name === value), 'data-name': name }));
    }
    return group;
}
