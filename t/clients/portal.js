// Uses the page of notify_console as a person does, in Chromium: node portal.js
// GIVEN.json, which t/http/845-portal.t writes.  Prints what held and what did
// not, a JSON object a line.

const fs = require('fs');

const given = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { chromium } = require(`${given.playwright}/playwright-core`);
const axe = fs.readFileSync(`${given.axe}/axe-core/axe.min.js`, 'utf8');

const WAIT = 5000 * Number(process.env.NOTIFY_TEST_SLOW || 1);
const put = (one) => process.stdout.write(`${JSON.stringify(one)}\n`);
const ok = (value, name, why) => put({ ok: Boolean(value), name, why: value ? undefined : String(why ?? '') });

// what a person tries, by name; what is on the page then is the answer
class Person {
    constructor(page, view, width) {
        Object.assign(this, { page, view, width, who: `${view.role}-${width}` });
    }

    async tries(name, action) {
        try {
            await action(this.page);
            ok(true, `${this.who}: ${name}`);
        } catch (error) {
            ok(false, `${this.who}: ${name}`, error.message.split('\n').slice(0, 12).join('\n'));
            await this.page.screenshot({ path: `${given.pictures}/failed-${this.who}-${name.replace(/\W+/g, '-')}.png` });
            if (await this.page.locator('dialog[open]').count()) {
                await this.page.reload();
            }
        }
    }

    button(name, within = this.page) {
        return within.getByRole('button', { name, exact: true }).first();
    }

    sees(text, within = this.page.locator('#view')) {
        return within.getByText(text).first().waitFor({ timeout: WAIT });
    }

    said(text) {
        return this.page.locator('#said').getByText(text).waitFor({ timeout: WAIT });
    }

    async goes(name) {
        await this.page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
        await this.page.locator('#view:not([aria-busy]) h2').getByText(name).waitFor({ timeout: WAIT });
    }

    // of the whole page, with axe in both colours
    async pictured(name) {
        await this.page.locator('#view:not([aria-busy])').waitFor({ timeout: WAIT });
        await this.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
        for (const colorScheme of ['light', 'dark']) {
            await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            const dark = colorScheme === 'dark' ? '-dark' : '';
            await this.page.screenshot({ path: `${given.pictures}/${this.who}-${name}${dark}.png`, fullPage: true });
            await this.axe(`${name}, ${colorScheme}`, colorScheme === 'dark');
        }
        await this.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
        const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        ok(wide <= 0, `${this.who}: ${name} fits the width`, `${wide} px too wide`);
    }

