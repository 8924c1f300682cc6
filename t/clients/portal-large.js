// What portal.js does for NOTIFY_TEST_PORTAL=large: how long a person waits for
// each view and action with thousands of endpoints and deliveries, and what the
// page holds while a stream of events passes through it.

const SECOND = 1000 * Number(process.env.NOTIFY_TEST_SLOW || 1);
const STREAM = Number(process.env.NOTIFY_TEST_STREAM || 120);     // seconds
const RATE = 500;                                                 // events a second
const LOOKS = 12;                                                 // at its memory
const MEASURES = { nodes: 'the elements of the page', all: 'the nodes that the browser holds',
    listeners: 'the listeners', heap: 'the kilobytes of its scripts' };

module.exports = async (browser, given, { open, ok, put, publish }) => {
    const view = given.views[0];
    const { me, context, trouble } = await open(browser, view, 1280);
    const page = me.page;

    async function takes(name, action, clock = null) {
        const since = Date.now();
        await action();
        const ms = clock ? Math.round(await clock()) : Date.now() - since;
        put({ note: `${name}: ${ms} ms` });
        ok(ms < SECOND, `${name} within a second`, `${ms} ms`);
    }
    const rows = (text) => page.locator('#view .rows').getByText(text).first().waitFor();
    const shown = () => page.locator('#view:not([aria-busy])').waitFor();

    const sinceOpened = () => page.evaluate(() => performance.now());
    await takes('the first paint, with the endpoints that fail', () => rows('Bookkeeping'), sinceOpened);
    await shown();
    put({ note: `the whole overview: ${Math.round(await sinceOpened())} ms` });
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    put({ note: `first contentful paint: ${Math.round(paint)} ms` });

    await takes('endpoints', async () => {
        await me.goes('Endpoints');
        await rows('Warehouse');
    });
    await takes('their next page', async () => {
        await me.button('Next').click();
        await rows(/^Branch 5\d$/);
    });
    await takes('a search that finds one of the last', async () => {
        await page.getByLabel('Find').fill('branch 4987');
        await rows('Branch 4987');
    });
    await takes('a search that finds none', async () => {
        await page.getByLabel('Find').fill('no such endpoint');
        await page.getByText('No endpoint is like that.').waitFor();
    });
    await page.getByLabel('Find').fill('');
    await takes('those that fail', async () => {
        await page.getByLabel('Status').selectOption('failing');
        await rows('Bookkeeping');
    });
    await page.getByLabel('Status').selectOption('');
    await page.getByLabel('Find').fill('Large one');
    await rows('Large one');
    await takes('an endpoint with 50000 deliveries', async () => {
        await page.locator('#view .rows').getByRole('link', { name: 'Large one' }).click();
        await page.locator('#view svg rect.good').first().waitFor({ state: 'attached' });
        await rows('product.created');
    });
    await takes('its week', async () => {
        await me.button('Last 7 days').click();
        await page.waitForFunction(() => document.querySelectorAll('#view svg rect.good').length === 168);
    });
    await takes('deliveries', async () => {
        await me.goes('Deliveries');
        await rows('product.created');
    });
    await takes('those that wait for a retry', async () => {
        await page.getByLabel('Status').selectOption('retrying');
        await rows('order.created');
    });
    await page.getByLabel('Status').selectOption('');
    await rows('product.created');
    await takes('one delivery', async () => {
        await page.locator('#view .rows .name').first().click();
        await page.locator('#view pre').first().waitFor();
    });
    await page.goBack();
    await shown();
    await page.locator('#redeliver-span').click();
    await page.getByRole('dialog').getByLabel('Which').selectOption('all');
    await takes('the count of a span of 100000', async () => {
        await page.locator('#span-count').click();
        await page.locator('#span-said').getByText(/^100,020 deliveries$/).waitFor();
    });
    await me.button('Close', page.getByRole('dialog')).click();
    await takes('the catalogue', () => me.goes('Event catalogue'));
    await takes('the system', async () => {
        await me.goes('System');
        await page.getByText('Leases of this worker').waitFor();
    });

    // the stream
    await me.goes('Events');
    await page.locator('#live-state[data-on=yes]').waitFor();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    const held = async () => {
        await session.send('HeapProfiler.collectGarbage');
        const { metrics } = await session.send('Performance.getMetrics');
        const of = Object.fromEntries(metrics.map((one) => [one.name, one.value]));
        return { nodes: await page.evaluate(() => document.querySelectorAll('*').length),
                 all: of.Nodes, heap: Math.round(of.JSHeapUsedSize / 1024), listeners: of.JSEventListeners };
    };
    const looks = [];
    for (let second = 1; second <= STREAM; second++) {
        const next = Date.now() + 1000;
        await publish(view.tenant, Array.from({ length: RATE }, (_, i) =>
            ({ eventType: 'user.changed', entityID: second * RATE + i, data: { text: 'x'.repeat(100) } })));
        if (second % Math.ceil(STREAM / LOOKS) === 0) {
            looks.push(await held());
            put({ note: `after ${second} s: ${JSON.stringify(looks.at(-1))}; `
                + await page.locator('#live-state').textContent() });
        }
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())));
    }

    // by the middle look of each half: some nodes wait for the next collection
    const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
    const half = Math.ceil(looks.length / 2);
    for (const [what, more] of Object.entries({ nodes: 50, all: 50, listeners: 10, heap: 512 })) {
        const before = looks.slice(0, half).map((one) => one[what]);
        const after = looks.slice(half).map((one) => one[what]);
        ok(middle(after) <= middle(before) + more, `${MEASURES[what]} do not grow beside the stream`,
            `${before}, then ${after}`);
    }
    await takes('a view beside the stream', async () => {
        await me.goes('Endpoints');
        await rows('Warehouse');
    });
    ok(!trouble.length, 'nothing went wrong in the page', trouble.join('\n'));
};
