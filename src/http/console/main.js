// The frame: where the person is, by the page's fragment, and who they are, by
// what the API admits.
//
//   console#/endpoints?status=failing      a place
//   console#token=eyJ…                     a token; a new one keeps the place
//   console#token=eyJ…&at=%2Fdeliveries    both, as the page writes it
//   console#tenant=acme&at=%2Fdeliveries   an operator's choice of a tenant

let role = null;            // 'operator' or 'partner', when it is known
let described = null;       // openapi.json, when it is asked for
let visit = null;           // of the view that is shown

const titled = 'given' in $('channel').dataset;

const ROUTES = [
    [/^\/$/, overview, 'overview'],
    [/^\/endpoints$/, endpoints, 'endpoints'],
    [/^\/endpoints\/new$/, (ctx) => endpointForm(ctx, null), 'endpoints'],
    [/^\/endpoints\/([^/]+)\/edit$/, endpointForm, 'endpoints'],
    [/^\/endpoints\/([^/]+)$/, endpoint, 'endpoints'],
    [/^\/deliveries$/, deliveries, 'deliveries'],
    [/^\/deliveries\/([^/]+)$/, delivery, 'deliveries'],
    [/^\/events$/, events, 'events'],
    [/^\/catalogue$/, catalogue, 'catalogue'],
    [/^\/system$/, system, 'system'],
];

const NAV = [['overview', '/'], ['endpoints', '/endpoints'], ['deliveries', '/deliveries'], ['events', '/events'],
    ['catalogue', '/catalogue'], ['system', '/system']];

// ---- the fragment

function address(route) {
    return token || tenant
        ? `#${new URLSearchParams({ ...(token ? { token } : {}), ...(tenant ? { tenant } : {}), at: route })}`
        : `#${route}`;
}

// what the fragment says: a place, or null, and whether it has a token
function fragment() {
    const hash = location.hash.slice(1);
    if (hash.startsWith('/') || !hash) {
        return { at: hash || null };
    }
    const params = new URLSearchParams(hash);
    return { at: params.get('at'), token: params.get('token'), tenant: params.get('tenant') };
}

let route = '/';

function go(to) {
    if (to === route) {
        show();
        return;
    }
    history.pushState(null, '', address(to));
    arrive();
}

// the same view with other filters: nothing to go back to
function replaceRoute(to) {
    route = to;
    history.replaceState(null, '', address(to));
}

function arrive() {
    const said = fragment();
    const fresh = said.token && said.token !== token;
    token = said.token || token;
    const renewed = said.token && said.at === null && said.tenant === null;    // by the page around it
    const other = tenantHeader && !renewed && (said.tenant || '') !== tenant;
    if (other) {
        tenant = said.tenant || '';
        $('tenant').value = tenant;
    }
    if (said.at === null && fresh && visit) {
        history.replaceState(null, '', address(route));
    } else {
        route = said.at || '/';
    }
    if (fresh || other) {
        described = null;
        drawNav();
        know();
    }
    show();
}

// ---- the view

async function show() {
    const [place, search] = route.split(/\?(.*)/s);
    const found = ROUTES.map(([pattern, view, name]) => ({ match: pattern.exec(place), view, name }))
        .find(({ match }) => match) ?? { match: ['/'], view: overview, name: 'overview' };
    const first = !visit;

    visit?.abort();
    visit = new AbortController();
    const { signal } = visit;
    const heading = el('h2', { tabindex: '-1', id: 'heading' });
    const bar = el('div', { class: 'top' }, heading);
    const root = el('div', { class: 'view' });

    $('view').setAttribute('aria-busy', 'true');
    $('view').replaceChildren(bar, root);
    for (const one of $('nav').querySelectorAll('a')) {
        one.setAttribute('aria-current', one.dataset.name === found.name ? 'page' : 'false');
    }
    const ctx = {
        root, signal, params: new URLSearchParams(search || ''),
        again: () => !signal.aborted && show(),     // not where somebody else is by now
        title(text, ...more) {
            heading.textContent = text;
            bar.replaceChildren(heading, ...more);
            document.title = `${text} · ${$('channel').textContent}`;
        },
    };
    ctx.title(t(found.name));
    window.scrollTo?.(0, 0);
    if (!first) {
        heading.focus({ preventScroll: true });
    }
    try {
        await found.view(ctx, ...found.match.slice(1).map(decodeURIComponent));
    } catch (error) {
        if (signal.aborted) {
            return;
        }
        root.append(el('div', { class: 'empty', role: 'alert' },
            el('p', {}, error.status === 404 ? t('not.found') : error.message),
            button(t('try.again'), () => show())));
    }
    $('view').removeAttribute('aria-busy');
}

// ---- who it is: an operator's document says that events can be published

function openapi() {
    described ??= get('openapi.json').then(({ json }) => json, () => null);
    return described;
}

async function know() {
    const [health, api] = await Promise.all([showHealth(), openapi()]);
    const may = Object.entries(api?.paths || {}).some(([name, item]) => /(^|\/)events$/.test(name) && item.post);
    if (!titled && health.channel) {
        $('channel').textContent = health.channel;
        document.title = document.title.replace(/ · .*$/, ` · ${health.channel}`);
    }
    if (role !== (may ? 'operator' : 'partner')) {
        role = may ? 'operator' : 'partner';
        $('role').textContent = t(`role.${role}`);
        drawNav();
    }
}

function drawNav() {
    const current = $('nav').querySelector('[aria-current=page]')?.dataset.name;
    $('nav').replaceChildren(el('ul', {}, NAV.filter(([name]) => name !== 'system' || role === 'operator')
        .map(([name, to]) => el('li', {}, link(t(name), to, { 'data-name': name,
            'aria-current': name === current ? 'page' : 'false' })))));
}

// ---- what holds everywhere

// a slash goes to what finds
document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && $('find')
        && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        $('find').focus();
    }
});

// a link goes there with the token of now
document.addEventListener('click', (event) => {
    const there = event.target.closest?.('a[href^="#"]');
    if (!there || event.ctrlKey || event.metaKey || event.shiftKey || event.button) {
        return;
    }
    event.preventDefault();
    if (there.id === 'skip') {
        $('view').focus();
        return;
    }
    go(there.dataset.route);
});

// who embeds the page gives it another token before one ends; and back, forward
window.addEventListener('hashchange', arrive);
window.addEventListener('popstate', () => {
    const said = fragment();
    if (said.at !== null && (said.at !== route || (said.tenant || '') !== tenant)) {
        arrive();
    }
});

// an operator looks at another tenant: at the same list, or the overview
$('tenant').addEventListener('change', () => {
    const chosen = $('tenant').value.trim();
    if (chosen !== tenant) {
        const before = tenant;
        tenant = chosen;
        history.pushState(null, '', address(/^\/[a-z]*(\?|$)/.test(route) ? route : '/'));
        tenant = before;
        arrive();
    }
});

set($('skip'), { href: '#view' });
$('skip').textContent = t('skip');
$('ended').textContent = t('ended');
$('nav').setAttribute('aria-label', t('nav'));
$('tenant-of').hidden = !tenantHeader;
$('tenant-of').firstChild.textContent = t('tenant');
$('tenant').placeholder = t('tenant.default');
drawNav();
arrive();
know();