    async axe(name, colours) {
        await this.page.evaluate(`window.axe || ${'0'}`) || await this.page.evaluate(axe);
        const { violations } = await this.page.evaluate((only) => window.axe.run(document,
            only ? { runOnly: ['color-contrast'] } : {}), colours);
        ok(!violations.length, `${this.who}: axe has nothing against ${name}`, violations.map((one) =>
            `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.html}: ${node.failureSummary}`).join(' | ')}`)
            .join('\n'));
    }
}

async function overview(me) {
    await me.tries('the overview says that an endpoint fails', async (page) => {
        await me.sees('One endpoint is failing.');
        const first = page.locator('#care .row').first();
        await first.getByText('Bookkeeping').waitFor({ timeout: WAIT });
        await first.getByText(/failing since/i).waitFor({ timeout: WAIT });
        if (await page.locator('#care, #headline').getByText(/Old shop|switched off/).count()) {
            throw new Error('what a person disabled is no trouble');
        }
    });
    await me.tries('what goes through is told in words', async (page) => {
        await page.locator('#rate-events').getByText(/in the last hour/).waitFor({ timeout: WAIT });
        await page.locator('#rate-deliveries').getByText(/in the last hour/).waitFor({ timeout: WAIT });
        await page.locator('#hour svg rect.bad').first().waitFor({ state: 'attached', timeout: WAIT });
        await page.locator('#health').getByText(/Healthy|Warning/).waitFor({ timeout: WAIT });
    });
    await me.tries('the role is what the API admits', async (page) => {
        await page.locator('#role').getByText(me.view.role).waitFor({ timeout: WAIT });
        const title = me.view.role === 'partner' ? 'Acme events' : 'shop';
        await page.getByRole('heading', { level: 1, name: title }).waitFor({ timeout: WAIT });
        const system = await page.getByRole('link', { name: 'System' }).count();
        if (system !== (me.view.role === 'operator' ? 1 : 0)) {
            throw new Error(`${system} links to the system`);
        }
    });
    await me.pictured('overview');
}

async function endpoints(me) {
    await me.goes('Endpoints');
    await me.pictured('endpoints');
    await me.tries('the list goes on, page by page, and back', async (page) => {
        await me.button('Next').click();
        await me.sees(/^Branch 5\d$/);
        await me.button('Previous').click();
        await me.sees('Warehouse');
    });
    await me.tries('an endpoint is found by the server', async (page) => {
        await page.keyboard.press('/');
        await page.keyboard.type('Branch 7');
        await me.sees('Branch 7');
        await page.getByLabel('Find').fill('erp-17');
        await page.getByText('Branch').first().waitFor({ state: 'detached', timeout: WAIT });
        await me.sees('Bookkeeping');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 2, name: 'Bookkeeping' }).waitFor({ timeout: WAIT });
        await page.goBack();
        await me.sees('Bookkeeping');
        await page.getByLabel('Find').fill('');
    });
    await me.tries('the status has its reason, and since when', async (page) => {
        await page.getByLabel('Status').selectOption('paused');
        await me.sees(/paused by request, until/i);
        await page.getByLabel('Status').selectOption('disabled');
        await me.sees(/disabled by request, changed/i);
        await page.getByLabel('Status').selectOption('');
    });
}

async function create(me) {
    const name = `Made by ${me.who}`;
    await me.tries('an endpoint is made with all its members', async (page) => {
        await page.locator('#view').getByRole('link', { name: 'New endpoint' }).click();
        await page.getByLabel('URL', { exact: true }).fill('not a url');
        await me.button('Create endpoint').click();
        await page.locator('[aria-invalid=true]#f-url').waitFor({ timeout: WAIT });
        await page.getByLabel('URL', { exact: true }).fill(`${given.hook}-${me.who}`);
        await page.getByLabel('Name', { exact: true }).fill(name);
        await page.getByLabel('Your own id').fill(`own-${me.who}`);
        await page.getByLabel('From the catalogue').fill('order.');
        await page.getByLabel('order.created', { exact: true }).check();
        await page.getByLabel('order.paid', { exact: true }).check();
        await page.getByLabel('Schema of order.created').click();
        await me.sees('An order was made.');
        await page.getByLabel('Another name or pattern').fill('user.*');
        await me.button('Add').click();
        await page.getByLabel('Filter').fill('{"data.amount": {"$gte": 101}}');
        await me.sees(/of the 10 latest events are let through/);
        await page.getByLabel('Filter').fill('{"data.amount": {"$gt": "x"');
        await me.sees(/This is not JSON/);
        await page.getByLabel('Filter').fill('{"data.amount": {"$gte": 101}}');
        await me.button('Try it on recent events').click();
        await me.sees('Delivered');
        await page.locator('summary', { hasText: 'Pace and retries' }).click();
        await page.getByLabel('Rate').fill('20r/s');
        await page.getByLabel('Calls at once').fill('4');
        await page.getByLabel('Retries').fill('5s, 1m');
        await page.getByLabel('Timeout').fill('7s');
        await page.locator('summary', { hasText: 'Payload' }).click();
        await page.locator('#f-payload').selectOption('template');
        await page.getByLabel('Template').fill('{"number": "${notify_data.number}"}');
        await page.locator('summary', { hasText: 'Headers' }).click();
        await me.button('Add a header').click();
        await page.getByLabel('Name of a header').fill('X-Shop');
        await page.getByLabel('Value of a header').fill('blue');
        await page.locator('summary', { hasText: 'OAuth' }).click();
        await page.getByLabel('Token URL').fill(given.token);
        await page.getByLabel('Client id').fill(`client-${me.who}`);
        await page.getByLabel('Client secret').fill('oauth-secret-42');
        await page.getByLabel('Scope').fill('hooks.write');
        await page.getByLabel('Audience').fill('https://api.example.com');
        await page.locator('summary', { hasText: 'TLS' }).click();
        await page.getByLabel('Name in the endpoint').fill('hooks.example.com');
        await page.locator('summary', { hasText: 'Metadata' }).click();
        await me.button('Add metadata').click();
        await page.getByLabel('Name of metadata').fill('team');
        await page.getByLabel('Value of metadata').fill('logistics');
    });
    await me.pictured('form');
    await me.tries('its secret cannot be missed, and is copied', async (page) => {
        await me.button('Create endpoint').click();
        const dialog = page.getByRole('dialog');
        await dialog.waitFor({ timeout: WAIT });
        const secret = await page.locator('#secret').textContent();
        if (!/^whsec_/.test(secret)) {
            throw new Error(`no secret: ${secret}`);
        }
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await page.locator('#secret').waitFor({ timeout: WAIT });
        const box = await page.locator('#secret').boundingBox();
        if (box.x < 0 || box.x + box.width > me.width) {
            throw new Error('the secret is not all in sight');
        }
        await page.screenshot({ path: `${given.pictures}/${me.who}-secret.png` });
        await me.axe('the dialog of a secret');
        await me.button('Copy the secret').click();
        const copied = await page.evaluate(() => navigator.clipboard.readText());
        if (copied !== secret) {
            throw new Error(`copied: ${copied}`);
        }
        await me.button('I have kept it').click();
        await page.getByRole('heading', { level: 2, name }).waitFor({ timeout: WAIT });
        for (const text of ['20r/s', '5s, 1m', '7s', '"team": "logistics"', 'user.*',
            `client-${me.who}`, 'hooks.write']) {
            await me.sees(text);
        }
    });
    return name;
}

async function act(me, name) {
    await me.tries('a test call shows its answer', async (page) => {
        await me.button('Send a test').click();
        await page.locator('#tested').getByText(/answered|no answer/).waitFor({ timeout: WAIT });
    });
    await me.tries('what is secret of OAuth 2.0 is not shown, and kept', async (page) => {
        if ((await page.content()).includes('oauth-secret-42')) {
            throw new Error('the client secret is on the page');
        }
    });
    await me.tries('it is paused, and resumed', async (page) => {
        await me.button('Pause').click();
        await page.getByLabel('For how long').selectOption('2h');
        await me.button('Pause', page.getByRole('dialog')).click();
        await me.said('It is paused.');
        await me.sees(/paused by request/i);
        await me.button('Resume').click();
        await me.said('It goes on.');
        await me.button('Pause').waitFor({ timeout: WAIT });
    });
    await me.tries('it is disabled, and enabled', async (page) => {
        await me.button('Disable').click();
        await me.button('Cancel', page.getByRole('dialog')).click();
        await me.button('Disable').click();
        await me.button('Disable', page.getByRole('dialog')).click();
        await me.said('It is disabled.');
        await me.button('Enable').click();
        await me.said(/It is enabled/);
    });
    await me.tries('its secret is rotated', async (page) => {
        await me.button('Rotate secret').click();
        await page.getByLabel('The old one holds for').selectOption('1h');
        await me.button('Rotate secret', page.getByRole('dialog')).click();
        await page.getByText(/The old one holds until/).waitFor({ timeout: WAIT });
        await me.button('I have kept it').click();
    });
    await me.tries('it is changed', async (page) => {
        await page.locator('#view').getByRole('link', { name: 'Edit' }).click();
        await page.getByLabel('Name', { exact: true }).fill(`${name}, changed`);
        await page.getByLabel('Retries').fill('9s');
        await me.button('Save changes').click();
        await me.said('Saved.');
        await page.getByRole('heading', { level: 2, name: `${name}, changed` }).waitFor({ timeout: WAIT });
        await me.sees('9s');
        await me.sees('20r/s');
        await me.sees(`client-${me.who}`);
        await me.sees('"$gte": 101');
    });
    await me.tries('it is deleted after a question', async (page) => {
        await me.button('Delete').click();
        await me.button('Delete', page.getByRole('dialog')).click();
        await me.said('It is deleted.');
        await page.getByLabel('Find').fill(name);
        await me.sees('No endpoint is like that.');
    });
}

async function charts(me) {
    await me.tries('charts of an endpoint: an hour, a day, a week', async (page) => {
        await page.getByLabel('Find').fill('Bookkeeping');
        await page.locator('#view .rows').getByRole('link', { name: 'Bookkeeping' }).click();
        await page.locator('#view svg rect.bad').first().waitFor({ state: 'attached', timeout: WAIT });
        for (const [span, bars] of [['Last 7 days', 168], ['Last hour', 12], ['Last 24 hours', 24]]) {
            await me.button(span).click();
            await page.waitForFunction((n) => document.querySelectorAll('#view svg rect.bad').length === n, bars,
                { timeout: WAIT });
        }
        await page.getByText('As a table').click();
        await page.getByRole('columnheader', { name: 'Failed' }).waitFor({ timeout: WAIT });
    });
    await me.pictured('endpoint');
}

async function deliveries(me) {
    await me.goes('Deliveries');
    await me.tries('deliveries are filtered by status, event, endpoint and time', async (page) => {
        await me.sees('Warehouse');
        await page.getByLabel('Status').selectOption('retrying');
        await page.getByText('Warehouse').first().waitFor({ state: 'detached', timeout: WAIT });
        await page.getByLabel('Event', { exact: true }).fill('order.paid');
        await page.getByLabel('Event', { exact: true }).press('Enter');
        await page.locator('#view .rows').getByText('order.created').first().waitFor({ state: 'detached', timeout: WAIT });
        await me.sees('order.paid', page.locator('#view .rows'));
        await page.getByLabel('Endpoint').fill('Ware');
        const option = page.locator('#delivery-endpoint-names option').first();
        await option.waitFor({ state: 'attached', timeout: WAIT });
        await page.getByLabel('Endpoint').fill(await option.getAttribute('value'));
        await page.getByLabel('Endpoint').press('Enter');
        await me.sees('No delivery is like that.');
        await page.getByLabel('Endpoint').fill('');
        await page.getByLabel('Endpoint').press('Enter');
        await page.getByLabel('Time').selectOption('own');
        await page.getByLabel('To', { exact: true }).fill('2026-01-01T00:00');
        await me.sees('No delivery is like that.');
        await page.getByLabel('Time').selectOption('1');
        await me.sees('order.paid', page.locator('#view .rows'));
        await page.getByLabel('Event', { exact: true }).fill('');
        await page.getByLabel('Event', { exact: true }).press('Enter');
        await me.sees('order.created', page.locator('#view .rows'));
    });
    await me.pictured('deliveries');
    await me.tries('the chosen ones are delivered again', async (page) => {
        const boxes = page.locator('#view .rows input[type=checkbox]');
        await boxes.nth(0).check();
        await boxes.nth(1).check();
        await me.sees('2 are chosen.');
        await page.locator('#redeliver-chosen').click();
        await me.said('2 are delivered again.');
    });
    await me.tries('one shows its payload, its request, its answers', async (page) => {
        await page.locator('#view .rows .name', { hasText: 'order.created' }).first().click();
        await me.sees('"eventType"');
        await me.sees(/webhook-id: evt_/);
        await me.sees(/no such table/);
        await me.sees(/Attempt 2/);
        await page.locator('.viewer').first().getByRole('button', { name: 'Copy' }).click();
        await me.said('Copied.');
        const text = await page.evaluate(() => navigator.clipboard.readText());
        if (!/"big":90071992547/.test(text)) {
            throw new Error(`copied: ${text}`);
        }
    });
    await me.pictured('delivery');
    await me.tries('and is delivered again', async (page) => {
        const attempts = page.locator('.attempts > li');
        const before = await attempts.count();
        await me.button('Redeliver').click();
        await me.said('It is delivered again.');
        await attempts.nth(before).waitFor({ timeout: WAIT });
    });
    await me.tries('a time span is counted, then delivered again', async (page) => {
        await page.goBack();
        await page.locator('#redeliver-span').click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Which').selectOption('all');
        await dialog.getByLabel('Event (empty: any)').fill('order.paid');
        await dialog.getByLabel('Event (empty: any)').press('Tab');
        await page.locator('#span-count').click();
        await dialog.getByText(/^\d+ deliveries$/).waitFor({ timeout: WAIT });
        await page.screenshot({ path: `${given.pictures}/${me.who}-span.png` });
        await me.axe('the dialog of a span');
        await page.locator('#span-go').click();
        await dialog.getByText(/are delivered again/).waitFor({ timeout: WAIT });
        await me.button('Close', dialog).click();
    });
}

async function events(me) {
    await me.goes('Events');
    await me.tries('events are seen as they come', async (page) => {
        await me.sees('Waiting for events.');
        await publish(me.view.tenant, [{ eventType: 'user.created', data: { n: 1, html: '<b>x</b>' } }]);
        await page.locator('#live').getByText('user.created').first().waitFor({ timeout: WAIT });
        if (await page.locator('#view b').count()) {
            throw new Error('markup of an event is markup of the page');
        }
    });
    await me.tries('the stream is paused, and cleared', async (page) => {
        await page.locator('#live-pause').click();
        await publish(me.view.tenant, [{ eventType: 'user.deleted' }]);
        await page.waitForTimeout(600);
        if (await page.locator('#live').getByText('user.deleted').count()) {
            throw new Error('it went on');
        }
        await page.locator('#live-pause').click();
        await page.locator('#live').getByText('user.deleted').first().waitFor({ timeout: WAIT });
    });
    await me.tries('the log is read, and an event opened', async (page) => {
        await page.getByLabel('Event', { exact: true }).fill('order.created');
        await page.getByLabel('Event', { exact: true }).press('Enter');
        await page.locator('.page details summary').first().click();
        await me.sees('"entityID"');
        const erase = await me.button('Erase').count();
        if (erase !== (me.view.role === 'operator' ? 1 : 0)) {
            throw new Error(`${erase} buttons to erase it`);
        }
    });
    await me.pictured('events');
    if (me.view.role === 'operator') {
        await me.tries('an operator erases one after a question', async (page) => {
            await publish(me.view.tenant, [{ eventType: 'invoice.deleted', data: { iban: me.who } }]);
            await page.locator('#event-type').fill('invoice.deleted');
            await page.locator('#event-type').press('Enter');
            const one = page.locator('.page details', { hasText: 'invoice.deleted' });
            await one.locator('summary').click();
            await me.sees(`"iban"`, one);
            await me.button('Erase', one).click();
            await me.button('Cancel', page.getByRole('dialog')).click();
            await me.button('Erase', one).click();
            await me.button('Erase', page.getByRole('dialog')).click();
            await me.said('It is erased.');
            await one.waitFor({ state: 'detached', timeout: WAIT });
            await page.reload();
            await me.sees('No event is like that.');
        });
    }
}

// a wide screen: nothing is wider than it, and lines stay short enough to read
async function wide(browser, view) {
    const { me, context } = await open(browser, view, 2000);
    for (const name of ['Overview', 'Endpoints', 'Deliveries', 'Events', 'Event catalogue',
        ...view.role === 'operator' ? ['System'] : []]) {
        await me.tries(`${name} fits a wide screen`, async (page) => {
            await me.goes(name);
            await page.screenshot({ path: `${given.pictures}/${me.who}-${name.replace(' ', '-')}.png` });
            const [more, text] = await page.evaluate(() => [
                document.documentElement.scrollWidth - window.innerWidth,
                document.getElementById('view').getBoundingClientRect().width]);
            if (more > 0 || text > 1400) {
                throw new Error(`${more} px too wide, the view has ${text} px`);
            }
        });
    }
    await context.close();
}

async function catalogue(me) {
    await me.goes('Event catalogue');
    await me.tries('the catalogue has a schema and an example', async (page) => {
        await page.getByLabel('Find').fill('made');
        await page.locator('details.type summary').first().click();
        await me.sees('Schema of the data');
        await me.sees('A-1001');
    });
    await me.pictured('catalogue');
    await me.tries('and leads to a new endpoint', async (page) => {
        await page.locator('details.type').getByRole('link', { name: 'New endpoint for it' }).click();
        await page.locator('.chip').getByText('order.created').waitFor({ timeout: WAIT });
    });
}

async function system(me) {
    if (me.view.role === 'partner') {
        return;
    }
    await me.goes('System');
    await me.tries('an operator sees Redis, leases and breakers', async (page) => {
        await me.sees(/Redis is well|It works, but/);
        for (const text of ['Leases of this worker', 'Breakers', 'The log holds']) {
            await me.sees(text);
        }
        await page.getByText('Show the figures').click();
        await page.getByRole('cell', { name: 'published' }).waitFor({ timeout: WAIT });
    });
    await me.pictured('system');
    await me.goes('Event catalogue');
    await me.tries('and publishes', async (page) => {
        await page.getByLabel('Find').fill('order.sent');
        await page.locator('details.type summary').first().click();
        await me.button('Publish one').click();
        await me.button('Publish one', page.getByRole('dialog')).click();
        await me.said(/Published: evt_/);
    });
}

// whose data an operator sees; a partner is not asked
async function tenant(me) {
    await me.tries(me.view.role === 'operator' ? 'an operator chooses a tenant' : 'a partner has one tenant',
        async (page) => {
            const field = page.getByLabel('Tenant', { exact: true });
            if (me.view.role === 'partner') {
                await field.waitFor({ state: 'hidden', timeout: WAIT });
                return;
            }
            await publish('acme', [{ eventType: 'team.deleted', data: { of: me.who } }]);
            await page.locator('nav').getByRole('link', { name: 'Events', exact: true }).click();
            await field.fill('acme');
            await field.press('Enter');
            const one = page.locator('.page details', { hasText: 'team.deleted' });
            await one.locator('summary').click();
            await me.sees(`"${me.who}"`, one);
            await me.goes('System');
            await me.sees('Counts are of this tenant.');
            await page.reload();
            await me.sees('Counts are of this tenant.');
            await me.goes('Events');
            await one.locator('summary').click();
            await me.button('Erase', one).click();
            await me.button('Erase', page.getByRole('dialog')).click();
            await me.said('It is erased.');
            await one.waitFor({ state: 'detached', timeout: WAIT });
            await field.fill('\u0141\u00f3d\u017a');
            await field.press('Tab');
            await me.sees('No event is like that.');
            await me.goes('System');
            await me.sees('\u0141\u00f3d\u017a');
            await page.evaluate(() => { location.hash = '#token=renewed'; });
            await page.waitForFunction(() => /token=renewed.*at=/.test(location.hash), null, { timeout: WAIT });
            await me.sees('\u0141\u00f3d\u017a');
            await field.fill('');
            await field.press('Enter');
            await me.sees('Counts are of all tenants');
            if (/tenant/.test(page.url())) {
                throw new Error(page.url());
            }
        });
}

async function keyboard(me) {
    await me.tries('the keyboard gets everywhere', async (page) => {
        await page.keyboard.press('Escape');
        await me.goes('Endpoints');
        await page.reload();
        await me.sees('Warehouse');
        await page.keyboard.press('Tab');
        const first = await page.evaluate(() => document.activeElement.id);
        if (first !== 'skip') {
            throw new Error(`the first stop is ${first}`);
        }
        await page.keyboard.press('Enter');
        const then = await page.evaluate(() => document.activeElement.id);
        if (then !== 'view') {
            throw new Error(`it leads to ${then}`);
        }
    });
}

async function publish(tenant, list) {
    const answer = await fetch(given.publish, { method: 'POST', body: JSON.stringify(list),
        headers: { 'Content-Type': 'application/json', ...(tenant ? { 'X-Tenant': tenant } : {}) } });
    if (!answer.ok) {
        throw new Error(`publish: ${answer.status} ${await answer.text()}`);
    }
}

async function open(browser, view, width) {
    const context = await browser.newContext({ viewport: { width, height: width < 600 ? 844 : 900 },
        colorScheme: 'light', reducedMotion: 'reduce', deviceScaleFactor: 1,
        permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    const trouble = [];
    page.setDefaultTimeout(WAIT);
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('console', (message) => {
        if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
            trouble.push(message.text());
        }
    });
    await page.goto(view.url);
    return { me: new Person(page, view, width), context, trouble };
}

// the views are of different tenants, and each has a clipboard of its own
const all = () => Promise.all(given.views.map(async (view) => {
    const browser = await launch();
    for (const width of [1280, 390]) {
        const { me, context, trouble } = await open(browser, view, width);
        await overview(me);
        await endpoints(me);
        await act(me, await create(me));
        await charts(me);
        await deliveries(me);
        await events(me);
        await catalogue(me);
        await system(me);
        await tenant(me);
        await keyboard(me);
        ok(!trouble.length, `${me.who}: nothing went wrong in the page`, trouble.join('\n'));
        await context.close();
    }
    await wide(browser, view);
    await browser.close();
}));

const launch = () => chromium.launch({ executablePath: given.chromium, headless: true,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });

async function large() {
    const browser = await launch();
    await require('./portal-large.js')(browser, given, { open, ok, put, publish });
    await browser.close();
}

(given.large ? large() : all()).catch((error) => {
    ok(false, 'the browser works', error.stack);
    process.exit(1);
});
